"""Mistakes that a user of a grammar can make; every message is one clear sentence."""

from __future__ import annotations

_SHOWN = 80  # characters on either side of the caret


class GrammarError(ValueError):
    """A grammar, a data file or an array does not fit; the message says what to do."""


class ParseError(GrammarError):
    """A string is not in the language; the message has a caret under the place.

    `problem` and `position` (a character, from 0) say the same without the string.
    """

    problem = ""
    position = 0

    @classmethod
    def at(cls, text: str, position: int, problem: str) -> ParseError:
        """Build the error for `problem` at character `position` of `text`; long texts are cut."""
        start = max(0, position - _SHOWN)
        shown = "".join(c if c.isprintable() else " " for c in text[start : position + _SHOWN])
        error = cls(f"{problem}:\n    {shown}\n    {' ' * (position - start)}^")
        error.problem, error.position = problem, position
        return error
