"""A function over many molecules, in worker processes, with a progress bar."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

A = TypeVar("A")
B = TypeVar("B")

CHUNK = 1000
"""Molecules sent to a worker at once; fewer than two chunks stay in this process."""


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

    chunks = (items[start : start + CHUNK] for start in range(0, len(items), CHUNK))
    parallel = Parallel(n_jobs=jobs, backend="loky", return_as="generator")
    results: list[B] = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    screen = Console(stderr=True)
    with Progress(
        *columns,
        TimeRemainingColumn(),
        console=screen,
        transient=True,
        disable=not sys.stderr.isatty(),
    ) as progress:
        task = progress.add_task(label, total=len(items))
        for part in parallel(delayed(_apply)(function, chunk) for chunk in chunks):
            results.extend(part)
            progress.update(task, completed=len(results))
    return results


def _apply(function: Callable[[A], B], items: Sequence[A]) -> list[B]:
    return [function(item) for item in items]
