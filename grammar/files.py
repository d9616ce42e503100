"""Text files of strings, one a line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gmae_tf.errors import UserError
from gmae_tf.utils.rows import Dropped, RowReport, one_line
from gmae_tf.utils.text import Text, read_text
from grammar.errors import GrammarError, ParseError
from grammar.parsing.parser import Parser


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
            reason = f"not in the grammar: {error.problem or one_line(str(error))}"
            dropped.append(Dropped(number, line.strip(), reason))
    if not strings:
        raise first or GrammarError(f"{path} has no strings; write one a line")
    if tell is not None:
        read = len(strings) + len(dropped)
        tell(RowReport(str(path), read, len(strings), tuple(dropped), notes=notes))
    return strings


def read_lines(path: str | Path) -> list[tuple[int, str]]:
    """Number and text of each line that is not blank; GrammarError if there is none."""
    return _filled(path)[0]


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
