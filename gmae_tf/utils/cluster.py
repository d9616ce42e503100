"""A function over many items on the machines of a dask.distributed cluster.

Dask starts, watches and replaces the workers, on Slurm, Kubernetes or a list of hosts.  Here is
only what it means for a computation that one of them is lost: its items are computed again, each
is answered once, and an item whose workers die again and again is given up.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any

from gmae_tf.errors import UserError

CONNECT_LIMIT = 5.0
"""Seconds for the scheduler to answer."""
PATIENCE = 30.0
"""Seconds without a result after which a cluster without workers is told of."""
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Lost:
    """An item that has no result, for every worker that tried it has died; why, in words."""

    reason: str


class Cluster:
    """A connection to the scheduler of a dask cluster, which is trusted as this process is.

    Scheduler and workers need this package in the same version, and all that is sent to them is
    importable there.  Close it, or use it in a `with` block.

    Parameters
    ----------
    scheduler : its address, such as `tcp://host:8786`, or the file that `dask scheduler
        --scheduler-file` has written.

    Raises
    ------
    UserError: no scheduler answers there, or dask.distributed is not installed.
    """

    def __init__(self, scheduler: str) -> None:
        quiet = "distributed" not in sys.modules
        try:
            from distributed import Client
        except ImportError as error:
            raise UserError(
                f"the scheduler {scheduler} needs dask.distributed: pip install distributed."
            ) from error
        if quiet:  # what matters of it is said by the errors below
            for name in ("distributed", "distributed.client"):
                logging.getLogger(name).setLevel(logging.CRITICAL)
        self.scheduler = scheduler
        try:
            address = scheduler
            if Path(scheduler).is_file():
                address = json.loads(Path(scheduler).read_text(encoding="utf-8"))["address"]
            elif ":" not in scheduler:
                raise ValueError("it is no file, and no address such as tcp://host:8786")
            self._client = Client(address, timeout=CONNECT_LIMIT, set_as_default=False)
        except Exception as error:  # dask has no class of its own for what is no address
            reason = " ".join(str(error).split()) or type(error).__name__
            raise UserError(
                f"no scheduler of dask.distributed answers at {scheduler!r} ({reason}): give the "
                "address that dask scheduler prints, or the file of its --scheduler-file."
            ) from error

    def map(
        self, function: Callable[[Any], Any], items: Sequence[Any]
    ) -> Iterator[tuple[int, Any]]:
        """The numbers of items and what a function gives for them, in the order of completion.

        Each number comes once.  An item whose workers have died as often as dask allows (its
        `allowed-failures`) may only have waited behind the one that killed them; so it is tried
        again at the end, alone, and is `Lost` if that is no better.  What is not done when the
        iteration is left is cancelled.

        Raises
        ------
        UserError: the scheduler is lost, or it or a worker lacks the module of the function.
        Exception: whatever the function raises.
        """
        self._require(getattr(function, "func", function).__module__)
        self._tell_if_alone()
        suspects = []
        for number, found in self._once(function, items):
            if isinstance(found, Lost):
                suspects.append(number)
            else:
                yield number, found
        for number in suspects:
            for _, found in self._once(function, [items[number]]):
                yield number, found

    def _once(
        self, function: Callable[[Any], Any], items: Sequence[Any]
    ) -> Iterator[tuple[int, Any]]:
        from distributed import KilledWorker
        from distributed.client import FutureCancelledError

        done: SimpleQueue[Any] = SimpleQueue()
        waiting = self._submit(function, items, done)
        try:
            while waiting:
                batch = _taken(done)
                if not batch:
                    self._tell_if_alone()
                good = [future for future in batch if future.status == "finished"]
                results = dict(zip([f.key for f in good], self._client.gather(good), strict=True))
                for future in good:  # dask computes again what is held and on a worker that dies
                    future.release()
                for future in batch:
                    number = waiting.pop(future.key)[0]
                    if future.key in results:
                        yield number, results[future.key]
                        continue
                    try:
                        yield number, future.result()
                    except KilledWorker:
                        yield number, Lost("ended every worker of the cluster that tried")
        except (CancelledError, FutureCancelledError) as error:
            raise UserError(
                f"the scheduler {self.scheduler} was lost: start it, and repeat the command."
            ) from error
        finally:
            with suppress(OSError, RuntimeError, ValueError):
                self._client.cancel([future for _, future in waiting.values()], force=True)

    def _submit(
        self, function: Callable[[Any], Any], items: Sequence[Any], done: SimpleQueue[Any]
    ) -> dict[str, tuple[int, Any]]:
        """Numbers and futures by key; each future comes to the queue when it is done."""
        # Impure: two calls never share a result, for a function may depend on time and place.
        futures = self._client.map(function, items, pure=False)
        for future in futures:
            future.add_done_callback(done.put)
        return {future.key: (number, future) for number, future in enumerate(futures)}

    def _tell_if_alone(self) -> None:
        if not self._client.scheduler_info(n_workers=-1)["workers"]:
            _logger.warning("The cluster at %s has no workers: waiting for some.", self.scheduler)

    def _require(self, module: str) -> None:
        """Refuse a cluster without a module: a worker that gets a task of it would die."""
        try:
            self._client.run_on_scheduler(resolve_name, f"{module}:__name__")
            self._client.run(resolve_name, f"{module}:__name__")
        except ImportError as error:
            raise UserError(
                f"the cluster at {self.scheduler} cannot import {module} ({error}): it must be "
                "found, in the same version as here, where the scheduler and the workers run."
            ) from error

    def everywhere(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Call a function in every worker, beside what it computes; what fails there is ignored."""
        with suppress(Exception):  # a worker may have gone
            self._client.run(function, *arguments, on_error="ignore")

    def close(self) -> None:
        """Disconnect; the cluster goes on."""
        self._client.close()

    def __enter__(self) -> Cluster:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _taken(queue: SimpleQueue[Any]) -> list[Any]:
    """All that is in a queue, waiting for the first; nothing if it does not come."""
    taken: list[Any] = []
    with suppress(Empty):
        taken.append(queue.get(timeout=PATIENCE))
        while True:
            taken.append(queue.get_nowait())
    return taken
