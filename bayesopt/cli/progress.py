"""How a search shows that it goes on: bars on a terminal, lines in a log file."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

EVERY = 30.0
"""Seconds, at least, between two lines of a log."""


class Progress:
    """Evaluations of a search and stages of a fit, shown as they are done."""

    def __init__(self, screen: Console, bars: Any) -> None:
        self.screen, self._bars = screen, bars
        self._shown = time.monotonic()

    def evaluations(self, title: str, budget: int) -> Callable[[int, float | None], None]:
        """A function of the number of new evaluations and the best score so far."""
        bar = self._bars.add_task(title, total=budget)
        done = 0

        def advance(n: int, best: float | None) -> None:
            nonlocal done
            done += n
            self._bars.advance(bar, n)
            self._bars.update(bar, visible=done < budget)
            found = "" if best is None else f", best {best:.4g}"
            self._line(f"{title}: {done} of {budget} evaluations{found}")

        return advance

    def stages(self, title: str) -> Callable[[str, int, int], None]:
        """A function (stage, done, total) that shows each stage of fitting a surrogate."""
        bars: dict[str, Any] = {}

        def show(stage: str, done: int, total: int) -> None:
            if stage not in bars:
                bars[stage] = self._bars.add_task(f"{title}, {stage}")
            self._bars.update(bars[stage], completed=done, total=total, visible=done < total)
            self._line(f"{title}, {stage}: {done} of {total}")

        return show

    def _line(self, text: str) -> None:
        """A line, where no bar can be drawn, and none was printed lately."""
        if not self.screen.is_terminal and time.monotonic() - self._shown >= EVERY:
            self._shown = time.monotonic()
            self.screen.print(text)


@contextmanager
def progress(screen: Console) -> Iterator[Progress]:
    """Bars while the block runs; on what is no terminal, a line every half minute."""
    from rich import progress as rich

    columns = (
        rich.TextColumn("{task.description}"),
        rich.BarColumn(),
        rich.MofNCompleteColumn(),
        rich.TimeElapsedColumn(),
    )
    off = not screen.is_terminal
    with rich.Progress(*columns, transient=True, console=screen, disable=off) as bars:
        yield Progress(screen, bars)
