"""Targets of symbolic regression: the benchmark's function, a given one, or points of a file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gmae_tf.errors import UserError
from gmae_tf.utils.rows import Dropped, RowReport
from gmae_tf.utils.tables import Table, read_table
from grammar.errors import GrammarError
from grammar.expressions.evaluate import TARGET_X, evaluate
from grammar.expressions.evaluate import target as benchmark

BENCHMARK = "1/3+x+sin(x*x)"
FEWEST = 2
_INPUT = re.compile(r"x[ _]?\d+")


@dataclass(frozen=True)
class Points:
    """Inputs x [n, d] and an output y [n] of a file, their names, and the rows left out."""

    x: np.ndarray
    y: np.ndarray
    x_names: tuple[str, ...]
    y_name: str
    report: RowReport


@dataclass(frozen=True)
class Target:
    """Points x [n], y [n] to fit, a name for reports, and the rows of a file that were left out."""

    x: np.ndarray
    y: np.ndarray
    name: str
    benchmark: bool = False
    report: RowReport | None = None


def load_target(
    expression: str | None,
    csv_file: str | Path | None,
    *,
    x_columns: Sequence[str] = (),
    y_column: str | None = None,
) -> Target:
    """The target of the options; the benchmark when there is none.

    Raises `GrammarError` for both at once, a target that is not finite, a table without numbers, or
    several input columns.
    """
    if expression is not None and csv_file is not None:
        raise GrammarError("--target and --target-csv exclude each other: give one of them")
    if csv_file is not None:
        points = read_points(csv_file, x_columns=x_columns, y_column=y_column)
        if len(points.x_names) > 1:
            raise GrammarError(
                f"{csv_file} has the input columns {', '.join(points.x_names)}: the grammar knows "
                "one variable, so name one of them by --x-columns"
            )
        name = f"{Path(csv_file).name} ({len(points.x)} points)"
        return Target(points.x[:, 0], points.y, name, report=points.report)
    if expression is None:
        return Target(TARGET_X, benchmark(TARGET_X), BENCHMARK, benchmark=True)
    y = evaluate(expression, TARGET_X)
    if not np.isfinite(y).all():
        raise GrammarError(
            f"the target {expression} is not finite everywhere on the 1,000 points from -10 to 10: "
            "give the points where it is as --target-csv"
        )
    return Target(TARGET_X, y, expression)


def read_points(
    path: str | Path, *, x_columns: Sequence[str] = (), y_column: str | None = None
) -> Points:
    """Points of a table of any dialect of `gmae_tf.utils.tables`; rows without numbers are dropped.

    Parameters
    ----------
    x_columns : by default x, or x1, x2, ..., in any case and with any unit: "X (s)"; of a table of
        two columns with other names, or without names, the first.
    y_column : by default y; of such a table of two columns the second.

    Raises
    ------
    GrammarError: no table, no such columns, or fewer than 2 rows of finite numbers.
    """
    try:
        table = read_table(path, known=("x", "y", "x1", *x_columns, *filter(None, [y_column])))
        inputs, output = _columns(table, x_columns, y_column)
    except UserError as error:
        raise GrammarError(str(error)) from error
    rows, dropped = [], list(table.dropped)
    columns = [table.numbers(name) for name in (*inputs, output)]
    for row, (line, *cells) in enumerate(zip(table.lines, *columns, strict=True)):
        wrong = next((i for i, cell in enumerate(cells) if isinstance(cell, str)), None)
        if wrong is None:
            rows.append(cells)
            continue
        kind, colon, detail = str(cells[wrong]).partition(":")
        reason = f"{kind} in column {(*inputs, output)[wrong]}{colon}{detail}"
        dropped.append(Dropped(line, table.text(row), reason))
    if len(rows) < FEWEST:
        first = f" ({path}, line {dropped[0].place}: {dropped[0].reason})" if dropped else ""
        raise GrammarError(f"{path} holds {len(rows)} points: at least {FEWEST} are needed{first}")
    read = len(table) + len(table.dropped)
    commas = [note for name in (*inputs, output) for note in table.comma_notes(name)]
    notes = (*table.notes, *commas, f"inputs: {', '.join(inputs)}; output: {output}")
    report = RowReport(str(path), read, len(rows), tuple(sorted(dropped)), notes=notes)
    values = np.array(rows, dtype=np.float64)
    return Points(values[:, :-1], values[:, -1], tuple(inputs), output, report)


def _columns(table: Table, x_columns: Sequence[str], y_column: str | None) -> tuple[list[str], str]:
    """Names of the inputs and of the output, given or guessed."""
    inputs = [table.find(name.strip(), "--x-columns") for name in x_columns if name.strip()]
    twice = next((name for name in inputs if inputs.count(name) > 1), None)
    if twice is not None:
        raise UserError(f"{table.path}: column {twice} is named more than once: name it once")
    output = table.find(y_column, "--y-column") if y_column else table.guess(("y",))
    if not inputs:
        one = table.guess(("x",))
        inputs = [one] if one else [name for name in table.names if _is_input(name)]
    if len(table.names) == 2:
        left = [name for name in table.names if name not in (*inputs, output)]
        inputs = inputs or left[:1]
        output = output or next((name for name in left if name not in inputs), None)
    if not inputs or output is None:
        raise UserError(
            f"{table.path} needs columns named x and y, or tell them by --x-columns and "
            f"--y-column; {table.about_columns}"
        )
    if output in inputs:
        raise UserError(f"{table.path}: column {output} cannot be both input and output")
    return inputs, output


def _is_input(name: str) -> bool:
    return _INPUT.match(name.strip().lower()) is not None
