"""Which rows of a file were used, and why the others were not: for the terminal and as a file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gmae_tf.utils.files import write_atomic

if TYPE_CHECKING:
    from rich.console import Console

DROPPED, EVALUATION_DROPPED = "dropped.tsv", "evaluation-dropped.tsv"
"""Names of the list of rows that were not used, in the folder of a run or an evaluation."""
EXAMPLES = 3
_LONGEST = 60


class Dropped(NamedTuple):
    """A row that is not used: where it stands, its text, and why ("kind" or "kind: detail")."""

    place: int
    what: str
    reason: str


@dataclass(frozen=True)
class RowReport:
    """How many rows of a file were read and used, and each row that was not.

    Attributes
    ----------
    source : name of the file.
    read, used : numbers of rows.
    dropped : the other rows, by place.
    unit : what a place is: "line", "record", or "index" in a list.
    notes : what was assumed to read the file.
    held_out : rows that are for testing.

    >>> print(RowReport("own.csv", 3, 2, (Dropped(4, "1,two", "not a number: 'two'"),)))
    own.csv: 3 rows read, 2 used, 1 not used
      1 not a number
        line 4  1,two  'two'
    """

    source: str
    read: int
    used: int
    dropped: tuple[Dropped, ...] = ()
    unit: str = "line"
    notes: tuple[str, ...] = ()
    held_out: int = 0

    def __str__(self) -> str:
        counts = f"{self.read:,} rows read, {self.used:,} used"
        if self.held_out:
            counts += f", {self.held_out:,} held out"
        if self.dropped:
            counts += f", {len(self.dropped):,} not used"
        lines = [f"{self.source}: {counts}"]
        lines += [f"  {note}" for note in self.notes]
        for kind, items in count_reasons(self.dropped).items():
            lines.append(f"  {len(items):,} {kind}")
            for place, what, reason in items[:EXAMPLES]:
                detail = reason.partition(":")[2].strip()
                shown = what if len(what) <= _LONGEST else what[: _LONGEST - 3] + "..."
                parts = (f"{self.unit} {place}", shown, detail)
                lines.append("    " + "  ".join(filter(None, parts)))
            if len(items) > EXAMPLES:
                lines.append("    ...")
        return "\n".join(lines)

    def first_dropped(self) -> str:
        """How many rows are not used and why the first is not, for a sentence; or nothing."""
        if not self.dropped:
            return ""
        place, what, reason = self.dropped[0]
        shown = what if len(what) <= _LONGEST else what[: _LONGEST - 3] + "..."
        return (
            f"{len(self.dropped):,} of {self.read:,} rows are not used (the first, {self.unit} "
            f"{place}, {shown!r}: {reason})"
        )


def tell_rows(
    reports: Sequence[RowReport], folder: Path, screen: Console, name: str = DROPPED
) -> None:
    """Print how many rows of each file were used and why others were not; all of them to a file."""
    for report in reports:
        screen.print(str(report), markup=False, highlight=False, soft_wrap=True)
    if reports:
        write_dropped(reports, folder / name)


def write_dropped(reports: Iterable[RowReport], path: Path) -> None:
    """Write all that was dropped as tab-separated text: file, place, what it says, reason."""
    lines = ["file\tplace\ttext\treason"]
    for report in reports:
        for place, what, reason in report.dropped:
            cells = (report.source, f"{report.unit} {place}", what, reason)
            lines.append("\t".join(map(one_line, cells)))
    write_atomic(path, "\n".join(lines) + "\n")


def count_reasons(dropped: Iterable[Dropped]) -> dict[str, list[Dropped]]:
    """What was dropped, by kind of reason, the most frequent first."""
    kinds: dict[str, list[Dropped]] = {}
    for item in dropped:
        kinds.setdefault(item.reason.split(":")[0], []).append(item)
    return dict(sorted(kinds.items(), key=lambda kind: -len(kind[1])))


def one_line(text: str) -> str:
    """Blanks and line ends as single blanks: a reason is one line of a report."""
    return " ".join(text.split())
