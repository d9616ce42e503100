"""Objective values of molecules from worker processes; one bad molecule never ends a run."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmae_tf.errors import UserError
from molecules.scoring.objective import Objective
from molecules.scoring.pool import GIGABYTE, Worker, ask_all
from molecules.scoring.remote import RemoteProcesses

WORTH_A_WORKER = 500
"""Questions that pay for starting one more process, about a second, when each takes a ms or two."""

CHUNK = 50
"""Questions sent at once when each takes a ms or two: waiting for one another costs as much."""


@dataclass(frozen=True)
class Score:
    """The objective value of one molecule, or why there is none.

    Attributes
    ----------
    smiles : as asked; None for a decode that gave no string.
    canonical : RDKit's canonical SMILES, None if it is no molecule.
    value : NaN unless `reason` is empty.
    reason : why there is no value: one sentence or part of one.
    """

    smiles: str | None
    canonical: str | None
    value: float
    reason: str = ""

    @property
    def ok(self) -> bool:
        """Whether there is a value."""
        return not self.reason


class Scorer:
    """Objective values of SMILES, from worker processes: each molecule in a time limit, and once.

    What is asked again in any spelling is answered from memory, failures too.  Processes start
    with the first question and stay, so that a small batch costs what it would in this process
    and the limit holds even when RDKit hangs.  Close it, or use it in a `with` block.

    Parameters
    ----------
    objective : a property's name, `package.module:function`, or an `Objective`.
    jobs : processes; by default one for each core of this process.
    time_limit : seconds for each molecule.
    molecules : the strings are SMILES; False: any other strings, compared as they are written.
    memory_limit : resident gigabytes of a process, whose molecule counts as failed beyond; by
        default its share of the machine's memory, and none on the workers of a cluster.
    scheduler : of a dask.distributed cluster, whose workers then score instead of this machine: its
        address, such as `tcp://host:8786`, or its scheduler file.

    Raises
    ------
    UserError: no such property, or the user's function cannot be imported.

    Examples
    --------
    >>> import molecules
    >>> with molecules.Scorer("heavy_atoms", jobs=1) as scorer:
    ...     values = scorer.values(["CCO", "c1ccccc1"])
    ...     failed = scorer.score(["C1CC"])[0]
    >>> values
    array([3., 6.])
    >>> failed.ok, failed.value
    (False, nan)
    """

    def __init__(
        self,
        objective: str | Objective,
        jobs: int | None = None,
        time_limit: float = 30.0,
        *,
        molecules: bool = True,
        memory_limit: float | None = None,
        scheduler: str | None = None,
    ) -> None:
        if not (time_limit > 0 and math.isfinite(time_limit)):
            raise UserError(f"the time limit of a molecule is {time_limit}: give positive seconds.")
        if jobs is not None and jobs < 1:
            raise UserError(f"the number of processes is {jobs}: give at least 1.")
        if memory_limit is not None and not memory_limit > 0:
            raise UserError(f"the memory limit is {memory_limit}: give positive gigabytes.")
        if jobs is not None and scheduler is not None:
            raise UserError(
                "jobs are processes of this machine, and with a scheduler its workers score: leave "
                "one of them out."
            )
        self.objective = Objective(objective) if isinstance(objective, str) else objective
        self.maximise = self.objective.maximise
        self._molecules = molecules
        plain, n = self.objective.to_json(), jobs or _cores()
        here = _memory() / n if memory_limit is None else memory_limit
        self._workers = [Worker(plain, time_limit, here) for _ in range(n)]
        self._remote = None
        if scheduler is not None:
            there = math.inf if memory_limit is None else memory_limit
            self._remote = RemoteProcesses(scheduler, plain, time_limit, there)
        self._canonical: dict[str, dict[str, Any]] = {}
        self._values: dict[str, dict[str, Any]] = {}
        if self.objective.is_function:
            (self._remote or self._workers[0]).start()

    def score(
        self, smiles: Sequence[str | None], progress: Callable[[], None] = lambda: None
    ) -> list[Score]:
        """N SMILES -> N scores in order; `progress` is called for each molecule evaluated."""
        strings = dict.fromkeys(text for text in smiles if text is not None)
        if self._molecules:
            self._learn("canonical", self._canonical, strings)
        else:
            self._canonical.update((text, {"value": text}) for text in strings)
        names = (self._canonical[text].get("value") for text in strings)
        self._learn("score", self._values, dict.fromkeys(filter(None, names)), progress)
        return [self._score(text) for text in smiles]

    def values(self, smiles: Sequence[str | None]) -> NDArray[np.float64]:
        """N SMILES -> values [N]; NaN where there is none."""
        return np.array([result.value for result in self.score(smiles)], dtype=np.float64)

    def close(self) -> None:
        """End the processes; what was learnt stays, and a new question starts them again."""
        for worker in self._workers:
            worker.stop()
        if self._remote is not None:
            self._remote.stop()

    def __enter__(self) -> Scorer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _learn(
        self,
        task: str,
        known: dict[str, dict[str, Any]],
        wanted: dict[str, None],
        progress: Callable[[], None] = lambda: None,
    ) -> None:
        """Ask for what is not yet known."""
        new = [text for text in wanted if text not in known]
        if not new:
            return
        # A user's function may take minutes a molecule; a property takes about a millisecond.
        slow = task == "score" and self.objective.is_function
        chunk = 1 if slow else CHUNK
        if self._remote is not None:
            answers = self._remote.ask_all(task, new, chunk, progress)
        else:
            workers = self._workers[: len(new) if slow else math.ceil(len(new) / WORTH_A_WORKER)]
            answers = ask_all(workers, task, new, chunk, progress)
        known.update(zip(new, answers, strict=True))

    def _score(self, smiles: str | None) -> Score:
        if smiles is None:
            return Score(None, None, math.nan, "no string was decoded")
        name = self._canonical[smiles]
        if "value" not in name:
            return Score(smiles, None, math.nan, name["reason"])
        found = self._values[name["value"]]
        value = found.get("value", math.nan)
        return Score(smiles, name["value"], value, found.get("reason", ""))


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory() -> float:
    """Gigabytes of the machine; infinite where the system does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / GIGABYTE
    except (AttributeError, OSError, ValueError):  # pragma: no cover - Windows
        return math.inf
