"""Text files of strings, one a line or in a table with values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from gmae_tf.errors import UserError
from gmae_tf.utils.numbers import NO_VALUE, Measurement
from gmae_tf.utils.replicates import Averages, Row, average
from gmae_tf.utils.rows import Dropped, RowReport, one_line
from gmae_tf.utils.tables import read_table
from gmae_tf.utils.text import Text, read_text
from grammar.errors import GrammarError, ParseError
from grammar.parsing.parser import Parser

TABLES = (".csv", ".tsv", ".tab", ".dat")
"""Ends of the names of files that have columns; others have a string on each line."""
STRING_COLUMNS = ("string", "strings", "sequence", "sequences", "expression", "formula", "smiles")
VALUE = "value"


def read_strings(
    path: str | Path, parser: Parser, tell: Callable[[RowReport], None] | None = None
) -> list[str]:
    """Strings of the grammar in canonical form, one a line; a line may be quoted.

    Lines that begin with `#` are comments where the grammar has no such string.

    Parameters
    ----------
    tell : called with the report of the lines that were read, used, and left out.

    Raises
    ------
    ParseError: of the first line that is no string of the grammar, with its number; with `tell`
        only if no line is one.
    """
    lines, notes = _filled(path)
    strings, dropped = [], []
    first = None
    for number, line in lines:
        try:
            strings.append(_canonical(line, parser))
        except ParseError as error:
            if line.lstrip().startswith("#"):
                continue
            first = first or ParseError(f"{path}, line {number}: {error}")
            if tell is None:
                raise first from None
            dropped.append(Dropped(number, line.strip(), _reason(error)))
    if not strings:
        raise first or GrammarError(f"{path} has no strings; write one a line")
    if tell is not None:
        read = len(strings) + len(dropped)
        tell(RowReport(str(path), read, len(strings), tuple(dropped), notes=notes))
    return strings


def read_lines(path: str | Path) -> list[tuple[int, str]]:
    """Number and text of each line that is not blank; GrammarError if there is none."""
    return _filled(path)[0]


class MeasuredStrings(NamedTuple):
    """Different strings [N] of a file, their measured values, and the rows that were left out."""

    strings: list[str]
    measured: Averages
    report: RowReport


def read_measured(
    path: str | Path,
    parser: Parser,
    *,
    string_column: str | None = None,
    value_column: str | None = None,
) -> MeasuredStrings:
    """Strings of the grammar with values: a table of `gmae_tf.utils.tables`, or a string a line.

    Parameters
    ----------
    string_column : by default one with a usual name, such as string or sequence, else the first.
    value_column : by default one called value; without it no string has a value.

    Raises
    ------
    GrammarError: the file cannot be read, or has no such column.
    ParseError: none of its strings is one of the grammar.
    """
    asked = [name for name in (string_column, value_column) if name is not None]
    if not asked and Path(str(path).removesuffix(".gz")).suffix.lower() not in TABLES:
        lines, notes = _filled(path)
        whole = [(number, line.strip(), NO_VALUE) for number, line in lines]
        return _measured(path, parser, whole, [], notes)
    try:
        table = read_table(
            path,
            known=(*STRING_COLUMNS, VALUE, *asked),
            is_data=lambda cell: _is_string(cell, parser),
        )
        if not table.names:
            raise GrammarError(f"{path} has no strings; write one a line")
        name = table.guess(STRING_COLUMNS) or table.names[0]
        if string_column is not None:
            name = table.find(string_column, "--string-column")
        value = table.guess((VALUE,))
        if value_column is not None:
            value = table.find(value_column, "--value-column")
    except UserError as error:
        raise GrammarError(str(error)) from error
    values: Sequence[Measurement | str] = [NO_VALUE] * len(table)
    if value is not None:
        values = table.measurements(value)
    notes = table.notes if value is None else (*table.notes, *table.comma_notes(value))
    cells = list(zip(table.lines, table.column(name), values, strict=True))
    return _measured(path, parser, cells, table.dropped, notes)


def _measured(
    path: str | Path,
    parser: Parser,
    cells: Sequence[tuple[int, str, Measurement | str]],
    lost: Sequence[Dropped],
    notes: tuple[str, ...],
) -> MeasuredStrings:
    """Strings and values by line, those of the same string as one."""
    rows: dict[str, list[Row]] = {}
    dropped = list(lost)
    first = None
    for line, text, found in cells:
        try:
            string = _canonical(text, parser)
        except ParseError as error:
            if text.startswith("#"):
                continue
            first = first or ParseError(f"{path}, line {line}: {error}")
            dropped.append(Dropped(line, text, _reason(error)))
            continue
        if isinstance(found, str) and found != NO_VALUE:
            dropped.append(Dropped(line, text, found))
            continue
        if string in rows:
            reason = f"duplicate: the same string as line {rows[string][0].place}"
            dropped.append(Dropped(line, text, reason))
        measured = found if isinstance(found, Measurement) else None
        rows.setdefault(string, []).append(Row(line, measured))
    if not rows:
        raise first or GrammarError(f"{path} has no strings with numbers as values: mend them")
    averages = average(list(rows.values()), "strings")
    report = RowReport(
        str(path),
        len(rows) + len(dropped),
        len(rows),
        tuple(sorted(dropped)),
        notes=(*notes, *averages.notes),
    )
    return MeasuredStrings(list(rows), averages, report)


def _is_string(text: str, parser: Parser) -> bool:
    try:
        return bool(parser.parse(text))
    except ParseError:
        return False


def _reason(error: ParseError) -> str:
    return f"not in the grammar: {error.problem or one_line(str(error))}"


def read(path: str | Path) -> Text:
    """Lines of a text file as `gmae_tf.utils.text.read_text`, its error as a GrammarError."""
    try:
        return read_text(path)
    except UserError as error:
        raise GrammarError(str(error)) from error


def _filled(path: str | Path) -> tuple[list[tuple[int, str]], tuple[str, ...]]:
    """Number and text of the lines that are not blank, and notes; GrammarError if none is."""
    lines, notes = read(path)
    filled = [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    if not filled:
        raise GrammarError(f"{path} has no strings; write one a line")
    return filled, notes


def _canonical(line: str, parser: Parser) -> str:
    """A line as the grammar writes it, quoted or not; ParseError if it is no string of it."""
    bare = line.strip()
    if len(bare) > 2 and bare[0] == bare[-1] == '"' and not _quotes(parser):
        line = bare[1:-1]
    parser.parse(line)
    return parser.grammar.canonical(line)


def _quotes(parser: Parser) -> bool:
    return any('"' in terminal for terminal in parser.grammar.terminals)
