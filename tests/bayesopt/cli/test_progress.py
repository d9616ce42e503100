"""A search in a log file says that it goes on."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from bayesopt.cli import progress as module
from bayesopt.cli.progress import progress


def test_a_log_file_has_lines_and_not_too_many(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    screen = Console(file=StringIO(), force_terminal=False, width=100)
    with progress(screen) as shown:
        advance = shown.evaluations("seed 0 joint", 50)
        for step in range(10):
            now[0] = 20.0 * step
            advance(5, None if step < 2 else 1.25 + step)
        shown.stages("seed 0 surrogate")("steps", 3, 30)
    lines = screen.file.getvalue().splitlines()
    assert lines[0] == "seed 0 joint: 15 of 50 evaluations, best 3.25"
    assert len(lines) == 4


def test_a_terminal_has_bars_and_no_lines(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    screen = Console(file=StringIO(), force_terminal=True, width=100)
    with progress(screen) as shown:
        advance = shown.evaluations("seed 0 joint", 50)
        now[0] = 100.0
        advance(5, 1.0)
    assert "evaluations, best" not in screen.file.getvalue()
    assert "seed 0 joint" in screen.file.getvalue()
