"""A finished search for people: tables on the terminal, `results.json`, one HTML page.

The page needs nothing but itself: styles and pictures are inside, no script runs, and its content
policy forbids every request. Strings that the search found are escaped in every output.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table
from rich.text import Text

from bayesopt.report.summary import UNKNOWN, SearchRecord, results_json, short, with_error
from gmae_tf.utils.files import write_atomic
from gmae_tf.utils.json import write_json

if TYPE_CHECKING:
    from rich.console import Console

    from bayesopt.report.figures import Plot

TEMPLATES = Path(__file__).parent / "templates"
COLUMNS = {
    "top": "best 3",
    "median_best": "median\nbest",
    "rmse": "GP\nRMSE",
    "log_likelihood": "GP\nLL",
    "validity": "valid",
    "average_score": "average",
    "evaluations": "evaluations",
}
DECIMALS = {"top": 4, "median_best": 4, "average_score": 2}


@dataclass(frozen=True)
class Cell:
    """A formatted number, and its formatted standard error ("" when unknown)."""

    value: str
    error: str = ""


@dataclass(frozen=True)
class ComparisonRow:
    """One method beside the others: `cells` are in the order of the table's columns."""

    method: str
    source: str
    cells: tuple[Cell, ...]
    ours: bool


def print_report(record: SearchRecord, console: Console) -> None:
    """Print what was found, how good the surrogate is, and how others did."""
    results = results_json(record)
    console.print()
    console.print(Text(f"{record.task}: {record.objective}", style="bold"))
    console.print(Text(protocol_sentence(results)))
    console.print(_top_table(record, results["top"]))
    console.print(Text(surrogate_sentence(results)))
    console.print(Text(found_sentence(record, results)))
    console.print(_comparison_table(record, results))
    for note in record.notes:
        console.print(Text(f"Note: {note}"))


def write_report(record: SearchRecord, out: str | Path, plots: Sequence[Plot] = ()) -> Path:
    """Write `results.json`, then `report.html`, into the folder `out`; returns the page's path.

    `plots` are the task's own pictures (fits over a target, drawn molecules); they come first.

    Raises
    ------
    gmae_tf.errors.UserError: the folder cannot be written.
    """
    from bayesopt.report.figures import standard_plots

    results = results_json(record)
    write_json(Path(out) / "results.json", results)
    page = Path(out) / "report.html"
    write_atomic(page, render(record, results, [*plots, *standard_plots(record)]))
    return page


def render(record: SearchRecord, results: Mapping[str, Any], plots: Sequence[Plot]) -> str:
    """The HTML page as text; every string is escaped by the template engine."""
    from gmae_tf.utils.html import page_environment

    environment = page_environment(TEMPLATES)
    environment.filters.update(short=short, percent=percent, setting=setting)
    columns, rows = comparison(record, results)
    return environment.get_template("report.html.j2").render(
        record=record,
        results=results,
        plots=plots,
        columns=columns,
        rows=rows,
        protocol=protocol_sentence(results),
        better=better(record),
        sentences=(surrogate_sentence(results), found_sentence(record, results)),
    )


def comparison(
    record: SearchRecord, results: Mapping[str, Any]
) -> tuple[list[str], list[ComparisonRow]]:
    """Column titles and rows: this search, the baselines run beside it, the published rows.

    Columns in which nobody has a value are left out; unknown keys of published rows are added last.
    """
    ours = {**results, **results["surrogate"]}
    entries: list[tuple[str, str, Mapping[str, Any], bool]] = [
        (f"this search ({record.strategy})", results["data_protocol"], ours, True)
    ]
    for name, values in results["baselines"].items():
        entries.append((name, "baseline, run here", values, True))
    for row in record.known_rows:
        entries.append((row.method, row.source, row.values, False))
    extra = {key: key.replace("_", " ") for row in record.known_rows for key in row.values}
    titles = {**COLUMNS, **{key: extra[key] for key in extra if key not in COLUMNS}}
    cells = [[_cell(key, values) for key in titles] for _, _, values, _ in entries]
    used = [i for i in range(len(titles)) if any(row[i].value != UNKNOWN for row in cells)]
    rows = [
        ComparisonRow(method, source, tuple(row[i] for i in used), ours=is_ours)
        for (method, source, _, is_ours), row in zip(entries, cells, strict=True)
    ]
    return [list(titles.values())[i] for i in used], rows


def _cell(key: str, values: Mapping[str, Any]) -> Cell:
    value = values.get(key)
    if value is None or isinstance(value, str):
        return Cell(value or UNKNOWN)
    if key == "evaluations":
        return Cell(budget(values))
    if isinstance(value, Sequence):
        return Cell("\n".join(_number(key, item) for item in value) or UNKNOWN)
    error = values.get(f"{key}_standard_error")
    return Cell(_number(key, value), "" if error is None else f"± {_number(key, error)}")


def _number(key: str, value: float | str | Mapping[str, Any]) -> str:
    """As many decimals as the column has; a string is shown as it is."""
    if isinstance(value, str):
        return value
    digits = DECIMALS.get(key, 3)
    return short(value["score"] if isinstance(value, Mapping) else value, digits)


def budget(values: Mapping[str, Any]) -> str:
    """Evaluations as `seeds x each` where all seeds have as many, else their sum."""
    each = values.get("evaluations_per_seed")
    if each and len(each) > 1 and len(set(each)) == 1:
        return f"{len(each)} \u00d7 {each[0]}"
    return f"{values['evaluations']:,}"


def protocol_sentence(results: Mapping[str, Any]) -> str:
    """What was searched with, in words: strategy, seeds, evaluations, what was hidden."""
    each = results["evaluations_per_seed"]
    seeds = f"{len(each)} seed" + ("s" if len(each) != 1 else "")
    if len(set(each)) == 1:
        amount = f"{seeds} of {each[0]} evaluations" + (" each" if len(each) > 1 else "")
    else:
        amount = f"{seeds}, {results['evaluations']} evaluations in all"
    return f"Strategy {results['strategy']}, {amount}. {results['data_protocol']}".strip()


def surrogate_sentence(results: Mapping[str, Any]) -> str:
    """RMSE and log-likelihood on held-out data, with standard errors over seeds."""
    numbers = results["surrogate"]
    if numbers["rmse"] is None:
        return "No Gaussian process was fitted."
    return (
        f"Gaussian process on held-out data: RMSE {with_error(numbers, 'rmse')}, "
        f"log-likelihood {with_error(numbers, 'log_likelihood')} nats per point."
    )


def found_sentence(record: SearchRecord, results: Mapping[str, Any]) -> str:
    """Validity, average and median best in words."""
    if not results["evaluations"]:
        return "Nothing was evaluated."
    return (
        f"{percent(results['validity'])} of the proposals decoded to a valid {record.noun}; "
        f"average {record.score_name} {short(results['average_score'], 2)} (as published, without "
        f"what scores worst); median over seeds of the best {record.score_name} "
        f"{short(results['median_best'])}."
    )


def better(record: SearchRecord) -> str:
    """Which scores are the better ones, in words: "lower", or "penalised logP, higher"."""
    name = "" if record.score_name == "score" else f"{record.score_name}, "
    return name + ("higher" if record.maximize else "lower")


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


def _top_table(record: SearchRecord, rows: Sequence[Mapping[str, Any]]) -> Table:
    table = _table("Best found")
    table.add_column("", justify="right")
    table.add_column(record.noun, overflow="fold")
    for title in (record.score_name, "in training data", "evaluation", "seed"):
        table.add_column(title, justify="right")
    for rank, row in enumerate(rows, start=1):
        seen = "yes" if row["in_training_data"] else "no"
        numbers = (short(row["score"]), seen, str(row["evaluation"]), str(row["seed"]))
        table.add_row(str(rank), Text(row["string"], style="bold"), *numbers)
    if not rows:
        table.add_row("", Text("nothing valid was found"), *[UNKNOWN] * 4)
    return table


def _comparison_table(record: SearchRecord, results: Mapping[str, Any]) -> Table:
    table = _table("Beside others")
    columns, rows = comparison(record, results)
    table.add_column("method", overflow="fold", min_width=16)
    shown = [i for i, title in enumerate(columns) if title != COLUMNS["evaluations"]]
    for i in shown:
        table.add_column(columns[i], justify="right", min_width=5)
    for row in rows:
        method = Text(row.method, style="bold" if row.ours else "")
        if row.source and not row.ours:
            method.append(f"\n{row.source}", style="dim not bold")
        table.add_row(method, *(Text(row.cells[i].value) for i in shown))
    return table


def _table(title: str) -> Table:
    return Table(
        box=box.SIMPLE_HEAD,
        title=f"\n{title}",
        title_justify="left",
        title_style="bold",
        pad_edge=False,
    )
