"""A finished search for people: sections of sentences, tables and pictures, on terminal and page.

The page needs nothing but itself: styles and pictures are inside, no script runs, and its content
policy forbids every request.  Strings that the search found are escaped in every output.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
    from rich.console import Console

    from gmae_tf.utils.plotting import Picture

Results = Mapping[str, Any]
"""What `results_json` gave."""
UNKNOWN = "\u2013"
"""What stands in a table for a number that is not known."""
SHOWN_BATCHES = 20
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


@dataclass(frozen=True)
class Section:
    """A part of a report: sentences, then a table of formatted cells, a note, and pictures."""

    title: str
    sentences: Sequence[str] = ()
    table: pd.DataFrame | None = None
    note: str = ""
    pictures: Sequence[Picture] = ()


def print_report(results: Results, screen: Console) -> None:
    """Print what was found, how good the surrogate is, and how others did."""
    screen.print(Text(f"\n{results['task']}: {results['objective']}", style="bold"))
    screen.print(Text(protocol(results)))
    screen.print(Text(f"\nBest {results['noun']}s, by {results['score_name']}", style="bold"))
    for rank, row in enumerate(results["top"], start=1):
        screen.print(Text(f"{rank}. {short(row['score'])}, {_circumstances(row)}"))
        screen.print(Text(f"   {row['string']}", style="bold"), soft_wrap=True)
    if not results["top"]:
        screen.print(headline(results))
    others = beside_others(results)
    for sentence in ("", *others.sentences):
        screen.print(Text(sentence))
    screen.print(_printed(others))
    for note in results["notes"]:
        screen.print(Text(f"Note: {note}"))


def _printed(section: Section) -> Table:
    assert section.table is not None
    # Standard errors and numbers of evaluations, for which there is no room, stand on the page.
    shown = section.table.drop(columns="evaluations", errors="ignore")
    table = Table(title=f"\n{section.title}", title_justify="left", title_style="bold")
    table.box, table.pad_edge = box.SIMPLE_HEAD, False
    for title in shown.columns:
        text = title == "method"
        table.add_column(title, justify="left" if text else "right", min_width=16 if text else 5)
    for method, *cells in shown.itertuples(index=False):
        name, _, source = method.partition("\n")
        values = [Text(cell.partition("\n\u00b1")[0]) for cell in cells]
        table.add_row(Text(name).append(f"\n{source}" if source else "", style="dim"), *values)
    return table


def write_report(results: Results, out: str | Path, pictures: Sequence[Picture]) -> Path:
    """Write `results.json`, then `report.html`, into the folder `out`; returns the page's path.

    Raises
    ------
    gmae_tf.errors.UserError: the folder cannot be written.
    """
    write_json(Path(out) / "results.json", results)
    page = Path(out) / "report.html"
    environment = page_environment(Path(__file__).parent / "templates")
    environment.filters["setting"] = setting
    template = environment.get_template("report.html.j2")
    write_atomic(
        page,
        template.render(
            results=results,
            headline=headline(results),
            facts=_facts(results),
            sections=_sections(results, pictures),
        ),
    )
    return page


def _sections(results: Results, pictures: Sequence[Picture]) -> list[Section]:
    calibration, batches = results["calibration"], results["calibration"]["batches"]
    names = {"string": results["noun"], "score": results["score_name"]}
    sections = [
        Section(
            f"Best {results['noun']}s", table=_text_table(results["top"]).rename(columns=names)
        ),
        beside_others(results),
        Section("Figures", pictures=pictures),
    ]
    if calibration["predictions"]:
        sentence = (
            f"{percent(calibration['coverage'])} of {calibration['predictions']} scores fell "
            "inside the 90 % interval that was predicted for them; the predictions were off by "
            f"{short(calibration['rmse'], 3)} (RMSE)."
        )
        cut = len(batches) > SHOWN_BATCHES
        note = "The other batches are in results.json." if cut else ""
        table = _text_table(batches[:SHOWN_BATCHES])
        sections.append(Section("Predictions made during the search", [sentence], table, note))
    return [s for s in sections if s.pictures or (s.table is not None and len(s.table))]


def _text_table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows of `results.json` as cells of text."""
    table = pd.DataFrame([{name.replace("_", " "): v for name, v in row.items()} for row in rows])
    return table.astype(object).map(_text)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return short(value) if value is None or isinstance(value, float) else str(value)


def headline(results: Results) -> str:
    """How good the best string is, or that there is none."""
    if not results["evaluations"]:
        return "Nothing was evaluated."
    if not results["top"]:
        return (
            f"Nothing valid was found: the search evaluated {results['evaluations']} proposals, "
            f"and none gave a {results['noun']} with a score."
        )
    best, seeds = results["top"][0], len(results["seeds"])
    better = "higher" if results["maximise"] else "lower"
    again = f"; {best['seeds_that_found_it']} of {seeds} seeds found it" if seeds > 1 else ""
    return (
        f"The best {results['noun']} found has the {results['score_name']} {short(best['score'])} "
        f"({better} is better). It is {_circumstances(best)}{again}."
    )


def _circumstances(row: Mapping[str, Any]) -> str:
    seen = "" if row["in_training_data"] else "not "
    return (
        f"{seen}in the training data and was found at evaluation {row['evaluation']} of seed "
        f"{row['seed']}"
    )


def protocol(results: Results) -> str:
    """What was searched with, in words: strategy, seeds, evaluations, what was hidden."""
    each = results["evaluations_per_seed"]
    amount = f"{len(each)} seed{'s' * (len(each) != 1)}"
    if len(set(each)) == 1:
        amount += f" of {each[0]} evaluations" + " each" * (len(each) > 1)
    else:
        amount += f", {results['evaluations']} evaluations in all"
    return f"Strategy {results['strategy']}, {amount}. {results['data_protocol']}".strip()


def _facts(results: Results) -> dict[str, str]:
    facts = {"Objective": results["objective"], "Protocol": protocol(results)}
    if results["baselines"]:
        medians = {name: row["median_best"] for name, row in results["baselines"].items()}
        medians["this search"] = results["median_best"]
        listed = ", ".join(f"{name} {short(value)}" for name, value in medians.items())
        facts["Baselines"] = f"Median over seeds of the best {results['score_name']}: {listed}."
    return facts


def beside_others(results: Results) -> Section:
    """The search, the baselines run beside it, and published rows, in one table.

    Columns in which nobody has a value are left out; unknown keys of published rows come last.
    A cell is a value, and below it its standard error; a method has its source below it.
    """
    rows = {f"this search ({results['strategy']})": {**results, **results["surrogate"]}}
    rows |= {f"{name}\nbaseline, run here": row for name, row in results["baselines"].items()}
    rows |= {f"{row['method']}\n{row['source']}": row["values"] for row in results["published"]}
    keys = dict.fromkeys([*COLUMNS, *(k for row in results["published"] for k in row["values"])])
    table = pd.DataFrame([{key: _cell(key, row) for key in keys} for row in rows.values()])
    table = table.loc[:, (table != UNKNOWN).any()]
    table.insert(0, "method", list(rows))
    titles = {key: COLUMNS[key][0] if key in COLUMNS else key.replace("_", " ") for key in keys}
    return Section(
        "Beside others",
        [surrogate_sentence(results), found_sentence(results)],
        table.rename(columns=titles),
        "GP LL is the log-likelihood of held-out points in nats; median best is the median over "
        "seeds of the best score; \u00b1 is the standard error over seeds. The average score "
        f"leaves out what scores worst ({short(results['worst_score'])}), as the published tables "
        "do.",
    )


def surrogate_sentence(results: Results) -> str:
    """RMSE and log-likelihood on held-out data, with standard errors over seeds."""
    numbers = results["surrogate"]
    if numbers["rmse"] is None:
        return "No Gaussian process was fitted."
    rmse, likelihood = (_cell(k, numbers).replace("\n", " ") for k in ("rmse", "log_likelihood"))
    return (
        f"Gaussian process on held-out data: RMSE {rmse}, log-likelihood {likelihood} nats per "
        "point."
    )


def found_sentence(results: Results) -> str:
    """Validity, average and median best in words."""
    if not results["evaluations"]:
        return "Nothing was evaluated."
    name = results["score_name"]
    return (
        f"{percent(results['validity'])} of the proposals decoded to a valid {results['noun']}; "
        f"average {name} {short(results['average_score'], 2)} (as published, without what scores "
        f"worst); median over seeds of the best {name} {short(results['median_best'])}."
    )


def _cell(key: str, values: Mapping[str, Any]) -> str:
    """A value with the decimals of its column, its standard error below it; lists in lines."""
    value, digits = values.get(key), COLUMNS.get(key, ("", 3))[1]
    if isinstance(value, list):
        items = [item["score"] if isinstance(item, dict) else item for item in value]
        return "\n".join(i if isinstance(i, str) else short(i, digits) for i in items) or UNKNOWN
    if isinstance(value, str):
        return value
    if key == "evaluations" and value is not None:
        each = values.get("evaluations_per_seed", ())
        same = len(each) > 1 and len(set(each)) == 1
        return f"{len(each)} \u00d7 {each[0]}" if same else f"{value:,}"
    error = values.get(f"{key}_standard_error")
    return short(value, digits) + ("" if error is None else f"\n\u00b1 {short(error, digits)}")


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


def setting(value: Any) -> str:
    """An option's value as text: plain for scalars, JSON for what is nested."""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return UNKNOWN if value is None else str(value)
