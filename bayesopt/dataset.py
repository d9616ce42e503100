"""The data set of a search: strings and values, in the user's sign outside and as scores inside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from bayesopt.trusted_region import Array
from gmae_tf.errors import UserError


@dataclass(frozen=True, eq=False)
class Dataset:
    """Strings [N] with their measured values [N], in the sign in which they were measured.

    Rows without a value (NaN) are left out.  `codes` [N, D] of strings in the model's own spelling
    save encoding them again.

    Raises
    ------
    UserError: one string instead of several, another number of values, infinite values.

    Examples
    --------
    >>> from bayesopt import Dataset
    >>> data = Dataset(["CCO", "CCN", "CCC"], [0.3, float("nan"), 1.2])
    >>> data.strings, data.values.tolist()
    (('CCO', 'CCC'), [0.3, 1.2])
    """

    strings: tuple[str, ...]
    values: Array
    codes: Array | None = None

    def __init__(
        self, strings: Sequence[str], values: ArrayLike, codes: ArrayLike | None = None
    ) -> None:
        numbers = checked_values(strings, values)
        rows = np.flatnonzero(~np.isnan(numbers))
        whole = len(rows) == len(numbers)
        kept = tuple(strings) if whole else tuple(list(strings)[i] for i in rows)
        points = None if codes is None else np.asarray(codes, np.float64)
        if points is not None and (points.ndim != 2 or len(points) != len(numbers)):
            raise UserError(
                f"a data set of {len(numbers)} strings needs codes of shape [{len(numbers)}, D], "
                f"not {list(points.shape)}."
            )
        object.__setattr__(self, "strings", kept)
        object.__setattr__(self, "values", numbers[rows])
        object.__setattr__(self, "codes", points if whole or points is None else points[rows])

    def __len__(self) -> int:
        return len(self.strings)


def checked_values(strings: Sequence[str | None], values: ArrayLike) -> Array:
    """Values [N] of N strings in double precision, NaN allowed; `UserError` for anything else."""
    if isinstance(strings, str):
        raise UserError(f"give a list of strings, not the single string {strings!r}.")
    wrong = next((s for s in strings if not isinstance(s, str | None)), "")
    if not isinstance(wrong, str):
        raise UserError(f"strings are needed, and {wrong!r} is a {type(wrong).__name__}.")
    try:
        numbers = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UserError(f"values are not numbers ({error}).") from error
    if numbers.shape != (len(strings),):
        raise UserError(
            f"{len(strings)} strings need as many values [{len(strings)}], not the shape "
            f"{list(numbers.shape)}."
        )
    if np.isinf(numbers).any():
        row = int(np.flatnonzero(np.isinf(numbers))[0])
        raise UserError(f"the value of {strings[row]!r} is infinite: use NaN for what failed.")
    return numbers


def turned(value: Any, maximize: bool) -> Any:
    """A value as a score (lower is better), or a score as a value: number, None, array or list."""
    if not maximize or value is None:
        return value
    if isinstance(value, list | tuple):
        return [turned(item, maximize) for item in value]
    return 0.0 - value  # not -value, which has a zero with a sign
