"""The page of a campaign: what was predicted in each round, and what came."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from bayesopt.report.figures import identity_line
from bayesopt.report.summary import HALF_WIDTH
from gmae_tf.utils.plotting import BLUE, ORANGE, Picture, panels, png, styled
from gmae_tf.utils.report import Page, Section, Table, number, percent


def rounds(table: pd.DataFrame, maximize: bool) -> pd.DataFrame:
    """Of each batch of a table of results (`bayesopt.trials.table`), in order.

    Columns: batch, asked, told, failed, waiting, rmse of the predictions, coverage (share of the
    values in the 90 % intervals of their predictions, measurement noise included), best value.
    """
    rows = []
    for batch, part in table.groupby("batch"):
        told = part[part.status == "told"]
        errors = told.deviation.dropna()
        sd = np.hypot(told.predicted_sd, told.noise.fillna(0.0))
        rows.append(
            {
                "batch": batch,
                "asked": len(part),
                **{name: int((part.status == name).sum()) for name in ("told", "failed")},
                "waiting": int((part.status == "waiting").sum()),
                "rmse": float(np.sqrt((errors**2).mean())) if len(errors) else np.nan,
                "coverage": float((errors.abs() <= HALF_WIDTH * sd[errors.index]).mean())
                if len(errors)
                else np.nan,
                "best": told.value.max() if maximize else told.value.min(),
            }
        )
    return pd.DataFrame(rows)


def round_table(table: pd.DataFrame, maximize: bool) -> Table:
    """`rounds` for readers."""
    rows = [
        [
            "not asked for" if row.batch < 0 else f"{row.batch + 1}",
            *map(str, (row.asked, row.told, row.failed, row.waiting)),
            number(row.rmse),
            percent(row.coverage, 0),
            number(row.best),
        ]
        for row in rounds(table, maximize).itertuples()
    ]
    columns = ("batch", "molecules", "told", "failed", "waiting", "RMSE", "in 90 %", "best")
    note = (
        "RMSE of the predictions that were made before the values were known, and the share of "
        "values inside their 90 % intervals."
    )
    return Table("Rounds", columns, rows, note)


def campaign_page(table: pd.DataFrame, name: str, *, maximize: bool, folder: Path) -> Page:
    """The page of all rounds of a campaign for the value of this name."""
    told = table[table.status == "told"]
    best = told.sort_values("value", ascending=not maximize, kind="stable").head(1)
    pictures = [picture] if (picture := predictions(table, name)) is not None else []
    sections = [Section("Rounds", [round_table(table, maximize)], pictures=pictures)]
    for batch, part in table.groupby("batch"):
        title = "Told without being asked" if batch < 0 else f"Batch {batch + 1}"
        sections.append(Section(title, [_molecules(part)]))
    headline = [("told", str(len(told))), ("waiting", str((table.status == "waiting").sum()))]
    headline += [("best told", number(value)) for value in best.value]
    return Page(
        kicker="Campaign of ask and tell",
        title=f"{name}, {'maximised' if maximize else 'minimised'}",
        lead="Each batch with what was predicted before it was measured, and what came.",
        headline=headline,
        sections=sections,
        command=f"python -m bayesopt.run status --out {folder}",
    )


def _molecules(part: pd.DataFrame) -> Table:
    rows = [
        [
            row.string,
            str(row.id),
            f"{number(row.predicted_mean)} ± {number(row.predicted_sd)}",
            number(row.value) + (f" ± {number(row.noise)}" if row.noise == row.noise else ""),
            number(row.deviation / np.hypot(row.predicted_sd, np.nan_to_num(row.noise)), 1),
            row.source,
            row.status,
        ]
        for row in part.itertuples()
    ]
    columns = ("molecule", "id", "predicted", "measured", "deviations", "source", "state")
    return Table("", columns, rows, "Deviations are errors in standard deviations.")


@styled
def predictions(table: pd.DataFrame, name: str) -> Picture | None:
    """Measured values against their predictions with 90 % intervals; None: there are none."""
    known = table.dropna(subset=["deviation", "predicted_sd"])
    if known.empty:
        return None
    figure, (axes,) = panels(1, 1, height=4.0)
    half = HALF_WIDTH * np.hypot(known.predicted_sd, known.noise.fillna(0.0))
    inside = known.deviation.abs() <= half
    for some, colour in ((known[inside], BLUE), (known[~inside], ORANGE)):
        axes.errorbar(
            some.value, some.predicted_mean, half[some.index], fmt="o", ms=4, lw=0.8, color=colour
        )
    identity_line(axes, known.value.to_numpy())
    axes.set_xlabel(f"measured {name}")
    axes.set_ylabel(f"predicted {name}")
    caption = (
        "Bars are 90 % intervals given before the measurement; orange ones miss the value, which "
        "one in ten should."
    )
    return Picture("figures", "rounds", "Predicted and measured", caption, png(figure))
