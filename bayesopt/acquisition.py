"""Acquisition functions of (mean, variance), for minimisation, and the batches built on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcx, log_ndtr, ndtr

if TYPE_CHECKING:
    import tensorflow as tf

Array = NDArray[np.float64]
LOG_ROOT_2PI = 0.5 * np.log(2 * np.pi)


class Posterior(Protocol):
    """What the batch rules ask of a Gaussian process: moments and covariances of f, raw units."""

    def predict(self, codes: Array) -> tuple[Array, Array]:
        """Mean [N] and variance [N]."""
        ...

    def covariance(self, codes: Array, other: Array) -> Array:
        """Covariance [n, m]."""
        ...


class DifferentiablePosterior(Posterior, Protocol):
    """The same on tensors, for gradients in the codes."""

    def moments(self, codes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Mean [n] and variance [n]."""
        ...

    def cross_covariance(self, codes: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
        """Covariance [n, m]."""
        ...


def log_h(u: Array) -> Array:
    """log(phi(u) + u Phi(u)), the log of standardised expected improvement; exact for u down to -1e150.

    Below -1 the sum is written phi(u) (1 - |u| r), r = sqrt(pi/2) erfcx(|u|/sqrt 2) the Mills ratio;
    below -100, where 1 - |u| r cancels, by its asymptotic series (Ament et al. 2023, appendix A).
    """
    u = np.asarray(u, np.float64)
    direct = np.maximum(u, -1.0)
    near = np.clip(u, -100.0, -1.0)
    far = np.minimum(u, -100.0)
    log_phi = -0.5 * u * u - LOG_ROOT_2PI
    with np.errstate(divide="ignore"):
        head = np.log(np.exp(-0.5 * direct**2 - LOG_ROOT_2PI) + direct * ndtr(direct))
    middle = np.log1p(near * np.sqrt(np.pi / 2) * erfcx(-near / np.sqrt(2)))
    s = far**-2.0
    tail = -2 * np.log(-far) + np.log1p(s * (-3 + s * (15 - 105 * s)))
    return np.where(u > -1, head, log_phi + np.where(u > -100, middle, tail))


def log_expected_improvement(mean: Array, variance: Array, incumbent: float) -> Array:
    """log E[max(incumbent - f, 0)] for f ~ N(mean, variance), elementwise.

    With variance 0 it is log(max(incumbent - mean, 0)), that is -inf where nothing improves.
    """
    mean, variance = np.broadcast_arrays(
        np.asarray(mean, np.float64), np.asarray(variance, np.float64)
    )
    gain = incumbent - mean
    sd = np.sqrt(np.maximum(variance, 0.0))
    certain = sd == 0
    safe = np.where(certain, 1.0, sd)
    with np.errstate(divide="ignore"):
        known = np.log(np.maximum(gain, 0.0))
    return np.where(certain, known, np.log(safe) + log_h(gain / safe))


def expected_improvement(mean: Array, variance: Array, incumbent: float) -> Array:
    """E[max(incumbent - f, 0)] for f ~ N(mean, variance), elementwise."""
    return np.exp(log_expected_improvement(mean, variance, incumbent))


def lower_confidence_bound(mean: Array, variance: Array, beta: float) -> Array:
    """mean - sqrt(beta * variance), elementwise; lower is more promising."""
    return np.asarray(mean) - np.sqrt(beta * np.maximum(variance, 0.0))


class KrigingBeliever:
    """Variances of candidates [n, D] while a batch is being picked.

    Believing that a pending point will score its predicted mean leaves the mean unchanged and turns the
    variance into c(x,x) - c(x,P) [c(P,P) + tau I]^-1 c(P,x), c the posterior covariance.  Each pick
    costs one covariance column and one Cholesky row (Ginsbourger et al. 2010).
    """

    def __init__(self, gp: Posterior, candidates: Array, noise: float = 0.0) -> None:
        self._gp, self._candidates = gp, np.asarray(candidates, np.float64)
        self._noise = noise
        _, self.variance = gp.predict(self._candidates)
        self._floor = 1e-10 * float(self.variance.max(initial=1e-300))
        self._rows: list[Array] = []

    def add(self, index: int) -> None:
        """Condition the variance on candidate `index` being evaluated; tau is `noise`."""
        column = self._gp.covariance(self._candidates, self._candidates[[index]])[:, 0]
        for row in self._rows:
            column = column - row * row[index]
        row = column / np.sqrt(max(column[index] + self._noise, self._floor))
        self._rows.append(row)
        self.variance = np.maximum(self.variance - row * row, 0.0)


def tensor_log_expected_improvement(
    mean: tf.Tensor, variance: tf.Tensor, incumbent: float
) -> tf.Tensor:
    """`log_expected_improvement` on float64 tensors, with stable gradients; variance must be positive."""
    import tensorflow as tf

    @tf.custom_gradient
    def log_h_tensor(u: tf.Tensor) -> tuple[tf.Tensor, Any]:
        value = tf.numpy_function(log_h, [u], tf.float64)
        value.set_shape(u.shape)
        # d log h / du = Phi / h; both are tiny in the tail, their logs are not.
        slope = tf.numpy_function(lambda t: np.exp(log_ndtr(t) - log_h(t)), [u], tf.float64)
        slope.set_shape(u.shape)
        return value, lambda upstream: upstream * slope

    sd = tf.sqrt(variance)
    return tf.math.log(sd) + log_h_tensor((incumbent - mean) / sd)


def maximise_log_ei(
    gp: DifferentiablePosterior,
    starts: Array,
    box: tuple[Array, Array],
    incumbent: float,
    *,
    pending: Array | None = None,
    noise: float = 0.0,
    iterations: int = 50,
) -> tuple[Array, Array]:
    """Refine starts [S, D] by L-BFGS-B on log EI inside box (lower [D], upper [D]).

    `pending` [P, D] conditions the variance as `KrigingBeliever` does.  Returns the refined codes
    [S, D] and their log EI [S]; no result is worse than its start.
    """
    import tensorflow as tf
    from scipy.optimize import minimize

    lower, upper = (np.asarray(b, np.float64) for b in box)
    width = np.where(upper > lower, upper - lower, 1.0)
    objective = _log_ei_objective(gp, incumbent, pending, noise)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float64)])
    def value_and_gradient(unit: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(unit)
            loss = -objective((lower + width * unit)[None])[0]
        return loss, tape.gradient(loss, unit)

    def loss(unit: Array) -> tuple[float, Array]:
        value, gradient = value_and_gradient(tf.constant(unit))
        return float(value), np.asarray(gradient)

    bounds = list(zip(np.zeros_like(lower), (upper - lower) / width, strict=True))
    codes, values = [], []
    for start in np.atleast_2d(starts):
        unit = np.clip((np.asarray(start, np.float64) - lower) / width, 0, 1)
        found = minimize(
            loss, unit, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": iterations}
        )
        codes.append(lower + width * found.x)
        values.append(-found.fun)
    return np.array(codes), np.array(values)


def _log_ei_objective(
    gp: DifferentiablePosterior, incumbent: float, pending: Array | None, noise: float
) -> Any:
    """Tensor function codes [n, D] -> log EI [n], its variance conditioned on the pending codes."""
    import tensorflow as tf

    if pending is None or len(pending) == 0:
        return lambda codes: tensor_log_expected_improvement(*gp.moments(codes), incumbent)
    points = tf.constant(pending, tf.float64)
    covariance = gp.covariance(np.asarray(pending), np.asarray(pending))
    tau = max(noise, 1e-8 * float(np.mean(np.diag(covariance))))
    root = tf.constant(np.linalg.cholesky(covariance + tau * np.eye(len(covariance))))

    def objective(codes: tf.Tensor) -> tf.Tensor:
        mean, variance = gp.moments(codes)
        cross = gp.cross_covariance(points, codes)
        known = tf.reduce_sum(tf.linalg.triangular_solve(root, cross, lower=True) ** 2, 0)
        floor = 1e-10 * variance
        return tensor_log_expected_improvement(mean, tf.maximum(variance - known, floor), incumbent)

    return objective
