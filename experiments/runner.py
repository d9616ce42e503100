"""What the studies share: each finished training is kept, and all are collected in one file."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gmae_tf.utils.cli import console

if TYPE_CHECKING:
    from gmae_tf.utils.run_dir import Run

Row = dict[str, Any]
Table = tuple[list[str], list[list[str]]]
"""Titles of columns, and rows of texts."""
MEASURED, RESULTS = "measured.json", "results.json"


def keep(folder: Path, measure: Callable[[], Row]) -> Row:
    """What `measure` finds; or, without calling it, what it found when it ran to its end before.

    folder : of this one training, beside which checkpoints may lie.
    """
    from gmae_tf.utils.run_dir import write_atomic

    path = folder / MEASURED
    if not path.exists():
        write_atomic(path, json.dumps(measure(), indent=1) + "\n")
    row: Row = json.loads(path.read_text())
    return row


def collect(run: Run, settings: Any, rows: Sequence[Row], table: Callable[..., Table]) -> None:
    """Write results.json, and print the table."""
    from rich.table import Table as RichTable

    from experiments.images.study import machine
    from gmae_tf.train import plain
    from gmae_tf.utils.run_dir import write_atomic

    told = {k: v for k, v in plain(settings).items() if k not in ("out", "data_dir")}
    results = {"settings": told, "machine": machine(), "results": list(rows)}
    write_atomic(run.path / RESULTS, json.dumps(results, indent=1) + "\n")
    titles, lines = table(rows)
    shown = RichTable(*titles, box=None, padding=(0, 1))
    for line in lines:
        shown.add_row(*line)
    console().print(shown)


def spread(values: Sequence[float], digits: int) -> str:
    """Mean and standard deviation, as text; one value alone has no deviation."""
    import numpy as np

    mean = f"{np.mean(values):.{digits}f}"
    return mean if len(values) == 1 else f"{mean} ± {np.std(values, ddof=1):.{digits}f}"
