"""Tables in text files: rows of cells by column name, whatever the delimiter and decimal mark."""

from __future__ import annotations

import csv
import difflib
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TypeVar

from gmae_tf.errors import UserError
from gmae_tf.utils.numbers import (
    Measurement,
    decimal_mark,
    is_number,
    parse_measurement,
    parse_number,
)
from gmae_tf.utils.rows import Dropped
from gmae_tf.utils.text import read_text

BLANKS = " "
_SAMPLE, _TITLES = 200, 10
_WORDS = re.compile(r'"[^"]*"|\S+(?:\s+[(\[][^)\]]*[)\]])?')
_UNIT = re.compile(r"\s*(?:\([^)]*\)|\[[^\]]*\]|\s/\s.*)$")
_HINT = re.compile(r"sep=(.)", re.IGNORECASE)  # the first line of a file for Excel
Number = TypeVar("Number", float, Measurement)
Row = tuple[int, list[str]]
"""Line number, and the cells."""


@dataclass(frozen=True)
class Table:
    """Rows of cells by column name, the line on which each stands, and what was assumed.

    Attributes
    ----------
    names : of the columns; "1", "2", ... where the file has no header.
    rows : cells without blanks around them, as many in each row as there are columns.
    lines : number of the line on which each row begins, from 1.
    dropped : rows that could not be cut into these columns.
    notes : assumptions in words, such as "read as Latin-1".
    """

    path: Path
    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    has_header: bool = True
    delimiter: str = ","
    dropped: tuple[Dropped, ...] = ()
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def column(self, name: str) -> tuple[str, ...]:
        """The cells of a column."""
        place = self.names.index(name)
        return tuple(row[place] for row in self.rows)

    def find(self, wanted: str, option: str) -> str:
        """The column that a user calls so: case, `_` and a unit such as " (nM)" do not matter.

        Raises
        ------
        UserError: there is none, or there are several; the sentence names the `option`.
        """
        for same in (str, _plain, _bare):
            found = [name for name in self.names if same(name) == same(wanted)]
            if len(found) == 1:
                return found[0]
            if found:
                raise UserError(
                    f"{self.path} has the columns {', '.join(found)}: give one of them, as it is "
                    f"written, by {option}."
                )
        bare = {_bare(name): name for name in self.names}
        near = difflib.get_close_matches(_bare(wanted), bare, n=1)
        guess = f" (did you mean {bare[near[0]]}?)" if near else ""
        raise UserError(
            f"{self.path} has no column {wanted!r}{guess}; {self.about_columns}: name one of them "
            f"with {option}."
        )

    def guess(self, meanings: Iterable[str]) -> str | None:
        """The first column that is called as one of the `meanings`; as in `find`."""
        for same in (str, _plain, _bare):
            by_name = {same(name): name for name in reversed(self.names)}
            for meaning in meanings:
                if same(meaning) in by_name:
                    return by_name[same(meaning)]
        return None

    @property
    def about_columns(self) -> str:
        """The names of the columns in words."""
        if not self.names:
            return "it is empty"
        if self.has_header:
            return f"its columns are {', '.join(self.names)}"
        return f"it has no header, so its columns are {', '.join(self.names)}"

    def decimal(self, name: str) -> str | None:
        """Decimal mark of a column, "." or ","; None if nothing tells which it is."""
        own = decimal_mark(self.column(name))
        found = self._decimal if own is None else own
        return "," if found is None and self.delimiter == ";" else found

    @cached_property
    def _decimal(self) -> str | None:
        return decimal_mark(cell for row in self.rows for cell in row)

    def measurements(self, name: str) -> list[Measurement | str]:
        """Numbers and limits (">10") of a column, or in their place what is wrong with the cell."""
        return self._parsed(name, parse_measurement)

    def numbers(self, name: str) -> list[float | str]:
        """Numbers of a column, or in their place what is wrong with the cell."""
        return self._parsed(name, parse_number)

    def _parsed(self, name: str, parse: Callable[[str, str], Number]) -> list[Number | str]:
        decimal = self.decimal(name)
        found: list[Number | str] = []
        for cell in self.column(name):
            if decimal is None and "," in cell:
                found.append(f"not a number: {cell[:40]!r} (is the comma a decimal mark?)")
                continue
            try:
                found.append(parse(cell, decimal or "."))
            except ValueError as error:
                found.append(str(error))
        return found

    def text(self, row: int) -> str:
        """The cells of a row in one string, for reports."""
        return self.delimiter.join(self.rows[row])

    def comma_notes(self, name: str) -> tuple[str, ...]:
        """A note if the numbers of a column have decimal commas."""
        is_comma = self.decimal(name) == "," and any("," in cell for cell in self.column(name))
        return (f"commas in column {name} read as decimal marks",) if is_comma else ()


def read_table(
    path: str | Path,
    *,
    known: Collection[str] = (),
    is_data: Callable[[str], bool] = lambda cell: False,
) -> Table:
    r"""Table of a text file: any encoding of `read_text`, a header or none, `#` lines left out.

    Columns are separated by commas, semicolons, tabs, or blanks, which the first rows tell; cells
    may be quoted.  The first row is the header, unless one of its cells is a number or `is_data`.
    A column without a name, as the index of a data frame, is called "column 1".  If one of its
    names is `known`, a header may stand in a `#` line directly above the rows, or below a title.

    Parameters
    ----------
    known : names that show that a row is the header, in lower case with blanks for `_`.
    is_data : whether a cell of the first row shows that it is no header.

    Raises
    ------
    UserError: the file cannot be read, names a column twice, or cannot be cut into columns.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "own.csv"
    ...     _ = path.write_text("# mine\nx (s);y\n0;1,5\n1;two\n")
    ...     table = read_table(path)
    >>> table.names, table.lines, table.find("x", "--x-columns")
    (('x (s)', 'y'), (3, 4), 'x (s)')
    >>> table.measurements("y")
    [Measurement(value=1.5, censoring=0), "not a number: 'two'"]
    """
    text, notes = read_text(path)
    start, comment, given = _prelude(text)
    lines = list(enumerate(text, start=1))[start:]
    try:
        delimiter = given or _delimiter(lines)
        rows = list(_records(lines, delimiter))
        above = list(_records([(start, comment)], delimiter))
    except csv.Error as error:
        raise UserError(
            f"{path} cannot be cut into columns ({error}): a quotation mark may be missing."
        ) from error
    if not rows:
        return Table(Path(path), (), (), (), False, delimiter, notes=notes)
    wanted = {same(name) for name in known for same in (_plain, _bare)}
    titles = _titles(rows, wanted)
    if titles:
        notes = (*notes, f"lines above the header left out: {titles}")
        rows = rows[titles:]
    first = rows[0][1]
    if _has_known(first, wanted) or not any(is_number(c) or is_data(c) for c in first):
        names = _named(path, first, rows[1:])
        rows = rows[1:]
    elif above and len(above[0][1]) == len(first) and _has_known(above[0][1], wanted):
        names = _named(path, above[0][1], rows)
    else:
        names = []
        notes = (*notes, f"no header: the columns are called 1 to {len(first)}")
    kept, dropped = _fitted(rows, len(names or first), delimiter)
    if dropped and not kept:
        raise UserError(
            f"{path}, line {dropped[0].place}: {dropped[0].reason}; where commas are decimal "
            "marks, separate the columns by semicolons or tabs."
        )
    return Table(
        path=Path(path),
        names=tuple(names or map(str, range(1, len(first) + 1))),
        rows=tuple(tuple(cells) for _, cells in kept),
        lines=tuple(line for line, _ in kept),
        has_header=bool(names),
        delimiter=delimiter,
        dropped=tuple(dropped),
        notes=notes,
    )


def _titles(rows: Sequence[Row], known: Collection[str]) -> int:
    """How many narrower rows, such as a title, stand above a header with a known name."""
    for number, (_, cells) in enumerate(rows[:_TITLES]):
        if _has_known(cells, known):
            return number if all(len(above) < len(cells) for _, above in rows[:number]) else 0
    return 0


def _prelude(lines: Sequence[str]) -> tuple[int, str, str | None]:
    """Number of lines before the first row, the comment just above it, a delimiter that is told."""
    comment, given = "", None
    for number, line in enumerate(lines):
        told = _HINT.fullmatch(line.strip()) if not number else None
        if told:
            given = told[1]
        elif line.lstrip().startswith("#"):
            comment = line.lstrip().lstrip("#")
        elif line.strip():
            return number, comment, given
    return len(lines), "", given


def _records(lines: Iterable[tuple[int, str]], delimiter: str) -> Iterator[Row]:
    """The rows with the number of their first line, without `#` lines and those of no cell."""
    start = 0

    def feed() -> Iterator[str]:
        nonlocal start
        for number, line in lines:
            if not start:  # inside quotes a line may be anything
                if not line.strip() or line.lstrip().startswith("#"):
                    continue
                start = number
            yield line + "\n"

    if delimiter == BLANKS:
        for line in feed():
            yield start, [word.strip('"') for word in _WORDS.findall(line)]
            start = 0
        return
    reader = csv.reader(feed(), delimiter=delimiter, skipinitialspace=True, strict=True)
    try:
        for cells in reader:
            if any(stripped := [cell.strip() for cell in cells]):
                yield start, stripped
            start = 0
    except csv.Error as error:
        raise csv.Error(f"line {start}: {error}") from error


def _delimiter(lines: Sequence[tuple[int, str]]) -> str:
    """The mark that cuts the first rows into equally many columns, at least two."""
    sample: dict[str, list[list[str]]] = {}
    for mark in ("\t", ";", ",", BLANKS):
        try:
            records = _records(lines, mark)
            sample[mark] = [cells for _, cells in islice(records, _SAMPLE)]
        except csv.Error:
            continue
    if not sample:
        return ","
    blanks = sample.pop(BLANKS)
    numbers = all(is_number(cell) for cells in blanks[1:] for cell in cells)
    candidates = [mark for mark in sample if mark != ","]
    candidates += [BLANKS, ","] if numbers else [",", BLANKS]
    sample[BLANKS] = blanks
    sizes = {mark: [len(cells) for cells in sample.get(mark, ())] for mark in candidates}
    # First where the header is as wide as the rows; R leaves out the name of the index; and a title
    # may stand above the header.
    for missing in (0, 1, _SAMPLE):
        for mark in candidates:
            [(width, number)] = Counter(sizes[mark]).most_common(1) or [(0, 0)]
            if width > 1 and 2 * number >= len(sizes[mark]) and sizes[mark][0] >= width - missing:
                return mark
    found = max(sample, key=lambda mark: (mark != BLANKS) * len((sample[mark] or [[]])[0]))
    return found if found != BLANKS else ","


def _fitted(rows: Iterable[Row], width: int, delimiter: str) -> tuple[list[Row], list[Dropped]]:
    """Rows filled up to `width` cells, and those that have more."""
    kept, dropped = [], []
    for line, cells in rows:
        filled = len(cells)
        while filled > width and not cells[filled - 1]:
            filled -= 1
        if filled > width:
            reason = f"more cells than columns: {filled} for {width}"
            dropped.append(Dropped(line, delimiter.join(cells), reason))
        else:
            whole = len(cells) == width
            kept.append((line, cells if whole else [*cells[:width], *[""] * (width - filled)]))
    return kept, dropped


def _named(path: str | Path, header: Sequence[str], rows: Sequence[Row]) -> list[str]:
    """Names of all columns; `UserError` if two have the same."""
    names = list(header)
    while len(names) > 1 and not names[-1] and all(not any(r[len(names) - 1 :]) for _, r in rows):
        names.pop()  # a delimiter at the end of each line
    if rows and all(len(cells) == len(names) + 1 and cells[-1] for _, cells in rows):
        names.insert(0, "")
    names = [name or f"column {place}" for place, name in enumerate(names, start=1)]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        places = " and ".join(str(i) for i, name in enumerate(names, start=1) if name == twice)
        raise UserError(
            f"{path} calls columns {places} both {twice!r}: give each a name of its own."
        )
    return names


def _has_known(cells: Iterable[str], known: Collection[str]) -> bool:
    return any(same(cell) in known for cell in cells for same in (_plain, _bare))


def _plain(name: str) -> str:
    """A name without regard to case, blanks and `_`."""
    return " ".join(name.casefold().replace("_", " ").split())


def _bare(name: str) -> str:
    """As `_plain`, without a unit."""
    return _plain(_UNIT.sub("", name))
