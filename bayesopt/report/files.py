"""Everything that was evaluated, as files: CSV, and SDF where strings are molecules."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from bayesopt.trials.table import results_table
from gmae_tf.utils.files import write_atomic

if TYPE_CHECKING:
    import pandas as pd

    from bayesopt.storage import Trial
    from bayesopt.tasks.base import Task

NAME = "results.csv"


def write_results(trials: Iterable[Trial], task: Task, folder: Path) -> list[Path]:
    """Write the evaluated trials of all seeds, best first; returns the paths of the files."""
    rows = list(trials)
    table = results_table(rows, task.maximize)
    table.insert(0, "seed", [trial.seed for trial in rows])
    table = ranked(table[table.status != "waiting"], task.maximize)
    table = table.rename(columns={"string": task.column})
    path = folder / NAME
    write_table(table, path)
    return [path, *task.files(table, folder)]


def ranked(table: pd.DataFrame, maximize: bool) -> pd.DataFrame:
    """Rows with the best value first, those without a value last."""
    return table.sort_values("value", ascending=not maximize, kind="stable", ignore_index=True)


def write_table(table: pd.DataFrame, path: Path) -> None:
    """A table as CSV; an empty cell is a number that is not known."""
    write_atomic(path, table.to_csv(index=False, float_format="%.6g", lineterminator="\n"))
