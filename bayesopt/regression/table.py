"""A user's table for symbolic regression: inputs, output and weights by column."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from gmae_tf.errors import UserError
from gmae_tf.utils.rows import RowReport
from gmae_tf.utils.tables import read_table
from grammar.expressions.programs import MAX_VARIABLES
from grammar.expressions.targets import read_points


@dataclass(frozen=True)
class UserTable:
    """Inputs x [n, d], an output y [n] and weights [n] of a file, and the rows left out."""

    x: np.ndarray
    y: np.ndarray
    weights: np.ndarray | None
    names: tuple[str, ...]
    y_name: str
    report: RowReport


def read_user_table(
    path: Path, x_columns: str | None, y_column: str | None, weight_column: str | None
) -> UserTable:
    """The columns of a file that a formula is to be made of.

    Inputs are the named ones (separated by commas); else x or x1, x2, ...; else, with a named
    output, all other columns.  Raises `UserError`.
    """
    inputs = [name.strip() for name in (x_columns or "").split(",") if name.strip()]
    if not inputs and (y_column or weight_column):
        inputs = _others(path, y_column, weight_column)
    weighted = [*inputs, weight_column] if weight_column else inputs
    points = read_points(path, x_columns=weighted, y_column=y_column)
    x, names, weights = points.x, points.x_names, None
    if weight_column:
        x, names, weights = x[:, :-1], names[:-1], points.x[:, -1]
        notes = (*points.report.notes[:-1], f"inputs: {', '.join(names)}; weights: {weight_column}")
        points = replace(points, report=replace(points.report, notes=notes))
        if (weights < 0).any() or not weights.sum() > 0:
            raise UserError(f"{path}, column {weight_column}: weights must be 0 or more, some more")
    if len(names) > MAX_VARIABLES:
        raise UserError(
            f"{path} has {len(names)} input columns, but a formula is of at most {MAX_VARIABLES}: "
            "name those that matter by --x-columns"
        )
    return UserTable(x, points.y, weights, names, points.y_name, points.report)


def _others(path: Path, y_column: str | None, weight_column: str | None) -> list[str]:
    """All columns but the output and the weights."""
    table = read_table(path, known=[name for name in (y_column, weight_column) if name])
    output = table.find(y_column, "--y-column") if y_column else table.guess(("y",))
    weight = table.find(weight_column, "--weight-column") if weight_column else None
    return [name for name in table.names if name not in (output, weight)]
