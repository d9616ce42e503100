"""Acquisition functions of (mean, variance), for minimisation, and batches by kriging believer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import erfcx, log_ndtr, ndtr

Array = NDArray[np.float64]
LOG_ROOT_2PI = 0.5 * np.log(2 * np.pi)


class Posterior(Protocol):
    """What batches ask of a Gaussian process: moments and covariances of f."""

    def predict(self, codes: Array) -> tuple[Array, Array]:
        """Mean [N] and variance [N] at codes [N, D]."""
        ...

    def covariance_with(self, codes: Array) -> Callable[[Array], Array]:
        """other [m, D] -> covariance [n, m] with codes [n, D]."""
        ...


class SmoothPosterior(Protocol):
    """What gradients ask of it."""

    def believing(
        self, pending: Array | None = None, noise: float = 0.0
    ) -> Callable[[Array], tuple[float, float, Array, Array]]:
        """code [D] -> mean, variance and their gradients [D], given pending codes [P, D]."""
        ...


def log_h(u: Array) -> Array:
    """log h(u), h = phi(u) + u Phi(u) the standardised expected improvement; no underflow.

    Below -1 it is phi(u) (1 - |u| r) with the Mills ratio r = sqrt(pi/2) erfcx(|u| / sqrt 2); below
    -100, where 1 - |u| r cancels, its asymptotic series (Ament et al. 2023, appendix A).
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


def log_ei_gradient(
    mean: float, variance: float, mean_gradient: Array, variance_gradient: Array, incumbent: float
) -> tuple[float, Array]:
    """log EI and its gradient [D], from mean, variance > 0 and their gradients [D].

    d log EI = (-r dmean + (1 - r u) dsd) / sd with r = Phi(u) / h(u): both are tiny in the tail,
    but their logarithms are not.
    """
    sd = np.sqrt(variance)
    u = (incumbent - mean) / sd
    value = log_h(u)
    ratio = np.exp(log_ndtr(u) - value)
    # 1 - r u = phi / h, which does not cancel.
    density = np.exp(-0.5 * u * u - LOG_ROOT_2PI - value)
    gradient = -ratio * mean_gradient + density * variance_gradient / (2 * sd)
    return float(np.log(sd) + value), gradient / sd


class KrigingBeliever:
    """Variances of candidates [n, D] while a batch is being picked.

    Believing that pending points P score their predicted means leaves the mean unchanged and turns
    the variance into c(x,x) - c(x,P) [c(P,P) + tau I]^-1 c(P,x), c the posterior covariance.  Each
    pick costs one covariance column and one Cholesky row (Ginsbourger et al. 2010).
    """

    def __init__(self, gp: Posterior, candidates: Array, noise: float = 0.0) -> None:
        self._candidates = np.asarray(candidates, np.float64)
        self._covariance = gp.covariance_with(self._candidates)
        self._noise = noise
        _, self.variance = gp.predict(self._candidates)
        self._floor = 1e-10 * float(self.variance.max(initial=1e-300))
        self._rows: list[Array] = []

    def add(self, index: int) -> None:
        """Condition the variance on candidate `index` being evaluated; tau is `noise`."""
        column = self._covariance(self._candidates[[index]])[:, 0]
        for row in self._rows:
            column = column - row * row[index]
        row = column / np.sqrt(max(column[index] + self._noise, self._floor))
        self._rows.append(row)
        self.variance = np.maximum(self.variance - row * row, 0.0)


def maximise_log_ei(
    gp: SmoothPosterior,
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
    [S, D] and their log EI [S]; none is worse than its start, clipped to the box.
    """
    lower, upper = (np.asarray(bound, np.float64) for bound in box)
    width = np.where(upper > lower, upper - lower, 1.0)
    moments = gp.believing(pending, noise)

    def loss(unit: Array) -> tuple[float, Array]:
        value, gradient = log_ei_gradient(*moments(lower + width * unit), incumbent)
        return -value, -gradient * width

    bounds = np.column_stack([np.zeros_like(lower), (upper - lower) / width])
    codes, values = [], []
    for start in np.atleast_2d(starts):
        unit = np.clip((start - lower) / width, bounds[:, 0], bounds[:, 1])
        options = {"maxiter": iterations}
        found = minimize(loss, unit, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
        codes.append(np.clip(lower + width * found.x, lower, upper))
        values.append(-float(found.fun))
    return np.array(codes), np.array(values)
