"""A Gaussian process on counts of parts of strings, and on their codes where that helps.

The kernel of counts is MinMax, the Tanimoto similarity of counts: the sum of the lesser counts over
the sum of the greater ones (Ralaivola et al. 2005; Tripp & Hernandez-Lobato 2023 for searches).
Where parts are counted in several ways, the kernel is a sum of one for each, and the marginal
likelihood weighs them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.optimize import minimize
from scipy.sparse import csr_array
from scipy.spatial.distance import cdist, pdist
from scipy.stats import norm

from bayesopt.inputs import Inputs
from bayesopt.surrogates.base import Progress, gaussian_score
from bayesopt.surrogates.score_map import ScoreMap
from gmae_tf.errors import UserError

Array = NDArray[np.float64]
EXACT, INDUCING = 2_000, 1_000
"""Up to so many points the process is exact; beyond, it is sparse with so many inducing points."""
WEIGHED = 600
"""Points, at most, by which kernels are weighed."""
WEIGHT, NOISE = (1e-3, 10.0), (1e-3, 10.0)
"""Bounds of weights and of the noise variance, in units of the scores' variance."""
STEPS = 30
"""L-BFGS steps."""
CODES = "codes"
"""Name of the Matern 5/2 kernel of codes."""
DENSE = 4_096
"""Up to so many columns a dense product is faster than a sparse one."""
CHUNK = 2_000
JITTER = 1e-6


@dataclass(frozen=True)
class Kernel:
    """A sum of kernels by name with weights.

    `length` is the lengthscale of the one of codes.  That one is multiplied by the MinMax kernel of
    the count `beside`, where there is any: codes refine what counts say and do not replace it, for
    the encoder knows nothing of strings unlike its training data.
    """

    weights: Mapping[str, float]
    length: float = 1.0
    beside: str | None = None

    def __call__(self, one: Inputs, other: Inputs) -> Array:
        """Points [N], [M] -> covariances [N, M]."""
        total = np.zeros((len(one), len(other)))
        for name, weight in self.weights.items():
            total += weight * self.part(name, one, other)
        return total

    def part(self, name: str, one: Inputs, other: Inputs) -> Array:
        """The kernel of this name alone, [N, M], 1 for equal points."""
        if name != CODES:
            return minmax(one.parts[name], other.parts[name])
        assert one.codes is not None
        assert other.codes is not None
        scaled = np.sqrt(5.0) / self.length * cdist(one.codes, other.codes)
        matern = np.asarray((1 + scaled + scaled**2 / 3) * np.exp(-scaled))
        return matern if self.beside is None else matern * self.part(self.beside, one, other)

    @property
    def reads(self) -> set[str]:
        """Names of the counts that are read, and `CODES` if codes are."""
        beside = {self.beside} if CODES in self.weights and self.beside else set()
        return set(self.weights) | beside

    @property
    def variance(self) -> float:
        """Prior variance of the process at any point."""
        return sum(self.weights.values())


def minmax(one: csr_array, other: csr_array) -> Array:
    """MinMax kernel of binary matrices [N, F], [M, G] of `Inputs` -> [N, M]; the lesser of F, G."""
    width = min(one.shape[1], other.shape[1])
    a, b = one[:, :width], other[:, :width]
    common = a.toarray() @ b.toarray().T if width <= DENSE else (a @ b.T).toarray()
    first, second = one.sum(axis=1)[:, None], other.sum(axis=1)[None]
    return np.asarray(common / np.maximum(first + second - common, 1.0), np.float64)


@dataclass(frozen=True)
class Weighed:
    """A kernel and noise variance of greatest marginal likelihood, for standardised targets [N].

    `residuals` and `deviations` [N] are the errors and the standard deviations of the prediction of
    each target from all others (Rasmussen & Williams 2006, 5.4.2).
    """

    kernel: Kernel
    noise: float
    residuals: Array
    deviations: Array

    @property
    def log_densities(self) -> Array:
        """Log density of each target given all others, [N]."""
        return np.asarray(norm.logpdf(self.residuals, scale=self.deviations))

    @property
    def log_likelihood(self) -> float:
        """Mean leave-one-out log density per point, in nats."""
        return float(self.log_densities.mean())


def weigh(names: Sequence[str], points: Inputs, targets: Array) -> Weighed:
    """Weights of kernels and the noise by the marginal likelihood of standardised targets [N]."""
    length = 1.0
    if CODES in names:
        distances = pdist(points.codes)
        length = float(np.median(distances[distances > 0])) if distances.any() else 1.0
    unit = Kernel({}, length, next((name for name in names if name != CODES), None))
    grams = [*(unit.part(name, points, points) for name in names), np.eye(len(points))]

    def inverse(logs: Array) -> tuple[Array, Array]:
        total = np.einsum("k,kij->ij", np.exp(logs), grams)
        root = cholesky(total, lower=True, overwrite_a=True, check_finite=False)
        return root, cho_solve((root, True), np.eye(len(points)), check_finite=False)

    def loss(logs: Array) -> tuple[float, Array]:
        root, inverted = inverse(logs)
        solved = inverted @ targets
        value = 0.5 * targets @ solved + np.log(np.diagonal(root)).sum()
        outer = inverted - np.outer(solved, solved)
        slope = [0.5 * w * np.vdot(outer, k) for w, k in zip(np.exp(logs), grams, strict=True)]
        return float(value), np.array(slope)

    start = np.log(np.append(np.full(len(names), 1.0 / len(names)), 0.1))
    bounds = np.log([*[WEIGHT] * len(names), NOISE])
    options = {"maxiter": STEPS}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    _, inverted = inverse(found.x)
    precisions = np.diagonal(inverted)
    values = np.exp(found.x)
    weights = dict(zip(names, values[:-1].tolist(), strict=True))
    least = 2 * WEIGHT[0]
    kept = {name: weight for name, weight in weights.items() if weight > least} or weights
    residuals = inverted @ targets / precisions
    return Weighed(replace(unit, weights=kept), float(values[-1]), residuals, precisions**-0.5)


def choose(compared: Sequence[Weighed]) -> Weighed:
    """The first, which is the cheapest, unless one is better by more than a standard error."""
    best = max(compared, key=lambda weighed: weighed.log_likelihood)
    gain = best.log_densities - compared[0].log_densities
    return best if gain.mean() > gain.std() / np.sqrt(len(gain)) else compared[0]


class CountsGP:
    """A Gaussian process of scores given `Inputs`, exact up to 2,000 points, sparse beyond.

    Its kernel is a sum of MinMax kernels; a Matern kernel of codes is added where the leave-one-out
    likelihood of at most 600 points is greater by more than a standard error, and it is the only
    one where nothing is counted.  Beyond 2,000 points the best and random ones are inducing points,
    and the posterior is that of the collapsed bound (Titsias 2009).

    It learns mapped scores (`ScoreMap`): `predict`, `sample` and `incumbent` are on that scale,
    `predict_y` is on that of the scores.  Variances are scaled so that 90 % of the better half of
    the scores lie in the 90 % intervals of their predictions from all others.
    """

    def fit(
        self, points: Inputs, scores: Array, *, seed: int, progress: Progress | None = None
    ) -> CountsGP:
        """Fit to N points and scores [N], lower is better.

        Raises
        ------
        UserError: fewer than 2 points, or scores that are not finite.
        """
        scores = np.asarray(scores, np.float64)
        if len(points) < 2 or len(points) != len(scores) or not np.isfinite(scores).all():
            raise UserError("The surrogate needs at least 2 strings with finite scores.")
        rng = np.random.default_rng(seed)
        self.map = ScoreMap.of(scores)
        targets = self.map.forward(scores)
        self.incumbent = float(targets.min())
        rows = best_and_others(scores, WEIGHED, rng)
        few, names = points[rows], list(points.parts)
        self.tried = [names] if names else []
        if points.codes is not None:
            self.tried.append([*names, CODES])
        self.compared = [weigh(kernels, few, targets[rows]) for kernels in self.tried]
        self.chosen = choose(self.compared)
        best = np.argsort(scores[rows], kind="stable")[: max(len(rows) // 2, 1)]
        errors = np.abs(self.chosen.residuals / self.chosen.deviations)[best]
        self.calibration = max(float(np.quantile(errors, 0.9) / norm.ppf(0.95)), 0.1)
        self.scale = self.calibration**2
        n = len(scores)
        inducing = np.arange(n) if n <= EXACT else best_and_others(scores, INDUCING, rng)
        self._condition(points, targets, inducing)
        return self

    @property
    def reads(self) -> set[str]:
        """Names of the counts that the kernel reads, and `CODES` if it reads codes."""
        return self.chosen.kernel.reads

    @property
    def noise_variance(self) -> float:
        """Noise variance on the scale of the map."""
        return self.chosen.noise * self.scale

    def about(self) -> dict[str, Any]:
        """What a report says: weights, noise, leave-one-out likelihood with and without codes."""
        return {
            "kernel": dict(self.chosen.kernel.weights),
            "noise": self.chosen.noise,
            "held_out_log_likelihood": {
                ", ".join(names): weighed.log_likelihood
                for names, weighed in zip(self.tried, self.compared, strict=True)
            },
            "calibration": self.calibration,
        }

    def _condition(self, points: Inputs, targets: Array, inducing: NDArray[np.int64]) -> None:
        """The posterior of u, the process at the inducing points, given all targets."""
        kernel, noise = self.chosen.kernel, self.chosen.noise
        self._at = points[inducing]
        prior = kernel(self._at, self._at)
        prior[np.diag_indices_from(prior)] += JITTER
        self._root = cholesky(prior, lower=True, overwrite_a=True, check_finite=False)
        inner, right = np.eye(len(inducing)), np.zeros(len(inducing))
        for start in range(0, len(points), CHUNK):
            part = np.arange(start, min(start + CHUNK, len(points)))
            white = self._white(points[part])
            inner += white @ white.T / noise
            right += white @ targets[part] / noise
        self._inner = cholesky(inner, lower=True, overwrite_a=True, check_finite=False)
        self._weights = cho_solve((self._inner, True), right, check_finite=False)

    def _white(self, points: Inputs) -> Array:
        """L^-1 k(u, x), [M, N], where L L' = k(u, u)."""
        cross = self.chosen.kernel(self._at, points)
        return solve_triangular(self._root, cross, lower=True, overwrite_b=True, check_finite=False)

    def predict(self, points: Inputs) -> tuple[Array, Array]:
        """Mean [N] and variance [N] of the process on the scale of the map, without noise."""
        mean, variance = np.empty((2, len(points)))
        for start in range(0, len(points), CHUNK):
            rows = np.arange(start, min(start + CHUNK, len(points)))
            white = self._white(points[rows])
            left = solve_triangular(self._inner, white, lower=True, check_finite=False)
            mean[rows] = self._weights @ white
            variance[rows] = (left**2).sum(axis=0) - (white**2).sum(axis=0)
        variance = np.maximum(self.chosen.kernel.variance + variance, 1e-9)
        return mean, self.scale * variance

    def predict_y(self, points: Inputs) -> tuple[Array, Array]:
        """Mean [N] and variance [N] of observations, on the scale of the scores."""
        mean, variance = self.predict(points)
        return self.map.moments(mean, variance + self.noise_variance)

    def score(self, points: Inputs, scores: Array) -> tuple[float, float]:
        """Test RMSE, and mean log likelihood per point in nats, noise included."""
        return gaussian_score(*self.predict_y(points), scores)

    def sample(self, points: Inputs, n_samples: int, rng: np.random.Generator) -> Array:
        """Joint samples [S, N] of the process."""
        white = self._white(points)
        left = solve_triangular(self._inner, white, lower=True, check_finite=False)
        covariance = self.chosen.kernel(points, points) - white.T @ white + left.T @ left
        covariance[np.diag_indices_from(covariance)] += JITTER * self.chosen.kernel.variance
        root = cholesky(covariance, lower=True, overwrite_a=True, check_finite=False)
        noise = rng.standard_normal((n_samples, len(points)))
        return np.asarray(self._weights @ white + self.calibration * noise @ root.T)


def best_and_others(scores: Array, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """At most n rows: half of them those with the best (lowest) scores, the others at random."""
    if len(scores) <= n:
        return np.arange(len(scores))
    order = np.argsort(scores, kind="stable")
    others = rng.choice(order[n // 2 :], n - n // 2, replace=False)
    return np.sort(np.concatenate([order[: n // 2], others]))
