"""A sparse Gaussian process that conditions each prediction on the nearest training points.

The nearest-neighbour (Vecchia) approximation: p(f(x) | y) = p(f(x) | y of the K nearest codes)
(Datta et al. 2016; Wu et al. 2022).  Inducing points summarise all data at a few hundred places;
with many data and a function that is rough in the latent space, as properties of molecules are,
what stands next to a code says more.  Codes and scores are standardised inside; double precision.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.neighbors import NearestNeighbors

from bayesopt.surrogates.base import Surrogate, SurrogateConfig, checked
from bayesopt.surrogates.engine import gpflow
from bayesopt.surrogates.inducing import Scaler
from bayesopt.surrogates.sparse_gp import KERNELS
from gmae_tf.errors import UserError

Array = NDArray[np.float64]
CHUNK = 256
"""Codes whose neighbourhoods are solved at once: 256 x 200 x 200 doubles are 82 MB."""
TUNED_ON = 600
"""Training points whose predictions from their neighbours choose the hyper-parameters."""


class NearestGP(Surrogate):
    """Gaussian process f: R^D -> R with Gaussian noise, by K neighbours; as `SparseGP` to use.

    Neighbourhoods differ, so that samples have no joint covariance.

    One lengthscale for all dimensions, the kernel's variance and the noise's are found by maximum
    leave-one-out likelihood of `TUNED_ON` points given their neighbours.
    """

    def __init__(self, config: SurrogateConfig | None = None) -> None:
        self.config = config or SurrogateConfig()
        self._shape = KERNELS[self.config.kernel]()  # of unit variance and lengthscale

    def fit(self, codes: Array, scores: Array, *, seed: int, progress: Any = None) -> NearestGP:
        """Fit to codes [N, D] and scores [N]; UserError for wrong shapes or values."""
        codes, scores = checked(codes, scores)
        self._x_scaler, self._y_scaler = Scaler.of(codes), Scaler.of(scores)
        self.attach(codes, scores)
        self._parameters = self._tuned(seed)
        return self

    def update(self, codes: Array, scores: Array, *, seed: int = 0) -> NearestGP:
        """Take all data so far; hyper-parameters and scaling stay."""
        return self.attach(*checked(codes, scores))

    def attach(self, codes: Array, scores: Array) -> NearestGP:
        """The data on which predictions are conditioned; also needed after `set_state`."""
        self._x, self._y = self._x_scaler.forward(codes), self._y_scaler.forward(scores)
        # Single precision finds the same neighbours twice as fast.
        self._index = NearestNeighbors(algorithm="brute").fit(self._x.astype(np.float32))
        return self

    def _neighbours(self, x: Array, count: int) -> NDArray[np.int64]:
        count = min(count, len(self._x))
        return self._index.kneighbors(x.astype(np.float32), count, return_distance=False)

    def _tuned(self, seed: int) -> Array:
        """Logarithms of lengthscale, kernel variance and noise variance [3]."""
        rng = np.random.default_rng(seed)
        rows = rng.choice(len(self._x), min(TUNED_ON, len(self._x)), replace=False)
        near = self._neighbours(self._x[rows], self.config.neighbours + 1)
        # Itself is not a neighbour, wherever ties have put it.
        near = np.stack(
            [n[n != row][: near.shape[1] - 1] for n, row in zip(near, rows, strict=True)]
        )
        data = [tf.constant(part) for part in (self._x[rows], self._x[near], self._y[near])]
        truth = tf.constant(self._y[rows])
        floor = np.log(self.config.noise_floor)

        @tf.function(autograph=False)
        def loss(parameters: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            with tf.GradientTape() as tape:
                tape.watch(parameters)
                mean, variance = self._conditional(parameters, *data)
                variance += tf.exp(parameters[2])
                value = 0.5 * tf.reduce_mean(tf.math.log(variance) + (truth - mean) ** 2 / variance)
            return value, tape.gradient(value, parameters)

        def evaluated(parameters: Array) -> tuple[float, Array]:
            value, slope = loss(tf.constant(parameters))
            return float(value), slope.numpy()

        start = np.array([0.5 * np.log(2 * self._x.shape[1]), 0.0, np.log(0.3)])
        bounds = [(-3.0, 6.0), (-6.0, 4.0), (floor, 2.0)]
        steps = {"maxiter": self.config.iterations}
        found = minimize(evaluated, start, jac=True, bounds=bounds, options=steps)
        return np.asarray(found.x, np.float64)

    def _conditional(
        self, parameters: tf.Tensor, x: tf.Tensor, near: tf.Tensor, y: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Mean [n], variance [n] of f at x [n, D] given y [n, K] at near [n, K, D]."""
        scale, variance, noise = tf.unstack(tf.exp(parameters))
        points = tf.concat([near, x[:, None, :]], axis=1) / scale
        squared = tf.reduce_sum(points**2, axis=-1)
        inner = tf.linalg.matmul(points, points, transpose_b=True)
        distance = squared[:, :, None] + squared[:, None, :] - 2 * inner
        covariance = variance * self._shape.K_r2(tf.maximum(distance, 0.0))
        count = tf.shape(near)[1]
        jitter = (noise + gpflow.default_jitter()) * tf.eye(count, dtype=tf.float64)
        root = tf.linalg.cholesky(covariance[:, :-1, :-1] + jitter)
        both = tf.stack([covariance[:, :-1, -1], y], axis=-1)
        solved = tf.linalg.triangular_solve(root, both, lower=True)
        mean = tf.reduce_sum(solved[..., 0] * solved[..., 1], axis=-1)
        left = variance - tf.reduce_sum(solved[..., 0] ** 2, axis=-1)
        return mean, tf.maximum(left, 1e-12)

    # Prediction

    @property
    def noise_variance(self) -> float:
        """Noise variance in raw target units squared."""
        return float(np.exp(self._parameters[2])) * self._unit**2

    @property
    def _unit(self) -> float:
        return float(self._y_scaler.scale[0])

    def predict(self, codes: Array) -> tuple[Array, Array]:
        """Mean [N] and variance [N] of the latent f at codes [N, D], raw units, without noise."""
        x = self._x_scaler.forward(np.asarray(codes, np.float64))
        mean, variance = np.empty(len(x)), np.empty(len(x))
        parameters = tf.constant(self._parameters)
        near = self._neighbours(x, self.config.neighbours) if len(x) else np.empty((0, 1), int)
        for start in range(0, len(x), CHUNK):
            part = slice(start, start + CHUNK)
            rows = near[part]
            found = self._conditional(parameters, x[part], self._x[rows], self._y[rows])
            mean[part], variance[part] = (values.numpy() for values in found)
        return mean * self._unit + self._y_scaler.mean[0], variance * self._unit**2

    # State

    def get_state(self) -> dict[str, Array]:
        """Float64 arrays that `set_state` restores; the data are not among them."""
        return {
            "parameters": self._parameters,
            "x_mean": self._x_scaler.mean,
            "x_scale": self._x_scaler.scale,
            "y_mean": self._y_scaler.mean,
            "y_scale": self._y_scaler.scale,
        }

    def set_state(self, state: Mapping[str, Array]) -> NearestGP:
        """Restore what `get_state` gave; `attach` the data before a prediction."""
        try:
            self._parameters = np.asarray(state["parameters"], np.float64).reshape(3)
            self._x_scaler = Scaler(state["x_mean"], state["x_scale"])
            self._y_scaler = Scaler(state["y_mean"], state["y_scale"])
        except (KeyError, ValueError) as error:
            raise UserError(
                "The stored Gaussian process does not fit this configuration; use the settings of "
                "the run that wrote it, or start a new run."
            ) from error
        return self
