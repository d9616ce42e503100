"""A Gaussian process by GPflow on counts of parts of strings, and on their codes where that helps.

The kernel of counts is MinMax, the Tanimoto similarity of counts: the sum of the lesser counts over
the sum of the greater ones (Ralaivola et al. 2005; Tripp & Hernandez-Lobato 2023 for searches).
Where parts are counted in several ways, the kernel is a sum of one for each, and the marginal
likelihood weighs them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky
from scipy.optimize import minimize
from scipy.sparse import csr_array
from scipy.spatial.distance import pdist
from scipy.stats import norm

from bayesopt.inputs import CODES, Inputs
from bayesopt.surrogates.base import Progress, gaussian_score
from bayesopt.surrogates.engine import gpflow
from bayesopt.surrogates.posterior import covariance_root
from bayesopt.surrogates.score_map import ScoreMap
from gmae_tf.errors import UserError

Array = NDArray[np.float64]
EXACT, INDUCING = 3_000, 1_000
"""Up to so many points the process is exact; beyond, it is sparse with so many inducing points."""
WEIGHED = 600
"""Points, at most, by which kernels are weighed."""
BOUNDS = (1e-3, 10.0)
"""Bounds of weights and of the noise variance, in units of the scores' variance."""
STEPS = 30
"""L-BFGS steps."""
DENSE = 4_096
"""Up to so many columns a dense product is faster than a sparse one."""
CHUNK = 2_000


class MinMax(gpflow.kernels.Kernel):
    """The MinMax kernel of a count, by name; X [N, 1] are row numbers of known points.

    Those from the number of known points on are rows of others, see `look_up`.
    """

    def __init__(self, count: str, known: Inputs, variance: float = 1.0) -> None:
        super().__init__(active_dims=[0])
        self.variance, self.count, self._known = variance, count, known.parts[count]
        self.look_up(known)

    def look_up(self, others: Inputs) -> None:
        """Take other points, until the next ones."""
        self._others = others.parts[self.count]

    def K(self, X: tf.Tensor, X2: tf.Tensor | None = None) -> tf.Tensor:
        """Covariances [N, N2]."""
        rows = self._rows(X)
        others = rows if X2 is None else self._rows(X2)
        return tf.constant(self.variance * minmax(rows, others))

    def K_diag(self, X: tf.Tensor) -> tf.Tensor:
        """The variance, [N]."""
        return tf.fill(tf.shape(X)[:-1], tf.constant(self.variance, tf.float64))

    def _rows(self, x: tf.Tensor) -> csr_array:
        rows, n = np.asarray(x)[:, 0].astype(np.int64), self._known.shape[0]
        return self._known[rows] if (rows < n).all() else self._others[rows - n]


def minmax(one: csr_array, other: csr_array) -> Array:
    """MinMax kernel of binary matrices [N, F], [M, G] of `Inputs` -> [N, M]; the lesser of F, G."""
    width = min(one.shape[1], other.shape[1])
    a, b = one[:, :width], other[:, :width]
    common = a.toarray() @ b.toarray().T if width <= DENSE else (a @ b.T).toarray()
    first, second = one.sum(axis=1)[:, None], other.sum(axis=1)[None]
    return np.asarray(common / np.maximum(first + second - common, 1.0), np.float64)


class CountsKernel(gpflow.kernels.Sum):
    """The sum of a MinMax kernel of each count and a Matern 5/2 kernel of codes, weighed by name.

    The one of codes, of the given lengthscale, is multiplied by that of the first count: codes
    refine what counts say and do not replace it, for the encoder knows nothing of strings unlike
    its training data.  `x` [N, 1 + D] are the known points.
    """

    def __init__(self, points: Inputs, weights: Mapping[str, float], length: float) -> None:
        weighed: dict[str, Any] = {
            n: MinMax(n, points, w) for n, w in weights.items() if n != CODES
        }
        terms = [*weighed.values()]
        if CODES in weights:
            codes = gpflow.kernels.Matern52(weights[CODES], length, active_dims=slice(1, None))
            beside = [MinMax(name, points) for name in [*points.parts][:1]]
            weighed[CODES], terms = codes, [*terms, gpflow.kernels.Product([codes, *beside])]
        super().__init__(terms)
        self.weighed = weighed
        self.x = self._numbered(points, 0)
        self._minmax = [k for k in self.submodules if isinstance(k, MinMax)]

    @property
    def reads(self) -> set[str]:
        """Names of the counts that are read, and `CODES` if codes are."""
        return {*self.weighed, *(kernel.count for kernel in self._minmax)}

    def look_up(self, points: Inputs) -> Array:
        """X [M, 1 + D] of other points, which holds until the next ones."""
        for kernel in self._minmax:
            kernel.look_up(points)
        return self._numbered(points, len(self.x))

    def _numbered(self, points: Inputs, first: int) -> Array:
        numbers = first + np.arange(len(points), dtype=np.float64)[:, None]
        if CODES not in self.weighed or points.codes is None:
            return numbers
        return np.hstack([numbers, points.codes])


class MeasuredNoise(gpflow.functions.Function):
    """The noise variance of known points: one for all, plus `measured` [N] of each."""

    def __init__(self, variance: float, measured: Array) -> None:
        super().__init__()
        self.variance, self._measured = gpflow.Parameter(variance), measured

    def __call__(self, X: tf.Tensor) -> tf.Tensor:
        """Row numbers [M, 1 + D] -> variances [M, 1]."""
        rows = tf.cast(X[:, :1], tf.int64)
        return self.variance + tf.gather(tf.constant(self._measured, X.dtype), rows)


def likelihood_of(variance: float, measured: Array | None) -> gpflow.likelihoods.Gaussian:
    """A Gaussian likelihood with one noise variance, or with known ones besides."""
    noise = variance if measured is None else MeasuredNoise(variance, measured)
    return gpflow.likelihoods.Gaussian(variance=noise)


@dataclass(frozen=True)
class Weighed:
    """Weights of kernels by name and a noise variance, for standardised targets [N].

    `length` is the lengthscale of codes; `residuals` and `deviations` [N] are the errors and the
    standard deviations of the prediction of each target from all others (Rasmussen & Williams 2006,
    5.4.2).
    """

    weights: Mapping[str, float]
    length: float
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


def weigh(
    names: Sequence[str], points: Inputs, targets: Array, measured: Array | None = None
) -> Weighed:
    """Weights of kernels and the noise by the marginal likelihood of standardised targets [N].

    `measured` [N] are known noise variances of the targets, beside the one that is found.
    """
    length = 1.0
    if CODES in names:
        distances = pdist(points.codes)
        length = float(np.median(distances[distances > 0])) if distances.any() else 1.0
    kernel = CountsKernel(points, dict.fromkeys(names, 1.0), length)
    identity = np.eye(len(targets))
    parts = [*(part(kernel.x).numpy() for part in kernel.kernels), identity]
    known = np.diag(np.zeros(len(targets)) if measured is None else measured)

    def inverse(weights: Array) -> tuple[Array, Array]:
        covariance = known + sum(w * part for w, part in zip(weights, parts, strict=True))
        root = cholesky(covariance, lower=True, check_finite=False)
        return root, cho_solve((root, True), identity, check_finite=False)

    def loss(weights: Array) -> tuple[float, Array]:
        """The negative log marginal likelihood without its constant, and its gradient."""
        root, inverted = inverse(weights)
        solved = inverted @ targets
        slopes = [np.sum(inverted * part) - solved @ part @ solved for part in parts]
        value = 0.5 * targets @ solved + np.log(np.diagonal(root)).sum()
        return float(value), 0.5 * np.array(slopes)

    start = [1.0 / len(names)] * len(names) + [0.1]
    bounds = [BOUNDS] * len(parts)
    best = minimize(loss, start, jac=True, bounds=bounds, options={"maxiter": STEPS}).x
    inverted = inverse(best)[1]
    precisions = np.diagonal(inverted)
    found = dict(zip(kernel.weighed, best[:-1].tolist(), strict=True))
    weights = {name: w for name, w in found.items() if w > 2 * BOUNDS[0]} or found
    residuals = inverted @ targets / precisions
    return Weighed(weights, length, float(best[-1]), residuals, precisions**-0.5)


def choose(compared: Sequence[Weighed]) -> Weighed:
    """The first, which is the cheapest, unless one is better by more than a standard error."""
    best = max(compared, key=lambda weighed: weighed.log_likelihood)
    gain = best.log_densities - compared[0].log_densities
    return best if gain.mean() > gain.std() / np.sqrt(len(gain)) else compared[0]


class CountsGP:
    """A Gaussian process of scores given `Inputs`, exact up to 3,000 points, sparse beyond.

    Its kernel is a sum of MinMax kernels; a Matern kernel of codes is added where the leave-one-out
    likelihood of at most 600 points is greater by more than a standard error, and it is the only
    one where nothing is counted.  Beyond 3,000 points the best and random ones are inducing points,
    and the posterior is that of the collapsed bound (Titsias 2009).

    Where the noise of measurements is known (`Inputs.noise`), it adds to the one that is found.

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
        measured = None if points.noise is None else self._measured(scores, points.noise)
        known = None if measured is None else measured[rows]
        self.compared = [weigh(kernels, few, targets[rows], known) for kernels in self.tried]
        self.chosen = choose(self.compared)
        best = np.argsort(scores[rows], kind="stable")[: max(len(rows) // 2, 1)]
        errors = np.abs(self.chosen.residuals / self.chosen.deviations)[best]
        self.calibration = max(float(np.quantile(errors, 0.9) / norm.ppf(0.95)), 0.1)
        self.scale = self.calibration**2
        self._kernel = CountsKernel(points, self.chosen.weights, self.chosen.length)
        x, y = self._kernel.x, targets[:, None]
        likelihood = likelihood_of(self.chosen.noise, measured)
        if len(x) <= EXACT:
            model = gpflow.models.GPR((x, y), self._kernel, likelihood=likelihood)
        else:
            inducing = x[best_and_others(scores, INDUCING, rng)]
            model = gpflow.models.SGPR((x, y), self._kernel, inducing, likelihood=likelihood)
        self._posterior = model.posterior()
        return self

    def _measured(self, scores: Array, noise: Array) -> Array:
        """Noise variances [N] on the scale of the map, by its slope around each score."""
        above, below = self.map.forward(scores + noise), self.map.forward(scores - noise)
        return np.asarray(np.square((above - below) / 2))

    @property
    def reads(self) -> set[str]:
        """Names of the counts that the kernel reads, and `CODES` if it reads codes."""
        return self._kernel.reads

    @property
    def noise_variance(self) -> float:
        """Noise variance on the scale of the map."""
        return self.chosen.noise * self.scale

    def about(self) -> dict[str, Any]:
        """What a report says: weights, noise, leave-one-out likelihood with and without codes."""
        return {
            "kernel": dict(self.chosen.weights),
            "noise": self.chosen.noise,
            "held_out_log_likelihood": {
                ", ".join(names): weighed.log_likelihood
                for names, weighed in zip(self.tried, self.compared, strict=True)
            },
            "calibration": self.calibration,
        }

    def predict(self, points: Inputs) -> tuple[Array, Array]:
        """Mean [N] and variance [N] of the process on the scale of the map, without noise."""
        x, moments = self._kernel.look_up(points), np.empty((2, len(points)))
        for start in range(0, len(x), CHUNK):
            part = self._posterior.predict_f(x[start : start + CHUNK])
            moments[:, start : start + CHUNK] = [m.numpy()[:, 0] for m in part]
        return moments[0], self.scale * np.maximum(moments[1], 1e-9)

    def predict_y(self, points: Inputs) -> tuple[Array, Array]:
        """Mean [N] and variance [N] of observations, on the scale of the scores."""
        mean, variance = self.predict(points)
        return self.map.moments(mean, variance + self.noise_variance)

    def score(self, points: Inputs, scores: Array) -> tuple[float, float]:
        """Test RMSE, and mean log likelihood per point in nats, noise included."""
        return gaussian_score(*self.predict_y(points), scores)

    def sample(self, points: Inputs, n_samples: int, rng: np.random.Generator) -> Array:
        """Joint samples [S, N] of the process."""
        mean, covariance = self._posterior.predict_f(self._kernel.look_up(points), full_cov=True)
        root = self.calibration * covariance_root(covariance.numpy()[0], smallest=1e-6)
        return mean.numpy()[:, 0] + rng.standard_normal((n_samples, len(points))) @ root.T


def best_and_others(scores: Array, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """At most n rows: half of them those with the best (lowest) scores, the others at random."""
    if len(scores) <= n:
        return np.arange(len(scores))
    order = np.argsort(scores, kind="stable")
    others = rng.choice(order[n // 2 :], n - n // 2, replace=False)
    return np.sort(np.concatenate([order[: n // 2], others]))
