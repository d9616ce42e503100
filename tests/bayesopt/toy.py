"""A search problem small enough to know everything about: points of a grid as strings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bayesopt.dataset import Dataset
from bayesopt.optimizer import Optimizer
from bayesopt.space import SearchSpace
from bayesopt.surrogates.base import Surrogate

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


def grid_data(n: int = 120, seed: int = 0) -> Dataset:
    """n known points, none of them near the optimum."""
    rng = np.random.default_rng(seed)
    points = {tuple(p) for p in rng.normal(0, 6, (4 * n, 2)).round().astype(int).tolist()}
    far = [p for p in sorted(points) if np.hypot(p[0] - OPTIMUM[0], p[1] - OPTIMUM[1]) > 5]
    chosen = rng.permutation(len(far))[:n]
    strings = [f"{far[i][0]},{far[i][1]}" for i in chosen]
    return Dataset(strings, CountingScore()(strings))


def grid_space(codec: GridCodec | None = None, **parts: Any) -> SearchSpace:
    """The grid, trusted where the known points are."""
    parts.setdefault("region_codes", GridCodec().encode(grid_data().strings))
    parts.setdefault("sample_prior", lambda n, rng: rng.normal(0, 1.2, (n, 2)))
    return SearchSpace(codec or GridCodec(), **parts)


class ExactGP(Surrogate):
    """A Gaussian process in NumPy with a fixed kernel: the surrogate protocol without TensorFlow.

    Scores are standardised; k(x, x') = exp(-|x - x'|^2 / 2 l^2) with l twice the inputs' spread.
    """

    def fit(self, codes, scores, *, seed=0, progress=None):
        """Keep the data; the scales of the first fit stay."""
        self.mean, self.scale = scores.mean(), scores.std()
        self.length = 2 * codes.std()
        return self.attach(codes, scores)

    def update(self, codes, scores, *, seed=0):
        """All data so far."""
        return self.attach(codes, scores)

    def attach(self, codes, scores):
        """The data."""
        self.x, self.y = codes, (scores - self.mean) / self.scale
        self.inverse = np.linalg.inv(self._kernel(self.x, self.x) + 1e-4 * np.eye(len(self.x)))
        return self

    def _kernel(self, a, b):
        squares = np.square(a[:, None] - b[None]).sum(axis=2)
        return np.exp(-squares / 2 / self.length**2)

    noise_variance = 0.01

    def covariance_with(self, codes):
        """other [m, D] -> covariance [n, m]."""
        left = self._kernel(codes, self.x) @ self.inverse
        return lambda other: (
            self.scale**2 * (self._kernel(codes, other) - left @ self._kernel(self.x, other))
        )

    def predict(self, codes):
        """Mean and variance."""
        k = self._kernel(codes, self.x)
        variance = np.maximum(1.0 - ((k @ self.inverse) * k).sum(axis=1), 1e-9)
        return self.mean + self.scale * (k @ (self.inverse @ self.y)), self.scale**2 * variance

    def sample(self, codes, n_samples, rng):
        """Joint samples."""
        covariance = self.covariance_with(codes)(codes) + 1e-6 * self.scale**2 * np.eye(len(codes))
        noise = rng.standard_normal((n_samples, len(codes)))
        return self.predict(codes)[0] + noise @ np.linalg.cholesky(covariance).T

    def believing(self, pending=None, noise=0.0):
        """Moments and gradients at one code, given pending codes."""
        x = self.x if pending is None else np.concatenate([self.x, pending])
        inverse = np.linalg.inv(self._kernel(x, x) + 1e-4 * np.eye(len(x)))
        weights = self.inverse @ self.y

        def moments(code):
            k = self._kernel(code[None], x)[0]
            slope = k[:, None] * (x - code) / self.length**2
            solved, n = inverse @ k, len(self.x)
            mean = self.mean + self.scale * float(k[:n] @ weights)
            variance = self.scale**2 * max(1.0 - float(k @ solved), 1e-9)
            gradients = self.scale * weights @ slope[:n], -2 * self.scale**2 * solved @ slope
            return mean, variance, *gradients

        return moments

    def get_state(self):
        """Scales; the data are attached."""
        return {"scales": np.array([self.mean, self.scale, self.length])}

    def set_state(self, state):
        """What get_state gave."""
        self.mean, self.scale, self.length = state["scales"]
        return self


def grid_search(storage: Path | None, surrogate: Any, **settings: Any) -> Optimizer:
    """An optimizer of the grid that adapts its surrogate from batch to batch."""
    given = {"batch_size": 5, "refit": False, "held_out": 0.1, **settings}
    return Optimizer(
        grid_space(), grid_data(), maximize=False, surrogate=surrogate, storage=storage, **given
    )
