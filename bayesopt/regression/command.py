"""The command that fits a table: `python -m bayesopt.run --task expr --target-csv FILE`."""

from __future__ import annotations

import shlex
import sys
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayesopt.cli.options import RunConfig
from bayesopt.regression.table import UserTable, read_user_table
from gmae_tf.errors import UserError
from gmae_tf.utils.cli import parse_seeds
from gmae_tf.utils.rows import tell_rows

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


def fit_table(config: RunConfig) -> None:
    """Fit the table of the options; print the front, write results and the report."""
    from gmae_tf.utils.cli import console
    from gmae_tf.utils.files import make_folder, write_atomic
    from gmae_tf.utils.json import write_json
    from gmae_tf.utils.locks import lock_folder

    path, seed = _checked(config)
    seconds = SECONDS if config.seconds is None else config.seconds
    table = read_user_table(path, config.x_columns, config.y_column, config.weight_column)
    out = make_folder(config.out or Path("runs") / config.task)
    lock_folder(out)
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
    if rows[0]["latex"] is None:
        screen.print("For the formulas in SymPy and LaTeX, too: pip install sympy")
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
    screen.print(f"   {table.label} = {model.formula_}", markup=False, style="bold", soft_wrap=True)
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
