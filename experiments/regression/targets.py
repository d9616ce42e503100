"""Standard targets of symbolic regression, 12 of one variable and 12 of several.

Nguyen: Uy et al. 2011; Keijzer: Keijzer 2003; Feynman: Udrescu & Tegmark 2020.  Ranges are those
of the sources; every target has 200 rows drawn uniformly from them, normal noise of 1 % of the
standard deviation of y, and is tested on 1,000 other rows without noise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np

Array = np.ndarray
ROWS, TESTED, NOISE = 200, 1_000, 0.01
Range = tuple[float, float]


@dataclass(frozen=True)
class Target:
    """A function of columns [d, n], and the range of each column."""

    name: str
    function: Callable[..., Array]
    ranges: Sequence[Range]

    def draw(self, seed: int) -> tuple[Array, Array, Array, Array]:
        """x [200, d] and y with noise, then x [1000, d] and y without."""
        rng = np.random.default_rng([crc32(self.name.encode()), seed])
        low, high = np.array(self.ranges).T
        x = low + (high - low) * rng.random((ROWS + TESTED, len(low)))
        y = self.function(*x.T)
        train, test = y[:ROWS], y[ROWS:]
        noisy = train + NOISE * train.std() * rng.standard_normal(ROWS)
        return x[:ROWS], noisy, x[ROWS:], test


def _powers(x: Array, n: int) -> Array:
    return sum((x**k for k in range(2, n + 1)), x)


def _keijzer_4(x: Array) -> Array:
    waves = np.cos(x) * np.sin(x) * (np.sin(x) ** 2 * np.cos(x) - 1)
    return x**3 * np.exp(-x) * waves


def _gravitation(m: Array, n: Array, g: Array, *places: Array) -> Array:
    a, b, c, d, e, f = places
    return g * m * n / ((a - b) ** 2 + (c - d) ** 2 + (e - f) ** 2)


def _planck(h: Array, w: Array, k: Array, t: Array) -> Array:
    return h / (2 * np.pi) * w / (np.exp(h / (2 * np.pi) * w / (k * t)) - 1)


UNIT, AROUND = (0.0, 1.0), (-1.0, 1.0)
UNIVARIATE = (
    Target("Nguyen-1", lambda x: _powers(x, 3), [AROUND]),
    Target("Nguyen-2", lambda x: _powers(x, 4), [AROUND]),
    Target("Nguyen-3", lambda x: _powers(x, 5), [AROUND]),
    Target("Nguyen-4", lambda x: _powers(x, 6), [AROUND]),
    Target("Nguyen-5", lambda x: np.sin(x**2) * np.cos(x) - 1, [AROUND]),
    Target("Nguyen-6", lambda x: np.sin(x) + np.sin(x + x**2), [AROUND]),
    Target("Nguyen-7", lambda x: np.log(x + 1) + np.log(x**2 + 1), [(0, 2)]),
    Target("Nguyen-8", np.sqrt, [(0, 4)]),
    Target("Keijzer-1", lambda x: 0.3 * x * np.sin(2 * np.pi * x), [AROUND]),
    Target("Keijzer-4", _keijzer_4, [(0, 10)]),
    Target("Keijzer-9", np.arcsinh, [(0, 100)]),
    Target("Feynman-I.6.2a", lambda x: np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi), [(1, 3)]),
)
MULTIVARIATE = (
    Target("Nguyen-9", lambda x, y: np.sin(x) + np.sin(y**2), [AROUND, AROUND]),
    Target("Nguyen-10", lambda x, y: 2 * np.sin(x) * np.cos(y), [AROUND, AROUND]),
    Target("Nguyen-11", lambda x, y: x**y, [UNIT, UNIT]),
    Target("Nguyen-12", lambda x, y: x**4 - x**3 + y**2 / 2 - y, [AROUND, AROUND]),
    Target("Keijzer-5", lambda x, y, z: 30 * x * z / ((x - 10) * y**2), [AROUND, (1, 2), AROUND]),
    Target("Keijzer-11", lambda x, y: x * y + np.sin((x - 1) * (y - 1)), [(-3, 3), (-3, 3)]),
    Target("Keijzer-14", lambda x, y: 8 / (2 + x**2 + y**2), [(-3, 3), (-3, 3)]),
    Target("Feynman-I.8.14", lambda a, b, c, d: np.sqrt((b - a) ** 2 + (d - c) ** 2), [(1, 5)] * 4),
    Target("Feynman-I.9.18", _gravitation, [(1, 2)] * 3 + [(3, 4), (1, 2)] * 3),
    Target(
        "Feynman-I.10.7", lambda m, v, c: m / np.sqrt(1 - v**2 / c**2), [(1, 5), (1, 2), (3, 10)]
    ),
    Target(
        "Feynman-I.50.26",
        lambda a, w, t, b: a * (np.cos(w * t) + b * np.cos(w * t) ** 2),
        [(1, 3)] * 4,
    ),
    Target("Feynman-III.4.33", _planck, [(1, 5)] * 4),
)
TARGETS = {target.name: target for target in (*UNIVARIATE, *MULTIVARIATE)}
