"""Membership in a large set of strings, from 8 bytes a string."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from grammar.errors import GrammarError


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

    @classmethod
    def load(cls, path: Path) -> StringSet:
        """Read what `save` wrote; `GrammarError` when the file is damaged."""
        try:
            with path.open("rb") as file:
                hashes = np.lib.format.read_array(file, allow_pickle=False)
            if hashes.dtype != np.uint64 or hashes.ndim != 1:
                raise ValueError(f"{hashes.dtype} {hashes.shape} are no hashes")
            return cls(hashes)
        except (OSError, ValueError, EOFError) as error:
            raise GrammarError(
                f"{path} is not a set of training strings: train again or name the right folder"
            ) from error

    def save(self, path: Path) -> None:
        """Write the sorted hashes as an .npy file."""
        np.save(path, self.hashes, allow_pickle=False)

    def __contains__(self, string: object) -> bool:
        if not isinstance(string, str):
            return False
        place = int(np.searchsorted(self.hashes, _hash(string)))
        return place < len(self.hashes) and bool(self.hashes[place] == _hash(string))

    def __len__(self) -> int:
        return len(self.hashes)


def _hash(string: str) -> np.uint64:
    return np.uint64(int.from_bytes(blake2b(string.encode(), digest_size=8).digest(), "little"))
