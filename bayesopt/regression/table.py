"""A user's table for symbolic regression: inputs, output and weights by column."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bayesopt.regression.checks import squares
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

    @property
    def label(self) -> str:
        """What the output is called in formulas: its name, y in place of a number."""
        return "y" if self.y_name.isdigit() else self.y_name


def read_user_table(
    path: Path, x_columns: str | None, y_column: str | None, weight_column: str | None
) -> UserTable:
    """The columns of a file that a formula is to be made of.

    Inputs are the named ones (separated by commas); else x or x1, x2, ...; else, with a named
    output, all other columns.  Raises `UserError`.
    """
    inputs = [name.strip() for name in (x_columns or "").split(",") if name.strip()]
    texts: list[str] = []
    if not inputs and (y_column or weight_column):
        inputs, texts = _others(path, y_column, weight_column)
    weighted = [*inputs, weight_column] if weight_column else inputs
    points = read_points(path, x_columns=weighted, y_column=y_column)
    x, names, weights, notes = points.x, points.x_names, None, points.report.notes
    if weight_column:
        x, names, weights = x[:, :-1], names[:-1], points.x[:, -1]
        columns = f"inputs: {', '.join(names)}; output: {points.y_name}; weights: {weight_column}"
        notes = (*notes[:-1], columns)
        if (weights < 0).any() or not weights.sum() > 0:
            raise UserError(f"{path}, column {weight_column}: weights must be 0 or more, some more")
    if len(names) > MAX_VARIABLES:
        raise UserError(
            f"{path} has {len(names)} input columns, but a formula is of at most {MAX_VARIABLES}: "
            "name those that matter by --x-columns"
        )
    for values, name in [*zip(x.T, names, strict=True), (points.y, points.y_name)]:
        if not squares(values):
            raise UserError(
                f"{path}, column {name}: values up to {np.abs(values).max():.3g} have squares "
                "beyond floating point numbers, so choose another unit"
            )
    if texts:
        notes = (*notes, f"columns without numbers, not used: {', '.join(texts)}")
    report = replace(points.report, notes=notes)
    return UserTable(x, points.y, weights, names, points.y_name, report)


def _others(
    path: Path, y_column: str | None, weight_column: str | None
) -> tuple[list[str], list[str]]:
    """All columns but the output and the weights: those with any number, and those without."""
    table = read_table(path, known=[name for name in (y_column, weight_column) if name])
    output = table.find(y_column, "--y-column") if y_column else table.guess(("y",))
    weight = table.find(weight_column, "--weight-column") if weight_column else None
    others = [name for name in table.names if name not in (output, weight)]
    texts = [n for n in others if all(isinstance(cell, str) for cell in table.numbers(n))]
    if others and texts == others:
        raise UserError(
            f"{path}: no number stands in {', '.join(texts)}, so there is no input: name "
            "columns of numbers by --x-columns"
        )
    return [name for name in others if name not in texts], texts
