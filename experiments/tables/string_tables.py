"""The comparison of models for expressions and molecules, for reproduction.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any

from experiments.strings.models import best_strings, draws_summary, summary_lines
from experiments.summary import Column, summarise, text
from experiments.tables.markdown import NOTHING, grid, load

AREAS = {
    "expressions": "experiments.strings.compare_expressions",
    "molecules": "experiments.strings.compare_molecules",
}


def results_of(area: str) -> dict[str, Any]:
    """The comparison's result file; empty without one."""
    return load("compare", area)


def columns_of(area: str) -> Sequence[Column]:
    """What the command of an area compares."""
    found: Sequence[Column] = import_module(AREAS[area]).COLUMNS
    return found


def string_table(area: str) -> list[str]:
    """A line a measure, a column a model, and the best strings of each."""
    results = results_of(area)
    if not results:
        return [f"{AREAS[area]}: {NOTHING}."]
    rows, settings, columns = results["results"], results["settings"], columns_of(area)
    summary = summarise(rows, columns)
    shown = {**summary, **draws_summary(results["random"], columns)}
    count = results.get("strings") or results.get("molecules")
    seeds = ", ".join(str(seed) for seed in sorted({row["seed"] for row in rows}))
    size = {"units": "recurrent units", "dense": "dense units"}
    network = [f"{settings[key]} {name}" for key, name in size.items() if settings.get(key)]
    about = [
        f"{count:,} {area}",
        f"{settings['epochs'] or 'the preset number of'} epochs",
        f"{settings['latent_dim']} latent dimensions",
        *network,
        f"seeds {seeds}",
        f"searches of {settings['budget']} evaluations",
        f"{settings['samples']:,} prior samples",
        *(f"{name} {value}" for name, value in settings.get("training", {}).items()),
    ]
    lines = summary_lines(shown, columns)
    lines.append(["best three of all seeds", *(best_three(area, results, name) for name in shown)])
    return [f"{', '.join(about)}.", "", *grid(["", *shown], lines)]


def best_three(area: str, results: Mapping[str, Any], model: str) -> str:
    """Scores of the three best different strings that the searches of a model found."""
    rows = [*results["results"], *results["random"]]
    best = best_strings(rows, model, columns_of(area))
    return ", ".join(f"{score:.2f}" for _, score in best) or "–"


def reproduction_rows() -> list[list[str]]:
    """The models as rows below the published ones: GP LL, RMSE, best three of both, validity."""
    found = {area: results_of(area) for area in AREAS}
    cells = {
        area: summarise(results["results"], columns_of(area)) if results else {}
        for area, results in found.items()
    }
    rows = []
    for model in dict.fromkeys(name for summary in cells.values() for name in summary):
        rows.append([f"{model.upper()}, compared here"])
        for area, summary in cells.items():
            keys = ["log_likelihood", "rmse"]
            rows[-1] += [_cell(area, summary, model, key) for key in keys]
            rows[-1].append(best_three(area, found[area], model) if model in summary else "–")
        rows[-1] += [
            _cell("molecules", cells["molecules"], model, key)
            for key in ("prior_valid", "prior_score")
        ]
    return rows


def _cell(area: str, summary: Mapping[str, Any], model: str, key: str) -> str:
    if model not in summary:
        return "–"
    column = next(column for column in columns_of(area) if column.key == key)
    return text(replace(summary[model][key], rank=None), replace(column, scale=1.0, decimals=3))
