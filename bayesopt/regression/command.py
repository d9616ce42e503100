"""The command that fits a table: `python -m bayesopt.run --task expr --target-csv FILE`."""

from __future__ import annotations

import shlex
import sys
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesopt.cli.options import RunConfig
from gmae_tf.errors import UserError
from gmae_tf.utils.cli import parse_seeds
from gmae_tf.utils.rows import RowReport, tell_rows
from gmae_tf.utils.tables import read_table
from grammar.expressions.programs import MAX_VARIABLES
from grammar.expressions.targets import read_points

if TYPE_CHECKING:
    from bayesopt.regression.estimator import SymbolicRegressor
    from gmae_tf.utils.report import Page


SECONDS = 60.0
"""How long formulas are looked for by default."""
_OPTIONS = {
    *("task", "out", "seeds", "device", "target_csv", "x_columns", "y_column", "weight_column"),
    *("seconds", "latent", "processes"),
}
"""Options that this command has."""


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


def fit_table(config: RunConfig) -> None:
    """Fit the table of the options; print the front, write results and the report."""
    from gmae_tf.utils.cli import console
    from gmae_tf.utils.files import make_folder, write_atomic
    from gmae_tf.utils.json import write_json

    path, seed = _checked(config)
    seconds = SECONDS if config.seconds is None else config.seconds
    table = read_user_table(path, config.x_columns, config.y_column, config.weight_column)
    out = make_folder(config.out or Path("runs") / config.task)
    screen = console()
    tell_rows([table.report], out, screen)
    screen.print(f"searching for {seconds:g} seconds")
    from bayesopt.regression.estimator import SymbolicRegressor, verdict
    from bayesopt.regression.page import report_page

    model = SymbolicRegressor(seconds, seed=seed, latent=config.latent, jobs=config.processes)
    import pandas as pd

    model.fit(pd.DataFrame(table.x, columns=list(table.names)), table.y, table.weights)
    rows = front_rows(model)
    pd.DataFrame(rows).to_csv(out / "front.csv", index=False)
    results = {
        "task": "expr",
        "data": str(path),
        "columns": {"x": list(table.names), "y": table.y_name, "weight": config.weight_column},
        "formula": rows[model.formulas_.index(model.formula_)],
        "verdict": verdict(model.formula_),
        "front": rows,
        "expressions": {str(k): int(v) for k, v in model.sources_.items()},
        "options": {"seconds": seconds, "seed": seed, "latent": config.latent},
    }
    write_json(out / "results.json", results)
    command = "python -m bayesopt.run " + shlex.join(sys.argv[1:])
    page = report_page(model, table, rows, command)
    _print(page, model, table, screen)
    write_atomic(out / "report.html", page.html())
    screen.print(f"report: {out / 'report.html'}")


def front_rows(model: SymbolicRegressor) -> list[dict[str, Any]]:
    """The front as rows; SymPy and LaTeX where SymPy is installed."""
    rows: list[dict[str, Any]] = model.front_.to_dict("records")
    try:
        for row, one in zip(rows, model.formulas_, strict=True):
            row["sympy"], row["latex"] = str(one.sympy()), one.latex()
    except UserError:
        for row in rows:
            row["sympy"] = row["latex"] = None
    return rows


def _print(page: Page, model: SymbolicRegressor, table: UserTable, screen: Any) -> None:
    from bayesopt.regression.estimator import verdict

    screen.print(verdict(model.formula_), markup=False)
    screen.print(
        f"   {table.y_name} = {model.formula_}", markup=False, style="bold", soft_wrap=True
    )
    page.print(screen)


def _checked(config: RunConfig) -> tuple[Path, int]:
    """The file and the seed; `UserError` for options that mean nothing here."""
    path = config.target_csv
    assert path is not None  # else this is not called
    if config.target is not None:
        raise UserError("--target and --target-csv exclude each other: give one of them")
    given = asdict(config)
    for field in fields(RunConfig):
        if field.name not in _OPTIONS and given[field.name] != field.default:
            flag = field.name.replace("_", "-")
            raise UserError(
                f"--{flag} says nothing about formulas of a table: leave it out, or add --model to "
                "search the latent space of a trained model"
            )
    if config.seconds is not None and not config.seconds > 0:
        raise UserError(f"--seconds is {config.seconds:g}: give the search some time")
    if config.processes < 1:
        raise UserError(f"--processes is {config.processes}: give 1 or more")
    seeds = parse_seeds(config.seeds)
    if len(seeds) > 1:
        raise UserError(f"--seeds {config.seeds}: formulas of a table take one seed")
    return path, seeds[0]
