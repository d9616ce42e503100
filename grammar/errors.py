"""Mistakes that a user of a grammar can make; every message is one clear sentence."""

from __future__ import annotations


class GrammarError(ValueError):
    """A grammar, a data file or an array does not fit; the message says what to do."""


class ParseError(GrammarError):
    """A string is not in the language; the message has a caret under the place."""

    @classmethod
    def at(cls, text: str, position: int, problem: str) -> ParseError:
        """Build the error for `problem` found at character `position` of `text`."""
        shown = text.replace("\n", " ").replace("\t", " ")
        return cls(f"{problem}:\n    {shown}\n    {' ' * position}^")
