"""Reports of an evaluation: the same tables on the terminal and in one HTML page with its pictures.

The page needs nothing but itself: styles and pictures are inside, no script runs, and its content
policy forbids every request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gmae_tf.utils.files import write_atomic
from gmae_tf.utils.html import SHARED, page_environment

if TYPE_CHECKING:
    from rich.console import Console

    from gmae_tf.utils.plotting import Picture

UNKNOWN = "–"


@dataclass(frozen=True)
class Table:
    """A table of formatted cells; `note` stands below it."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""

    def print(self, console: Console) -> None:
        """Print it, titles of columns in several lines so that it fits 80 columns."""
        from rich import box
        from rich.table import Table as Printed
        from rich.text import Text

        printed = Printed(
            box=box.SIMPLE_HEAD,
            title=f"\n{self.title}",
            title_justify="left",
            title_style="bold",
            pad_edge=False,
        )
        for i, title in enumerate(self.columns):
            words = [*title.split(), *(row[i] for row in self.rows if i)]
            printed.add_column(
                Text("\n".join(title.split()) if i else title),
                justify="right" if i else "left",
                min_width=max(map(len, words), default=0),
            )
        for row in self.rows:
            printed.add_row(*map(Text, row))
        console.print(printed)


@dataclass(frozen=True)
class Section:
    """A part of a page: sentences, tables, pictures."""

    title: str
    tables: Sequence[Table] = ()
    sentences: Sequence[str] = ()
    pictures: Sequence[Picture] = ()
    printed: bool = True
    """Whether the tables also go to the terminal."""


@dataclass(frozen=True)
class Page:
    """A report: what was evaluated, its sections, and how to do it again."""

    kicker: str
    """Kind of the report, above the title."""
    title: str
    lead: str
    """First paragraph."""
    headline: Sequence[tuple[str, str]]
    """The most important numbers, names and formatted values."""
    sections: Sequence[Section]
    command: str
    details: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Names and values that a reader may unfold, by title."""

    def print(self, console: Console) -> None:
        """Print the tables and sentences that go to the terminal."""
        for section in self.sections:
            if section.printed:
                for table in section.tables:
                    table.print(console)
                for sentence in section.sentences:
                    console.print(sentence, markup=False)

    def write(self, path: Path) -> None:
        """Write the page; `UserError` if the folder cannot be written."""
        write_atomic(path, self.html())

    def html(self) -> str:
        """The page as text; every string is escaped by the template engine."""
        template = page_environment(SHARED).get_template("report.html.j2")
        return template.render(page=self, unknown=UNKNOWN)


def number(value: float | None, digits: int = 3) -> str:
    """A number for a cell; an unknown one (None, NaN) is a dash."""
    if value is None or value != value:
        return UNKNOWN
    return f"{value:,.{digits}f}"


def percent(share: float | None, digits: int = 1) -> str:
    """A share for a cell, as a percentage."""
    return UNKNOWN if share is None or share != share else f"{100 * share:.{digits}f} %"
