"""The one exception that means "the user can put this right"."""

from __future__ import annotations


class UserError(ValueError):
    """Invalid input that the user can correct, a `ValueError`.

    The message is one sentence: what is wrong, where, and what to do.  Commands print it and
    exit with status 2; library users catch it as the `ValueError` that it is.

    >>> from gmae_tf import GaussianMixture, UserError
    >>> try:
    ...     GaussianMixture.one_hot(3, 2)
    ... except UserError as error:
    ...     print(str(error).split(":")[0])
    one-hot means place at most one component on each axis
    """
