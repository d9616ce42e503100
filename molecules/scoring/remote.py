"""Scoring processes on the workers of a dask cluster, each with its limits of time.

A worker of the cluster does not run an objective itself: like `molecules.scoring.pool` on one
machine, it keeps scoring processes, one for each of its threads, and asks them.  So the limit
holds, and an objective that ends its process fails for that molecule and leaves the worker alive.
"""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from gmae_tf.errors import UserError
from gmae_tf.utils.cluster import Cluster, Lost
from molecules.scoring.pool import Worker, ask_all

IDLE_LIMIT = 600.0
"""Seconds after which a process is ended whose search has gone without a word."""
_idle: dict[str, list[tuple[float, Worker]]] = defaultdict(list)
_lock = threading.Lock()


class RemoteProcesses:
    """The scoring processes of a cluster, for one objective.

    scheduler : see `gmae_tf.utils.cluster.Cluster`.
    worker : arguments of `molecules.scoring.pool.Worker`; a user's function is imported there.
    """

    def __init__(self, scheduler: str, *worker: Any) -> None:
        self._scheduler = scheduler
        self._setup = json.dumps(worker)
        self._cluster: Cluster | None = Cluster(scheduler)

    def ask_all(
        self,
        task: str,
        questions: Sequence[str],
        chunk: int = 1,
        progress: Callable[[], None] = lambda: None,
    ) -> list[dict[str, Any]]:
        """One answer a question, in order, as `molecules.scoring.pool.ask_all` has them."""
        if self._cluster is None:
            self._cluster = Cluster(self._scheduler)
        answers: list[dict[str, Any]] = [{} for _ in questions]
        starts = range(0, len(questions), chunk)
        parts = [list(questions[start : start + chunk]) for start in starts]
        for number, found in self._cluster.map(partial(_answers, self._setup, task), parts):
            if isinstance(found, str):
                raise UserError(f"on a worker of the cluster, {found}")
            if isinstance(found, Lost):
                found = [{"reason": found.reason}] * len(parts[number])
            answers[starts[number] : starts[number] + len(found)] = found
            for _ in found:
                progress()
        return answers

    def start(self) -> None:
        """Have a process somewhere that is ready; `UserError` if the objective is refused."""
        try:
            self.ask_all("canonical", ["C"])
        except UserError:
            self.stop()
            raise

    def stop(self) -> None:
        """End processes and connection; a later question makes both anew."""
        if self._cluster is not None:
            self._cluster.everywhere(_end, self._setup)
            self._cluster.close()
            self._cluster = None


def _answers(setup: str, task: str, questions: Sequence[str]) -> list[dict[str, Any]] | str:
    """Answers of a scoring process of this worker, or why the objective is refused."""
    worker = _take(setup)
    try:
        return ask_all([worker], task, questions, len(questions))
    except UserError as error:
        return str(error)
    finally:
        with _lock:
            _idle[setup].append((time.monotonic(), worker))


def _take(setup: str) -> Worker:
    """A process of this objective that nobody uses, or a new one."""
    with _lock:
        forgotten = time.monotonic() - IDLE_LIMIT
        for waiting in _idle.values():
            while waiting and waiting[0][0] < forgotten:
                waiting.pop(0)[1].stop()
        if _idle[setup]:
            return _idle[setup].pop()[1]
    return Worker(*json.loads(setup))


def _end(setup: str) -> None:
    """End the processes of this objective that nobody uses."""
    with _lock:
        for _, worker in _idle.pop(setup, []):
            worker.stop()
