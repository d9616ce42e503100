"""The one exception that means "the user can put this right"."""

from __future__ import annotations


class UserError(ValueError):
    """A mistake a user can mend.

    The message is one sentence: what is wrong, where, and what to do.  Commands print it and
    exit with status 2; library users catch it as the `ValueError` that it is.
    """
