"""A Gaussian process on counts of parts and on codes, its kernel chosen by held-out likelihood.

The kernel of counts is MinMax, the Tanimoto similarity of counts: the sum of the lesser counts over
the sum of the greater ones (Ralaivola et al. 2005; Tripp & Hernandez-Lobato 2023 for searches).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, eigh, solve_triangular
from scipy.spatial.distance import cdist

from bayesopt.surrogates.inputs import Inputs

Array = NDArray[np.float64]
EXACT, INDUCING = 2_000, 1_500
"""Up to so many points the process is exact; beyond, it is sparse with so many inducing points."""
JUDGED = 1_000
"""Points, at most, on which kernels are compared."""
NOISES = np.geomspace(1e-3, 10.0, 25)
"""Noise variances over the variance of the process that are compared."""
CHUNK = 2_000
JITTER = 1e-6


@dataclass(frozen=True)
class Kernel:
    """A correlation of points: weights of MinMax and additive kernels of counts, Matern of codes.

    The additive one is the sum of the lesser counts, divided by its mean on the diagonal: what each
    part adds to a score is independent of the others, as in a linear trend, but levels off beyond
    the counts that were seen.  `length` is the lengthscale of Matern 5/2.
    """

    name: str
    minmax: float = 0.0
    additive: float = 0.0
    codes: float = 0.0
    length: float = 1.0
    size: float = 1.0

    def __call__(self, one: Inputs, other: Inputs) -> Array:
        """Points [N], [M] -> correlations [N, M]."""
        total = np.zeros((len(one), len(other)))
        if self.minmax or self.additive:
            common, first, second = _overlap(one, other)
            if self.minmax:
                total += self.minmax * common / np.maximum(first + second - common, 1.0)
            if self.additive:
                total += self.additive / self.size * common
        if self.codes:
            assert one.codes is not None and other.codes is not None
            scaled = np.sqrt(5.0) / self.length * cdist(one.codes, other.codes)
            total += self.codes * (1 + scaled + scaled**2 / 3) * np.exp(-scaled)
        return total

    def diagonal(self, points: Inputs) -> Array:
        """Points [N] -> correlations with themselves [N]."""
        same = np.full(len(points), self.minmax + self.codes)
        if self.additive:
            assert points.parts is not None
            same += self.additive / self.size * points.parts.sum(axis=1)
        return same


def _overlap(one: Inputs, other: Inputs) -> tuple[Array, Array, Array]:
    """Sums of the lesser counts [N, M], and of the counts of either, [N, 1] and [1, M]."""
    assert one.parts is not None and other.parts is not None
    a, b = one.parts, other.parts
    width = max(a.shape[1], b.shape[1])  # of the vocabulary, which grows
    a, b = a.copy(), b.copy()
    a.resize((a.shape[0], width))
    b.resize((b.shape[0], width))
    return (a @ b.T).toarray(), a.sum(axis=1)[:, None], b.sum(axis=1)[None]


def kernels_for(points: Inputs) -> Iterator[Kernel]:
    """The kernels that are compared on these points."""
    lengths = [1.0]
    if points.codes is not None and len(points) > 1:
        rows = points.codes[:: max(len(points) // 300, 1)]
        distances = cdist(rows, rows)[np.triu_indices(len(rows), 1)]
        middle = float(np.median(distances[distances > 0])) if (distances > 0).any() else 1.0
        lengths = [middle / 2, middle, 2 * middle]
    if points.parts is None:
        yield from (Kernel("codes", codes=1.0, length=length) for length in lengths)
        return
    size = max(float(points.parts.sum(axis=1).mean()), 1.0)
    yield Kernel("counts", minmax=1.0)
    yield Kernel("counts, additive", minmax=0.5, additive=0.5, size=size)
    if points.codes is not None:
        for length in lengths[1:]:
            yield Kernel("counts, codes", minmax=0.5, codes=0.5, length=length)


@dataclass(frozen=True)
class Held:
    """Leave-one-out log densities [N] of standardised targets by a kernel at its best noise."""

    kernel: Kernel
    noise: float
    variance: float
    log_densities: Array

    @property
    def log_likelihood(self) -> float:
        """Mean log density per point, in nats."""
        return float(self.log_densities.mean())


def leave_one_out(kernel: Kernel, points: Inputs, targets: Array) -> Held:
    """The noise of the greatest leave-one-out likelihood of standardised targets [N].

    In closed form, the variance of the process too (Rasmussen & Williams 2006, 5.4.2); the
    eigenvalues of the kernel matrix make it cheap for every noise.
    """
    values, vectors = eigh(kernel(points, points), check_finite=False, driver="evd")
    squared, projected = vectors**2, vectors.T @ targets

    def held(noise: float) -> tuple[Array, float]:
        inverse = 1.0 / (np.maximum(values, 0.0) + noise)
        scale, residual = squared @ inverse, vectors @ (inverse * projected)
        variance = float(np.mean(residual**2 / scale))
        density = np.log(2 * np.pi * variance / scale) + residual**2 / (scale * variance)
        return -0.5 * density, variance

    noise = max(NOISES, key=lambda noise: held(noise)[0].mean())
    densities, variance = held(noise)
    return Held(kernel, float(noise), variance, densities)


def choose(compared: Sequence[Held]) -> Held:
    """The first, which is the simplest, unless one is better by more than a standard error."""
    best = max(compared, key=lambda held: held.log_likelihood)
    gain = best.log_densities - compared[0].log_densities
    return best if gain.mean() > gain.std() / np.sqrt(len(gain)) else compared[0]


class CountsGP:
    """A Gaussian process of scores given `Inputs`, exact up to 2,000 points, sparse beyond.

    Hyper-parameters and kernel are those of the greatest leave-one-out likelihood on at most 1,000
    points; beyond 2,000 points the best and random ones are inducing points, and the posterior is
    that of the collapsed bound (Titsias 2009).
    """

    def fit(self, points: Inputs, scores: Array, *, seed: int) -> CountsGP:
        """Fit to N points and scores [N], lower is better."""
        scores = np.asarray(scores, np.float64)
        rng = np.random.default_rng(seed)
        self.mean, spread = float(scores.mean()), float(scores.std())
        self.unit = spread if spread > 1e-12 * max(1.0, abs(self.mean)) else 1.0
        targets = (scores - self.mean) / self.unit
        rows = best_and_others(scores, JUDGED, rng)
        few = points.take(rows)
        self.compared = [leave_one_out(k, few, targets[rows]) for k in kernels_for(few)]
        self.chosen = choose(self.compared)
        n = len(scores)
        inducing = np.arange(n) if n <= EXACT else best_and_others(scores, INDUCING, rng)
        self._condition(points, targets, inducing)
        return self

    @property
    def reads_codes(self) -> bool:
        """Whether the kernel has a part of codes."""
        return self.chosen.kernel.codes > 0

    @property
    def noise_variance(self) -> float:
        """Noise variance in units of the scores squared."""
        return self.chosen.noise * self.chosen.variance * self.unit**2

    def _condition(self, points: Inputs, targets: Array, inducing: NDArray[np.int64]) -> None:
        """The posterior of u, what the process is at the inducing points, given all targets."""
        kernel, noise = self.chosen.kernel, self.chosen.noise
        self._at = points.take(inducing)
        prior = kernel(self._at, self._at)
        prior[np.diag_indices_from(prior)] += JITTER
        self._root = cholesky(prior, lower=True, overwrite_a=True, check_finite=False)
        inner, right = np.eye(len(inducing)), np.zeros(len(inducing))
        for start in range(0, len(points), CHUNK):
            part = np.arange(start, min(start + CHUNK, len(points)))
            white = self._white(points.take(part))
            inner += white @ white.T / noise
            right += white @ targets[part] / noise
        self._inner = cholesky(inner, lower=True, overwrite_a=True, check_finite=False)
        self._weights = cho_solve((self._inner, True), right, check_finite=False)

    def _white(self, points: Inputs) -> Array:
        """L^-1 k(u, x), [M, N]."""
        cross = self.chosen.kernel(self._at, points)
        return solve_triangular(self._root, cross, lower=True, overwrite_b=True, check_finite=False)

    def predict(self, points: Inputs) -> tuple[Array, Array]:
        """Mean [N] and variance [N] of the process, without noise."""
        mean, variance = np.empty((2, len(points)))
        for start in range(0, len(points), CHUNK):
            rows = np.arange(start, min(start + CHUNK, len(points)))
            part = points.take(rows)
            white = self._white(part)
            left = solve_triangular(self._inner, white, lower=True, check_finite=False)
            mean[rows] = self._weights @ white
            variance[rows] = (
                self.chosen.kernel.diagonal(part) - (white**2).sum(axis=0) + (left**2).sum(axis=0)
            )
        variance = np.maximum(variance, 1e-9) * self.chosen.variance
        return self.mean + self.unit * mean, self.unit**2 * variance

    def covariance(self, points: Inputs) -> Array:
        """Joint covariance [N, N] of the process at N points, without noise."""
        white = self._white(points)
        left = solve_triangular(self._inner, white, lower=True, check_finite=False)
        prior = self.chosen.kernel(points, points)
        return (prior - white.T @ white + left.T @ left) * self.chosen.variance * self.unit**2

    def sample(self, points: Inputs, n_samples: int, rng: np.random.Generator) -> Array:
        """Joint samples [S, N] of the process."""
        mean, _ = self.predict(points)
        covariance = self.covariance(points)
        covariance[np.diag_indices_from(covariance)] += 1e-6 * max(covariance.max(initial=0), 1e-12)
        root = cholesky(covariance, lower=True, overwrite_a=True, check_finite=False)
        return mean + rng.standard_normal((n_samples, len(mean))) @ root.T


def best_and_others(scores: Array, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """At most n rows: half of them those with the best (lowest) scores, the others at random."""
    if len(scores) <= n:
        return np.arange(len(scores))
    order = np.argsort(scores, kind="stable")
    others = rng.choice(order[n // 2 :], n - n // 2, replace=False)
    return np.sort(np.concatenate([order[: n // 2], others]))
