"""The one exception that means "the user can put this right"."""

from __future__ import annotations

LONGEST = 1200
"""Characters of a message; what a user's file holds in between is left out."""


class UserError(ValueError):
    """Invalid input that the user can correct, a `ValueError`.

    The message is one sentence: what is wrong, where, and what to do.  Commands print it and
    exit with status 2; library users catch it as the `ValueError` that it is.  It may quote what a
    stranger wrote, so control characters are escaped, and a long message is cut in the middle.

    >>> from gmae_tf import GaussianMixture, UserError
    >>> try:
    ...     GaussianMixture.one_hot(3, 2)
    ... except UserError as error:
    ...     print(str(error).split(":")[0])
    one-hot means place at most one component on each axis
    """

    def __init__(self, message: object = "") -> None:
        super().__init__(_shown(str(message)))


def _shown(text: str) -> str:
    """A text that a terminal can show and a person can read."""
    text = _cut(text)
    if text.isprintable():
        return text
    return _cut("".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text))


def _cut(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    return f"{text[: LONGEST // 2]} ... {text[-LONGEST // 2 :]}"
