"""Mistakes that a user of a grammar can make; every message is one clear sentence."""

from __future__ import annotations

import os

from gmae_tf.errors import UserError

_SHOWN = 80  # characters on either side of the caret


class GrammarError(UserError):
    """A wrong grammar, data file or array; the message is one sentence that says what to do.

    >>> import grammar
    >>> grammar.Grammar("S -> 'x' T")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    grammar.errors.GrammarError: line 1 of the grammar: T is used in ... but has no rule; add ...
    """


def check_type(value: object, kinds: type | tuple[type, ...], needed: str) -> None:
    """GrammarError that says what is `needed` if a value is of none of these types."""
    if not isinstance(value, kinds):
        raise GrammarError(f"{needed}, not {repr(value)[:80]}")


def check_path(value: object, needed: str) -> None:
    """GrammarError that says what is `needed` if a value is no path."""
    check_type(value, (str, os.PathLike), needed)


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
