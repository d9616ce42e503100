"""Inputs of a surrogate: counts of the parts of strings, in several ways, and their codes."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Array = NDArray[np.float64]
CODES = "codes"
"""Name of codes among the names of counts."""


@dataclass(frozen=True)
class Inputs:
    """n points: binary matrices [n, F] of parts by the name of a count, and codes [n, D] if known.

    A part that a string has c times fills c columns, the first to the c-th time, so that the
    product of two rows is the sum of the lesser counts.  F grows as parts appear.  `noise` [n] are
    standard deviations of the measurements of points that were measured, 0 where it is unknown.
    """

    n: int
    parts: Mapping[str, csr_array] = field(default_factory=dict)
    codes: Array | None = None
    noise: Array | None = None

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, rows: NDArray[np.int64]) -> Inputs:
        """The points of these rows."""
        parts = {name: matrix[rows] for name, matrix in self.parts.items()}
        codes, noise = (None if a is None else a[rows] for a in (self.codes, self.noise))
        return Inputs(len(rows), parts, codes, noise)


class Vocabulary:
    """Columns of parts, given out as parts appear: exact, where hashing would let some collide."""

    def __init__(self) -> None:
        self._columns: dict[tuple[Hashable, int], int] = {}

    def columns(self, counts: Mapping[Hashable, int]) -> NDArray[np.int64]:
        """The columns that a string with these counts of parts fills."""
        known = self._columns
        pairs = ((part, i) for part, count in counts.items() for i in range(count))
        return np.array([known.setdefault(pair, len(known)) for pair in pairs], np.int64)

    def matrix(self, rows: Sequence[NDArray[np.int64]]) -> csr_array:
        """Columns of n strings -> binary matrix [n, F]."""
        ends = np.cumsum([0, *map(len, rows)])
        indices = np.concatenate(rows) if len(rows) else np.zeros(0, np.int64)
        ones = np.ones(len(indices), np.float32)
        return csr_array((ones, indices, ends), shape=(len(rows), max(len(self._columns), 1)))
