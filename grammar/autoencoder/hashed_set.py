"""Membership in a large set of strings, from 8 bytes a string."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray


class StringSet:
    """A set that answers `in` from sorted 64-bit hashes.

    Lets a trained model say whether a string was among its training data without carrying the
    data.  Among 100,000 strings a new one is taken for a member once in 2e14 questions.
    """

    def __init__(self, hashes: NDArray[np.uint64]) -> None:
        self.hashes = np.unique(hashes)

    @classmethod
    def of(cls, strings: Iterable[str]) -> StringSet:
        """The set of these strings."""
        return cls(np.fromiter(map(_hash, strings), dtype=np.uint64))

    def __contains__(self, string: object) -> bool:
        if not isinstance(string, str):
            return False
        place = int(np.searchsorted(self.hashes, _hash(string)))
        return place < len(self.hashes) and bool(self.hashes[place] == _hash(string))

    def __len__(self) -> int:
        return len(self.hashes)


def _hash(string: str) -> np.uint64:
    return np.uint64(int.from_bytes(blake2b(string.encode(), digest_size=8).digest(), "little"))
