"""A search problem small enough to know everything about: points of a grid as strings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bayesopt.space import Problem

OPTIMUM = (7, -3)


class GridCodec:
    """Strings "a,b" of integers <-> codes [a / 5, b / 5]."""

    latent_dim = 2

    def encode(self, strings: Sequence[str]) -> np.ndarray:
        """Codes [N, 2]."""
        return np.array([[int(n) for n in s.split(",")] for s in strings], dtype=float) / 5

    def decode(self, codes: np.ndarray) -> list[str | None]:
        """The nearest grid point; nothing outside of -50..50."""
        rounded = np.rint(5 * np.asarray(codes)).astype(int)
        return [f"{a},{b}" if max(abs(a), abs(b)) <= 50 else None for a, b in rounded]


class CountingScore:
    """Squared distance to the optimum; remembers every string that it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, strings: Sequence[str]) -> np.ndarray:
        """Scores [N]."""
        self.asked.extend(strings)
        points = 5 * GridCodec().encode(strings)
        return np.square(points - OPTIMUM).sum(axis=1)


def grid_problem(n: int = 120, seed: int = 0) -> Problem:
    """n known points, none of them near the optimum."""
    rng = np.random.default_rng(seed)
    points = {tuple(p) for p in rng.normal(0, 6, (4 * n, 2)).round().astype(int).tolist()}
    far = [p for p in sorted(points) if np.hypot(p[0] - OPTIMUM[0], p[1] - OPTIMUM[1]) > 5]
    chosen = rng.permutation(len(far))[:n]
    strings = tuple(f"{far[i][0]},{far[i][1]}" for i in chosen)
    codec = GridCodec()
    return Problem(
        codec=codec,
        score=CountingScore(),
        worst_score=1e4,
        strings=strings,
        codes=codec.encode(strings),
        scores=CountingScore()(strings),
        sample_prior=lambda k, r: r.normal(0, 1.2, (k, 2)),
        sample_strings=lambda k, r: [strings[i] for i in r.integers(len(strings), size=k)],
        in_training_data=set(strings).__contains__,
    )
