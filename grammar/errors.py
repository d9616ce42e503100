"""Mistakes that a user of a grammar can make; every message is one clear sentence."""

from __future__ import annotations

from gmae_tf.errors import UserError

_SHOWN = 80  # characters on either side of the caret


class GrammarError(UserError):
    """A wrong grammar, data file or array; the message is one sentence that says what to do.

    >>> import grammar
    >>> grammar.Grammar("S -> 'x' T")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    grammar.errors.GrammarError: line 1 of the grammar: T is used in ... but has no rule; add ...
    """


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
