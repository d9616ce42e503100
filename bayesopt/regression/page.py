"""The report of a fitted table: front, fit, formulas, and who found them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesopt.regression.estimator import SymbolicRegressor, verdict
from gmae_tf.utils.plotting import BLUE, LIGHT, ORANGE, Picture, panels, png, styled
from gmae_tf.utils.report import Page, Section, Table

if TYPE_CHECKING:
    from bayesopt.regression.table import UserTable

_LONGEST = 70
_LEAST_ERROR = 1e-16
"""Share of the deviation of y that stands for 0 on a logarithmic axis."""


def report_page(
    model: SymbolicRegressor, table: UserTable, rows: Sequence[Mapping[str, Any]], command: str
) -> Page:
    """The page; its tables also go to the terminal."""
    best, n = model.formula_, len(table.y)
    formulas = Table(
        "Complexity against error",
        ("formula", "complexity", "RMSE", "R2"),
        [
            (_short(row["formula"]), str(row["complexity"]), f"{row['rmse']:.4g}",
             f"{row['r2']:.6f}")
            for row in rows
        ],
        "Complexity counts operators, functions, variables and constants; the scaling a + b f of "
        "the output is free. The whole formulas are in front.csv.",
    )  # fmt: skip
    share = front_shares(model)
    sources = Table(
        "Where the formulas come from",
        ("source", "expressions fitted", "on the front"),
        [(name, f"{model.sources_.get(name, 0):,}", str(share.get(name, 0)))
         for name in dict.fromkeys([*model.sources_.index, *share])],
    )  # fmt: skip
    texts = [verdict(best), f"{table.label} = {best}"]
    latex = next((r["latex"] for r in rows if r["formula"] == str(best)), None)
    texts += [f"LaTeX: {latex}"] if latex else []
    return Page(
        kicker="Symbolic regression",
        title=f"A formula for {table.label}",
        lead=f"Formulas of {', '.join(best.symbols)} for {n:,} rows of {table.report.source}.",
        headline=[("R2", f"{best.r2:.6f}"), ("RMSE", f"{best.rmse:.4g}"),
                  ("complexity", str(best.complexity))],
        sections=[
            Section("The formula", sentences=texts, pictures=[fit_picture(model, table)],
                    printed=False),
            Section("All trade-offs", tables=[formulas], pictures=[front_picture(model, table)]),
            Section("Sources", tables=[sources]),
        ],
        command=command,
    )  # fmt: skip


def front_shares(model: SymbolicRegressor) -> dict[str, int]:
    """How many formulas of the front each source gave."""
    counts: dict[str, int] = {}
    for one in model.formulas_:
        counts[one.source] = counts.get(one.source, 0) + 1
    return counts


@styled
def front_picture(model: SymbolicRegressor, table: UserTable) -> Picture:
    """Error against complexity, the chosen formula marked."""
    figure, (axes,) = panels(1, 1, height=2.8)
    floor = _LEAST_ERROR * (float(np.std(table.y)) or 1.0)
    errors = [max(one.rmse, floor) for one in model.formulas_]
    sizes = [one.complexity for one in model.formulas_]
    axes.step(sizes, errors, where="post", color=BLUE, lw=1.0)
    axes.plot(sizes, errors, "o", color=BLUE, ms=4)
    chosen = model.formulas_.index(model.formula_)
    axes.plot(sizes[chosen], errors[chosen], "o", color=ORANGE, ms=8, label="chosen")
    if min(errors) > 0 and max(errors) > 10 * min(errors):
        axes.set_yscale("log")
    axes.set_xlabel("complexity")
    axes.set_ylabel("RMSE")
    axes.legend(loc="upper right")
    caption = (
        "Each point is the best formula of its size; the chosen one has the shortest description "
        "of formula and residuals together."
    )
    return Picture("front", "front", "Complexity against error", caption, png(figure))


@styled
def fit_picture(model: SymbolicRegressor, table: UserTable) -> Picture:
    """The chosen formula over the data: of one column as a curve, else predicted against given."""
    figure, (axes,) = panels(1, 1, height=3.0)
    found = model.formula_.predict(table.x)
    if len(table.names) == 1:
        x, order = table.x[:, 0], np.argsort(table.x[:, 0])
        axes.plot(x, table.y, "o", color=LIGHT, ms=4, label="data")
        axes.plot(x[order], found[order], color=BLUE, lw=1.2, label="formula")
        axes.set_xlabel(
            model.formula_.symbols[0] if table.names[0].isdigit() else table.names[0],
            parse_math=False,
        )
        axes.set_ylabel(table.label, parse_math=False)
        axes.legend()
        caption = "The formula (blue) over the rows of the table (grey)."
    else:
        axes.plot(table.y, found, "o", color=BLUE, ms=3, alpha=0.6)
        middle = float(np.mean(table.y))
        axes.axline((middle, middle), slope=1, color=LIGHT)
        axes.set_xlabel(f"{table.label} in the table", parse_math=False)
        axes.set_ylabel(f"{table.label} of the formula", parse_math=False)
        caption = "Each point is a row; on the line the formula gives the value of the table."
    return Picture("fit", "fit", "The formula and the data", caption, png(figure))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
