"""The surrogate of the search: a sparse Gaussian process from latent codes to scores.

Codes and scores are standardised inside; every number that goes in or comes out is in raw units.
Kernels, bounds and optimisers are GPflow's; double precision throughout.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import gpflow
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from bayesopt.fitting import JITTERS, Progress, minimise_collapsed, minimise_stochastic
from bayesopt.inducing import Scaler, kmeans_inducing_points, median_lengthscales
from bayesopt.posterior import (
    CHUNK,
    WhitenedPosterior,
    collapsed_posterior,
    inducing_cholesky,
)
from gmae_tf.errors import UserError

Array = NDArray[np.float64]
KERNELS = {
    "squared_exponential": gpflow.kernels.SquaredExponential,
    "matern52": gpflow.kernels.Matern52,
    "matern32": gpflow.kernels.Matern32,
}


@dataclass(frozen=True)
class SurrogateConfig:
    """Settings of the sparse Gaussian process.

    Args:
        method: collapsed bound (sgpr), stochastic bound (svgp), or auto: sgpr up to 10,000 points.
        inducing_points: M, at most; clipped to the number of distinct codes.
        kernel: squared_exponential, matern52 or matern32, each with one lengthscale per dimension.
        subset: points on which L-BFGS first finds the hyper-parameters when there are more.
        subset_iterations: L-BFGS iterations on that subset.
        iterations: L-BFGS iterations on all points (sgpr).
        refit_iterations: L-BFGS iterations when points were added.
        svgp_steps: minibatch steps (svgp).
        svgp_batch: points per minibatch (svgp).
        svgp_gamma: natural-gradient step for q(u) (svgp).
        svgp_learning_rate: Adam's, for hyper-parameters and inducing points; 0 keeps them (svgp).
        noise_floor: smallest noise variance, in units of the target's variance.
    """

    method: Literal["auto", "sgpr", "svgp"] = "auto"
    inducing_points: int = 500
    kernel: Literal["squared_exponential", "matern52", "matern32"] = "squared_exponential"
    subset: int = 10_000
    subset_iterations: int = 60
    iterations: int = 60
    refit_iterations: int = 3
    svgp_steps: int = 1000
    svgp_batch: int = 1000
    svgp_gamma: float = 0.1
    svgp_learning_rate: float = 0.0
    noise_floor: float = 1e-4

    def __post_init__(self) -> None:
        if self.inducing_points < 1 or self.noise_floor <= 0:
            raise UserError("surrogate: inducing_points and noise_floor must be positive.")


class SparseGP:
    """A sparse Gaussian process f: R^D -> R with ARD kernel and Gaussian noise.

    `fit` or `set_state` must come before anything else.
    """

    def __init__(self, config: SurrogateConfig | None = None) -> None:
        self.config = config or SurrogateConfig()

    # ---------------------------------------------------------------- training

    def fit(
        self, codes: Array, scores: Array, *, seed: int, progress: Progress | None = None
    ) -> SparseGP:
        """Fit to codes [N, D] and scores [N]; `progress(stage, done, total)` is called as it goes.

        Raises UserError for wrong shapes, non-finite values, or a matrix that cannot be factorised.
        """
        codes, scores = _checked(codes, scores)
        self._x_scaler, self._y_scaler = Scaler.of(codes), Scaler.of(scores)
        x, y = self._x_scaler.forward(codes), self._y_scaler.forward(scores)
        self._kernel = KERNELS[self.config.kernel](lengthscales=median_lengthscales(x, seed))
        self._likelihood = self._new_likelihood(0.5)
        self._inducing = kmeans_inducing_points(x, self.config.inducing_points, seed)
        if len(x) > self.config.subset:
            rows = np.random.default_rng(seed).choice(len(x), self.config.subset, replace=False)
            part = (x[rows], y[rows])
            self._collapsed(*part, self.config.subset_iterations, progress, "subset")
        if self._method(len(x)) == "sgpr":
            iterations = self.config.iterations
            self._collapsed(x, y, iterations, progress, "all points")
        else:
            self._stochastic(x, y, self.config.svgp_steps, seed, progress)
        return self

    def update(
        self, codes: Array, scores: Array, *, seed: int = 0, progress: Progress | None = None
    ) -> SparseGP:
        """Refit to all data so far (old and new), starting from the current hyper-parameters.

        Scalers and the number of inducing points stay; a few iterations adapt the rest.
        """
        codes, scores = _checked(codes, scores)
        x, y = self._x_scaler.forward(codes), self._y_scaler.forward(scores)
        if self._method(len(x)) == "sgpr":
            self._collapsed(x, y, self.config.refit_iterations, progress, "refit")
        else:
            self._stochastic(x, y, self.config.svgp_steps // 5, seed, progress)
        return self

    def _method(self, size: int) -> str:
        if self.config.method != "auto":
            return self.config.method
        return "sgpr" if size <= 10_000 else "svgp"

    def _new_likelihood(self, variance: float) -> gpflow.likelihoods.Gaussian:
        floor = self.config.noise_floor
        return gpflow.likelihoods.Gaussian(max(variance, 2 * floor), variance_lower_bound=floor)

    def _collapsed(
        self, x: Array, y: Array, iterations: int, progress: Progress | None, stage: str
    ) -> None:
        model = gpflow.models.SGPR(
            (x, y[:, None]),
            self._kernel,
            gpflow.inducing_variables.InducingPoints(self._inducing),
            likelihood=self._likelihood,
        )
        used = minimise_collapsed(model, iterations, progress, stage)
        self._inducing = model.inducing_variable.Z.numpy()
        for jitter in [j for j in JITTERS if j >= used]:
            try:
                self._freeze(
                    collapsed_posterior(
                        self._kernel, self.noise_variance_standardised, self._inducing, x, y, jitter
                    ),
                    jitter,
                )
                return
            except tf.errors.InvalidArgumentError:
                continue
        raise UserError(
            "The Gaussian process cannot be fitted: its kernel matrix is not positive definite even "
            "with jitter 1e-3; use fewer inducing points."
        )

    def _stochastic(
        self, x: Array, y: Array, steps: int, seed: int, progress: Progress | None
    ) -> None:
        config = self.config
        start = getattr(self, "_posterior", None)
        model = gpflow.models.SVGP(
            self._kernel,
            self._likelihood,
            gpflow.inducing_variables.InducingPoints(self._inducing),
            q_mu=None if start is None else start.mean.numpy(),
            q_sqrt=None if start is None else _triangular_root(start.root)[None],
            whiten=True,
            num_data=len(x),
        )
        minimise_stochastic(
            model,
            x,
            y,
            steps=steps,
            batch=config.svgp_batch,
            gamma=config.svgp_gamma,
            learning_rate=config.svgp_learning_rate,
            seed=seed,
            progress=progress,
        )
        self._inducing = model.inducing_variable.Z.numpy()
        points = tf.constant(self._inducing)
        jitter = float(gpflow.default_jitter())
        self._freeze(
            WhitenedPosterior(
                self._kernel,
                points,
                inducing_cholesky(self._kernel, points, jitter),
                tf.constant(model.q_mu.numpy()),
                tf.constant(model.q_sqrt.numpy()[0]),
            ),
            jitter,
        )

    def _freeze(self, posterior: WhitenedPosterior, jitter: float) -> None:
        self._posterior, self._jitter = posterior, jitter
        spec = tf.TensorSpec([None, self._inducing.shape[1]], tf.float64)
        self._moments = tf.function(self.moments, input_signature=[spec])

    # ---------------------------------------------------------------- prediction

    @property
    def noise_variance_standardised(self) -> float:
        """Noise variance in units of the target's variance."""
        return float(self._likelihood.variance.numpy())

    @property
    def noise_variance(self) -> float:
        """Noise variance in raw target units squared."""
        return self.noise_variance_standardised * float(self._y_scaler.scale[0]) ** 2

    def moments(self, codes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Mean [n] and variance [n] of f at a tensor of codes [n, D], raw units; differentiable."""
        mean, variance = self._posterior.moments(self._standard(codes))
        scale = self._y_scaler.scale[0]
        return mean * scale + self._y_scaler.mean[0], variance * scale**2

    def cross_covariance(self, codes: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
        """Posterior covariance [n, m] of f between tensors of codes, raw units; differentiable."""
        covariance = self._posterior.covariance(self._standard(codes), self._standard(other))
        return covariance * self._y_scaler.scale[0] ** 2

    def _standard(self, codes: tf.Tensor) -> tf.Tensor:
        return (tf.cast(codes, tf.float64) - self._x_scaler.mean) / self._x_scaler.scale

    def predict(self, codes: Array) -> tuple[Array, Array]:
        """Mean [N] and variance [N] of the latent f at codes [N, D], raw units, without noise."""
        codes = np.asarray(codes, np.float64)
        parts = [
            self._moments(tf.constant(codes[i : i + CHUNK]))
            for i in range(0, max(len(codes), 1), CHUNK)
        ]
        mean, variance = (np.concatenate([p[k].numpy() for p in parts]) for k in (0, 1))
        return mean, variance

    def predict_y(self, codes: Array) -> tuple[Array, Array]:
        """Mean [N] and variance [N] of a noisy observation at codes [N, D], raw units."""
        mean, variance = self.predict(codes)
        return mean, variance + self.noise_variance

    def covariance(self, codes: Array, other: Array) -> Array:
        """Posterior covariance [n, m] of f between codes [n, D] and other [m, D], raw units squared."""
        return self.cross_covariance(tf.constant(codes), tf.constant(other)).numpy()

    def sample(self, codes: Array, n_samples: int, rng: np.random.Generator) -> Array:
        """Joint posterior samples [S, n] of f at codes [n, D], raw units (for Thompson sampling).

        Raises UserError when the covariance cannot be factorised.
        """
        mean, _ = self.predict(codes)
        covariance = self.covariance(codes, codes)
        scale = float(np.mean(np.diag(covariance)))
        for jitter in (1e-10, 1e-8, 1e-6, 1e-4, 1e-3):
            try:
                root = np.linalg.cholesky(covariance + jitter * scale * np.eye(len(mean)))
            except np.linalg.LinAlgError:
                continue
            return mean + rng.standard_normal((n_samples, len(mean))) @ root.T
        raise UserError(
            "Posterior samples failed: the covariance of the candidates is not positive "
            "definite; use fewer or more distinct candidates."
        )

    def score(self, codes: Array, scores: Array) -> tuple[float, float]:
        """Test RMSE and mean log likelihood per point, nats in raw target units, noise included."""
        mean, variance = self.predict_y(codes)
        error = np.asarray(scores, np.float64) - mean
        density = -0.5 * (np.log(2 * np.pi * variance) + error**2 / variance)
        return float(np.sqrt(np.mean(error**2))), float(np.mean(density))

    # ---------------------------------------------------------------- state

    def get_state(self) -> dict[str, Array]:
        """Everything `set_state` needs, as float64 arrays; hyper-parameters unconstrained.

        Constrained values cannot be restored when one sits exactly on its bound.
        """
        state = {
            f"kernel{name}": p.unconstrained_variable.numpy() for name, p in self._parameters()
        }
        posterior = self._posterior
        return state | {
            "noise": self._likelihood.variance.unconstrained_variable.numpy(),
            "inducing": self._inducing,
            "cholesky": posterior.cholesky.numpy(),
            "q_mean": posterior.mean.numpy(),
            "q_root": posterior.root.numpy(),
            "jitter": np.array(self._jitter),
            "x_mean": self._x_scaler.mean,
            "x_scale": self._x_scaler.scale,
            "y_mean": self._y_scaler.mean,
            "y_scale": self._y_scaler.scale,
        }

    def set_state(self, state: dict[str, Array]) -> SparseGP:
        """Restore `get_state`'s arrays; predictions are then equal.  Raises UserError if they do not fit."""
        try:
            inducing = np.asarray(state["inducing"], np.float64)
            self._kernel = KERNELS[self.config.kernel](lengthscales=np.ones(inducing.shape[1]))
            self._likelihood = self._new_likelihood(0.5)
            for name, parameter in self._parameters():
                parameter.unconstrained_variable.assign(state[f"kernel{name}"])
            self._likelihood.variance.unconstrained_variable.assign(state["noise"])
            self._inducing = inducing
            self._x_scaler = Scaler(state["x_mean"], state["x_scale"])
            self._y_scaler = Scaler(state["y_mean"], state["y_scale"])
            arrays = [tf.constant(state[k]) for k in ("cholesky", "q_mean", "q_root")]
            posterior = WhitenedPosterior(self._kernel, tf.constant(inducing), *arrays)
        except (KeyError, ValueError, IndexError) as error:
            raise UserError(
                "The stored Gaussian process does not fit this configuration; use the kernel of the "
                "run that wrote it, or start a new run."
            ) from error
        self._freeze(posterior, float(state["jitter"]))
        return self

    def _parameters(self) -> list[tuple[str, gpflow.Parameter]]:
        return sorted(gpflow.utilities.parameter_dict(self._kernel).items())


def _triangular_root(root: tf.Tensor) -> Array:
    """Lower-triangular factor of R R^T, which GPflow's natural gradient wants."""
    _, upper = np.linalg.qr(root.numpy().T)
    lower = upper.T
    return lower * np.where(np.diag(lower) < 0, -1.0, 1.0)


def _checked(codes: Array, scores: Array) -> tuple[Array, Array]:
    codes, scores = np.asarray(codes, np.float64), np.asarray(scores, np.float64)
    if codes.ndim != 2 or scores.shape != codes.shape[:1] or len(codes) < 2:
        raise UserError(
            f"surrogate: codes must be [N, D] and scores [N] with N >= 2, not {codes.shape} and {scores.shape}."
        )
    if not (np.isfinite(codes).all() and np.isfinite(scores).all()):
        raise UserError("surrogate: codes and scores must be finite; remove NaN and infinite rows.")
    return codes, scores
