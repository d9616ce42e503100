"""A finished search for people: sentences and tables on the terminal, and one HTML page.

Both are templates over the content of `results.json`.  The page needs nothing but itself: styles
and pictures are inside, no script runs, and its content policy forbids every request.  Strings that
the search found are escaped in every output.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from rich import box
from rich.table import Table
from rich.text import Text

from gmae_tf.utils.files import write_atomic
from gmae_tf.utils.html import page_environment
from gmae_tf.utils.json import write_json

if TYPE_CHECKING:
    from jinja2 import Environment
    from rich.console import Console

    from gmae_tf.utils.plotting import Picture

Results = Mapping[str, Any]
"""What `results_json` gave."""
UNKNOWN = "\u2013"
"""What stands in a table for a number that is not known."""
SHOWN_BATCHES = 20
SHOWN_BEST = 3
"""Of a method beside others."""
COLUMNS = {
    "top": ("best 3", 4),
    "median_best": ("median\nbest", 4),
    "rmse": ("GP\nRMSE", 3),
    "log_likelihood": ("GP\nLL", 3),
    "validity": ("valid", 3),
    "average_score": ("average", 2),
    "evaluations": ("evaluations", 0),
}
"""Columns of the comparison: title and decimals of a quantity of `results.json`."""
SEARCH_COLUMNS: dict[str, tuple[str, ...] | None] = {
    "Pareto": None,
    "Sources": ("source", "evaluations", "best ten"),
    "Kernels": ("kernels", "held-out log likelihood"),
    "Chains": ("move", "proposed", "to another string", "accepted"),
}
"""Columns of the tables on the search itself, by title; None: as the rows name them."""


def print_report(results: Results, screen: Console) -> None:
    """Print what was found, how good the surrogate is, and how others did."""
    plain = _environment().overlay(autoescape=False)
    for line in plain.get_template("report.txt.j2").render(r=results).splitlines():
        found = line.startswith("   ")  # a string, which is copied: no line may end within it
        screen.print(Text(line, style="bold" if found else ""), soft_wrap=found)
    table = Table("Beside others", box=box.SIMPLE_HEAD, pad_edge=False)
    # Standard errors and numbers of evaluations, for which there is no room, stand on the page.
    shown = comparison(results).drop(columns="evaluations", errors="ignore")
    for title in shown.columns[1:]:
        table.add_column(title, justify="right", min_width=5)
    for method, *cells in shown.itertuples(index=False):
        name, _, source = method.partition("\n")
        values = [Text(cell.partition("\n\u00b1")[0]) for cell in cells]
        table.add_row(Text(name).append(f"\n{source}" if source else "", style="dim"), *values)
    screen.print(table)
    words = plain.get_template("words.j2").module
    for title, rows in search_tables(results).items():
        part = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        part.add_column(rows.columns[0], overflow="fold")
        for name in rows.columns[1:]:
            part.add_column(name, justify="right")
        for cells in rows.itertuples(index=False):
            part.add_row(*map(Text, cells))
        screen.print(part)
        screen.print(Text(str(getattr(words, title.lower())(results)).strip()))
    for note in results["notes"]:
        screen.print(Text(f"Note: {note}"))


def write_report(results: Results, out: str | Path, pictures: Sequence[Picture]) -> Path:
    """Write `results.json`, then `report.html`, into the folder `out`; returns the page's path.

    Raises
    ------
    gmae_tf.errors.UserError: the folder cannot be written.
    """
    write_json(Path(out) / "results.json", results)
    page = Path(out) / "report.html"
    names = {"string": results["noun"], "score": results["score_name"]}
    content = (
        _environment()
        .get_template("report.html.j2")
        .render(
            r=results,
            best=_text_table(results["top"]).rename(columns=names),
            others=comparison(results),
            search=search_tables(results),
            batches=_text_table(results["calibration"]["batches"][:SHOWN_BATCHES]),
            pictures=pictures,
        )
    )
    write_atomic(page, content)
    return page


def _environment() -> Environment:
    environment = page_environment(Path(__file__).parent / "templates")
    environment.filters.update(short=short, percent=percent, cell=cell)
    return environment


def comparison(results: Results) -> pd.DataFrame:
    """The search, the baselines run beside it, and published rows, as cells of text.

    Columns in which nobody has a value are left out; unknown keys of published rows come last.
    A cell is a value, and below it its standard error; a method has its source below it.
    """
    rows = {f"this search ({results['strategy']})": {**results, **results["surrogate"]}}
    rows |= {f"{name}\nbaseline, run here": row for name, row in results["baselines"].items()}
    rows |= {f"{row['method']}\n{row['source']}": row["values"] for row in results["published"]}
    keys = dict.fromkeys([*COLUMNS, *(k for row in results["published"] for k in row["values"])])
    table = pd.DataFrame([{key: cell(key, row) for key in keys} for row in rows.values()])
    table = table.loc[:, (table != UNKNOWN).any()]
    table.insert(0, "method", list(rows))
    titles = {key: COLUMNS[key][0] if key in COLUMNS else key.replace("_", " ") for key in keys}
    return table.rename(columns=titles)


def search_tables(results: Results) -> dict[str, pd.DataFrame]:
    """Trade-offs, who found what, the kernels compared, how the chains moved: cells by title.

    Those of which nothing is known are left out.
    """
    sources, kernel, chains = (results[key] for key in ("sources", "kernel", "chains"))
    likelihoods = kernel["held_out_log_likelihood"] if kernel else {}
    rows: dict[str, list[Any]] = {
        "Pareto": [
            {name: short(v, 3) if isinstance(v, float) else v for name, v in row.items()}
            for row in results["trade_offs"]
        ],
        "Sources": [[n, percent(s["evaluations"]), percent(s["best"])] for n, s in sources.items()],
        "Kernels": [[names, short(value, 3)] for names, value in likelihoods.items()],
        "Chains": [
            [m["move"], f"{m['proposed']:,}", _share(m, "moved"), _share(m, "accepted")]
            for m in (chains["moves"] if chains else ())
        ],
    }
    return {
        title: pd.DataFrame(rows[title], columns=columns)
        for title, columns in SEARCH_COLUMNS.items()
        if rows[title]
    }


def _share(move: Mapping[str, Any], key: str) -> str:
    known = move["proposed"] and move[key] is not None
    return percent(move[key] / move["proposed"] if known else None)


def cell(key: str, values: Mapping[str, Any]) -> str:
    """A value with the decimals of its column, its standard error below it; lists in lines."""
    value, digits = values.get(key), COLUMNS.get(key, ("", 3))[1]
    if isinstance(value, list):
        items = [item["score"] if isinstance(item, dict) else item for item in value[:SHOWN_BEST]]
        return "\n".join(i if isinstance(i, str) else short(i, digits) for i in items) or UNKNOWN
    if isinstance(value, str):
        return value
    if key == "evaluations" and value is not None:
        each = values.get("evaluations_per_seed", ())
        same = len(each) > 1 and len(set(each)) == 1
        return f"{len(each)} \u00d7 {each[0]}" if same else f"{value:,}"
    error = values.get(f"{key}_standard_error")
    return short(value, digits) + ("" if error is None else f"\n\u00b1 {short(error, digits)}")


def _text_table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows of `results.json` as cells of text."""
    table = pd.DataFrame([{name.replace("_", " "): v for name, v in row.items()} for row in rows])
    return table.astype(object).map(_text)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return short(value) if value is None or isinstance(value, float) else str(value)


def short(value: float | None, digits: int = 4) -> str:
    """A score for human eyes: fixed decimals, 0 for what only rounding keeps from 0."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    return "0" if abs(value) < 1e-9 else f"{value:.{digits}f}"


def percent(share: float | None) -> str:
    """A share in per cent; 100 % is all of them, never almost all."""
    if share is None:
        return UNKNOWN
    return f"{100 * share:.0f} %" if share in (0, 1) else f"{min(100 * share, 99.9):.1f} %"
