"""A function over many items, in worker processes or in threads, with a progress bar."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

A = TypeVar("A")
B = TypeVar("B")

CHUNK = 1000
"""Items sent to a worker at once; fewer than two chunks stay in this process."""


def map_chunks(
    function: Callable[[A], B], items: Sequence[A], label: str, *, jobs: int = -1
) -> list[B]:
    """`[function(item) for item in items]`, in order, on `jobs` cores (-1: all).

    The workers are fresh processes (loky), never forks: a fork of a process in which TensorFlow
    runs threads hangs.
    """
    if len(items) < 2 * CHUNK or jobs == 1:
        return _apply(function, items)
    from joblib import Parallel, delayed

    parallel = Parallel(n_jobs=jobs, backend="loky", return_as="generator")
    results: list[B] = []
    with _progress() as progress:
        task = progress.add_task(label, total=len(items))
        for part in parallel(delayed(_apply)(function, chunk) for chunk in _chunks(items)):
            results.extend(part)
            progress.update(task, completed=len(results))
    return results


def map_threads(
    function: Callable[[A], B], items: Sequence[A], label: str, *, threads: int | None = None
) -> Iterator[B]:
    """`map(function, items)` in threads of this process, for functions that release the GIL."""
    workers = ThreadPoolExecutor(threads or min(8, os.cpu_count() or 1))
    with workers as pool, _progress(shown=len(items) >= CHUNK) as progress:
        task = progress.add_task(label, total=len(items))
        for chunk in _chunks(items):
            yield from pool.map(function, chunk)
            progress.advance(task, len(chunk))


def _progress(shown: bool = True) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not (shown and sys.stderr.isatty()),
    )


def _chunks(items: Sequence[A]) -> Iterator[Sequence[A]]:
    return (items[start : start + CHUNK] for start in range(0, len(items), CHUNK))


def _apply(function: Callable[[A], B], items: Sequence[A]) -> list[B]:
    return [function(item) for item in items]
