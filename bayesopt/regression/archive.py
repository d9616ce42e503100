"""The best expressions of each size: population and Pareto front in one."""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

KEPT = 16
"""Expressions of each size that are kept."""
_SAME = 1e-9
"""Relative difference of errors below which two expressions of a size are one function."""
GAIN = 0.01
"""Share of the error that a larger expression must save to stand on the front."""


@dataclass(frozen=True)
class Candidate:
    """An expression with starting constants, and who proposed it."""

    program: bytes
    constants: tuple[float, ...]
    source: str


@dataclass(frozen=True)
class Fitted(Candidate):
    """An expression fitted to the data: y = intercept + slope * f, with its mean squared error."""

    intercept: float
    slope: float
    error: float

    @property
    def size(self) -> int:
        """Complexity: operators, functions, variables and constants of f."""
        return len(self.program)


class Archive:
    """At most `KEPT` fitted expressions for each size, the best ones."""

    def __init__(self, max_size: int) -> None:
        self.max_size = max_size
        self._bins: dict[int, list[Fitted]] = {}
        self.added: Counter[str] = Counter()
        """How many expressions of each source came in."""

    def threshold(self, size: int) -> float:
        """What an expression of this size has to beat."""
        found = self._bins.get(size, [])
        return found[-1].error if len(found) >= KEPT else np.inf

    def add(self, new: Fitted) -> bool:
        """Take an expression in if it is good enough for its size and no twin of another."""
        if not (new.size <= self.max_size and new.error < self.threshold(new.size)):
            return False
        found = self._bins.setdefault(new.size, [])
        for i, old in enumerate(found):
            if old.program == new.program:
                if old.error <= new.error:
                    return False
                del found[i]
                break
        place = bisect.bisect_left([old.error for old in found], new.error)
        for near in found[max(0, place - 1) : place + 1]:
            if abs(near.error - new.error) <= _SAME * near.error:
                return False
        found.insert(place, new)
        del found[KEPT:]
        self.added[new.source] += 1
        return True

    def members(self) -> list[Fitted]:
        """All expressions, smaller ones first."""
        return [one for size in sorted(self._bins) for one in self._bins[size]]

    def front(self) -> list[Fitted]:
        """Those that no expression of at most their size comes near, smallest first."""
        return front_of(self.members())

    def best(self) -> Fitted:
        """The expression with the smallest error."""
        return min(self.members(), key=lambda one: one.error)

    def parents(self, n: int, rng: np.random.Generator) -> list[Fitted]:
        """n members by chance: those near the front at their size are drawn more often."""
        members = self.members()
        errors = np.array([one.error for one in members])
        sizes = np.array([one.size for one in members])
        reached = np.minimum.accumulate(
            [errors[sizes <= size].min(initial=np.inf) for size in range(1, self.max_size + 1)]
        )[sizes - 1]
        weight = ((reached + 1e-30) / (errors + 1e-30)) ** 0.7
        chosen = rng.choice(len(members), size=n, p=weight / weight.sum())
        return [members[i] for i in chosen]


def front_of(members: Iterable[Fitted]) -> list[Fitted]:
    """Pareto front of size and error, smallest first."""
    found: list[Fitted] = []
    for one in sorted(members, key=lambda one: (one.size, one.error)):
        if not found or one.error < (1 - GAIN) * found[-1].error:
            found.append(one)
    return found
