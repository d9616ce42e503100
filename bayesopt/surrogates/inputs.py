"""Inputs of a surrogate: counts of the parts of strings as a sparse matrix, and their codes."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Inputs:
    """N points: parts [N, F], where F is the vocabulary's size, and codes [N, D]; either may be None.

    `parts` is binary: a part that a string has c times fills c columns, the first to the c-th time.
    So the product of two rows is the sum of the lesser counts.
    """

    parts: csr_array | None = None
    codes: Array | None = None

    def __len__(self) -> int:
        first = self.codes if self.parts is None else self.parts
        return 0 if first is None else int(first.shape[0])

    def take(self, rows: NDArray[np.int64]) -> Inputs:
        """The points of these rows."""
        return Inputs(
            None if self.parts is None else self.parts[rows],
            None if self.codes is None else self.codes[rows],
        )


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
        """Columns of N strings -> binary matrix [N, F]."""
        ends = np.cumsum([0, *map(len, rows)])
        indices = np.concatenate(rows) if len(rows) else np.zeros(0, np.int64)
        ones = np.ones(len(indices))
        return csr_array((ones, indices, ends), shape=(len(rows), max(len(self._columns), 1)))
