"""The results of an evaluation for people: tables on the terminal, and one HTML page.

The page needs nothing but itself: styles and pictures are inside, no script runs, and its content
policy forbids every request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gmae_tf.images.evaluation.tables import (
    SECTIONS,
    TERMS,
    UNKNOWN,
    environment,
    sentences,
    tables,
)
from gmae_tf.utils.files import write_atomic

if TYPE_CHECKING:
    from rich.console import Console

    from gmae_tf.utils.plotting import Picture


def print_results(results: Mapping[str, Any], console: Console) -> None:
    """Every table, then the notes."""
    from rich import box
    from rich.table import Table as Printed
    from rich.text import Text

    words = sentences(results)
    for section, made in tables(results).items():
        for table in made:
            printed = Printed(
                box=box.SIMPLE_HEAD if table.columns else box.SIMPLE,
                show_header=bool(table.columns),
                title=f"\n{table.title}",
                title_justify="left",
                title_style="bold",
                pad_edge=False,
                padding=(0, 1, 0, 0),
            )
            for i in range(len(table.rows[0].cells)):
                header = _narrow(table.columns[i]) if table.columns else ""
                words_of = [*header.split(), *(row.cells[i] for row in table.rows)]
                printed.add_column(
                    Text(header),
                    justify="right" if i else "left",
                    min_width=max(map(len, words_of)),
                )
            for row in table.rows:
                printed.add_row(*map(Text, row.cells), style="dim" if row.anchor else "")
            console.print(printed)
        if made:
            for sentence in words[section]:
                console.print(Text(sentence))
    for note in results["notes"]:
        console.print(Text(f"Note: {note}"))


def write_page(results: Mapping[str, Any], pictures: Sequence[Picture], path: Path) -> Path:
    """Write the page; returns its path.  `UserError` if it cannot be written."""
    write_atomic(path, render(results, pictures))
    return path


def render(results: Mapping[str, Any], pictures: Sequence[Picture]) -> str:
    """The page as text; every string is escaped by the template engine."""
    page = environment().get_template("evaluation.html.j2")
    return page.render(
        results=results,
        terms=TERMS,
        sections=SECTIONS,
        tables=tables(results),
        sentences=sentences(results),
        pictures={name: [p for p in pictures if p.section == name] for name in SECTIONS},
        unknown=UNKNOWN,
    )


def _narrow(header: str) -> str:
    """A column's title in several lines, so that the table fits 80 columns."""
    return "\n".join(header.replace("[", " [").replace("-", "- ").split())
