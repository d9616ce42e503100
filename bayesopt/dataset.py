"""The data set of a search: strings and values, in the user's sign outside and as scores inside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayesopt.trusted_region import Array
from gmae_tf.errors import UserError


@dataclass(frozen=True, eq=False)
class Dataset:
    """Strings [N] with their measured values [N], in the sign in which they were measured.

    Rows without a value (NaN) are left out.

    Parameters
    ----------
    codes : [N, D] of strings in the model's own spelling, which saves encoding them again.
    censoring : [N], 1 where the value is only a lower limit of the true one (right-censored,
        ">10"), -1 where it is an upper limit (left-censored, "<10"), 0 where it is exact; None:
        all are.
        A surrogate without a likelihood for limits takes each value at its limit, which underrates
        what is beyond it and never overrates it.

    Raises
    ------
    UserError: one string instead of several, another number of values, infinite values.

    Examples
    --------
    >>> from bayesopt import Dataset
    >>> data = Dataset(["CCO", "CCN", "CCC"], [0.3, float("nan"), 1.2])
    >>> data.strings, data.values.tolist()
    (('CCO', 'CCC'), [0.3, 1.2])
    >>> Dataset(["CCO", "CCN"], [0.3, 10], censoring=[0, 1]).censoring.tolist()
    [0, 1]
    """

    strings: tuple[str, ...]
    values: Array
    codes: Array | None = None
    censoring: NDArray[np.int8] | None = None

    def __init__(
        self,
        strings: Sequence[str],
        values: ArrayLike,
        codes: ArrayLike | None = None,
        censoring: ArrayLike | None = None,
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
        limits = None if censoring is None else checked_censoring(censoring, len(numbers))
        object.__setattr__(self, "strings", kept)
        object.__setattr__(self, "values", numbers[rows])
        object.__setattr__(self, "codes", points if whole or points is None else points[rows])
        object.__setattr__(self, "censoring", None if limits is None else limits[rows])

    def __len__(self) -> int:
        return len(self.strings)

    def take(self, rows: NDArray[np.int64]) -> Dataset:
        """Some of the rows."""
        return Dataset(
            [self.strings[row] for row in rows],
            self.values[rows],
            None if self.codes is None else self.codes[rows],
            None if self.censoring is None else self.censoring[rows],
        )


class Joined(NamedTuple):
    """A data set without the strings that were also told, their number, and those that differ."""

    dataset: Dataset
    told: int
    conflicts: tuple[str, ...]


def without_told(dataset: Dataset, told: Mapping[str, float]) -> Joined:
    """A data set without the strings that have a told value, so that each counts once.

    Parameters
    ----------
    told : values by string, spelt as in the data set (canonical SMILES), in the user's sign.  Where
        they are other ones, the told one counts, as it came later.

    >>> data = Dataset(["CCO", "CCN"], [0.3, 1.2])
    >>> joined = without_told(data, {"CCN": 1.5, "CCC": 0.1})
    >>> joined.dataset.strings, joined.told, joined.conflicts
    (('CCO',), 1, ('CCN: 1.2 in the data, told as 1.5',))
    """
    pairs = zip(dataset.strings, dataset.values, strict=True)
    conflicts = [
        f"{string}: {value:g} in the data, told as {told[string]:g}"
        for string, value in pairs
        if string in told and not np.isclose(told[string], value)
    ]
    rows = np.array([i for i, s in enumerate(dataset.strings) if s not in told], dtype=np.int64)
    return Joined(dataset.take(rows), len(dataset) - len(rows), tuple(conflicts))


def checked_censoring(censoring: ArrayLike, n: int) -> NDArray[np.int8]:
    """Directions [n] of limits; `UserError` for another shape or anything but -1, 0 and 1."""
    limits = np.asarray(censoring)
    if limits.shape != (n,) or not np.isin(limits, (-1, 0, 1)).all():
        raise UserError(
            f"censoring must be {n} numbers, 1 for a lower limit, -1 for an upper limit, else 0."
        )
    return limits.astype(np.int8)


def checked_values(strings: Sequence[str | None], values: ArrayLike) -> Array:
    """Values [N] of N strings in double precision, NaN allowed; `UserError` for anything else."""
    if isinstance(strings, str):
        raise UserError(f"give a list of strings, not the single string {strings!r}.")
    if not isinstance(strings, Iterable):
        raise UserError(f"give a list of strings, not {strings!r}.")
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
