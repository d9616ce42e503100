"""Text files of strings, one a line."""

from __future__ import annotations

import gzip
from pathlib import Path

from grammar.errors import GrammarError, ParseError
from grammar.parsing.parser import Parser


def read_strings(path: str | Path, parser: Parser) -> list[str]:
    """Strings of the grammar in canonical form; a bad line is a ParseError with its number."""
    strings = []
    for number, line in read_lines(path):
        try:
            parser.parse(line)
        except ParseError as error:
            raise ParseError(f"{path}, line {number}: {error}") from None
        strings.append(parser.grammar.canonical(line))
    return strings


def read_lines(path: str | Path) -> list[tuple[int, str]]:
    """Number and text of each line that is not blank; GrammarError if there is none."""
    try:
        lines = read_bytes(path).decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise GrammarError(f"{path} is not a text file; give one string a line") from error
    filled = [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    if not filled:
        raise GrammarError(f"{path} has no strings; write one a line")
    return filled


def read_bytes(path: str | Path) -> bytes:
    """Content of a file, unpacked if its name ends in .gz; GrammarError if it cannot be read."""
    try:
        content = Path(path).read_bytes()
        return gzip.decompress(content) if Path(path).suffix == ".gz" else content
    except (OSError, EOFError) as error:
        raise GrammarError(
            f"cannot read {path} ({error}); give a text file with one string a line"
        ) from error
