"""The surrogate of the search: a sparse Gaussian process from latent codes to scores.

Codes and scores are standardised inside; every number that goes in or comes out is in raw units.
Double precision throughout.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from bayesopt.surrogates.base import Progress, Surrogate, SurrogateConfig, checked
from bayesopt.surrogates.engine import gpflow, passing_graphs
from bayesopt.surrogates.inducing import (
    Scaler,
    hold_shared_lengthscale,
    kmeans_inducing_points,
    median_lengthscales,
)
from bayesopt.surrogates.posterior import CHUNK, WhitenedPosterior, covariance_root
from bayesopt.surrogates.training import (
    SparseModel,
    fit_collapsed,
    fit_stochastic,
    solve_collapsed,
)
from gmae_tf.errors import UserError

Array = NDArray[np.float64]
KERNELS = {
    "squared_exponential": gpflow.kernels.SquaredExponential,
    "matern52": gpflow.kernels.Matern52,
    "matern32": gpflow.kernels.Matern32,
}
AUTO_LIMIT = 1_000_000  # where one pass over the points costs as much as the L-BFGS stage


class SparseGP(Surrogate):
    """A sparse Gaussian process f: R^D -> R with Gaussian noise; `fit` or `set_state` it first.

    By the collapsed bound (Titsias 2009, SGPR) or the stochastic one (Hensman et al. 2013, SVGP).

    Examples
    --------
    >>> import numpy as np
    >>> from bayesopt import SparseGP
    >>> codes = np.linspace(-3, 3, 60)[:, None]
    >>> gp = SparseGP().fit(codes, np.sin(codes[:, 0]), seed=0)
    >>> mean, variance = gp.predict(np.array([[1.0]]))
    >>> bool(abs(mean[0] - np.sin(1.0)) < 0.01 and variance[0] < 0.01)
    True
    """

    def __init__(self, config: SurrogateConfig | None = None) -> None:
        self.config = config or SurrogateConfig()

    # Training

    def fit(
        self, codes: Array, scores: Array, *, seed: int, progress: Progress | None = None
    ) -> SparseGP:
        """Fit to codes [N, D] and scores [N].

        Raises UserError for wrong shapes, values that are not finite, or codes whose kernel matrix
        cannot be factorised.
        """
        codes, scores = checked(codes, scores)
        self._x_scaler, self._y_scaler = Scaler.of(codes), Scaler.of(scores)
        x, y = self._x_scaler.forward(codes), self._y_scaler.forward(scores)
        inducing = kmeans_inducing_points(x, self.config.inducing_points, seed)
        lengthscales = median_lengthscales(x, seed)
        if len(x) < self.config.points_per_lengthscale * x.shape[1]:
            lengthscales = lengthscales[0]
        self._model = self._new_model(inducing, lengthscales)
        self._base, self._first = len(inducing), len(x)
        self._train(x, y, 0, self.config.iterations, self.config.svgp_steps, seed, progress)
        return self

    def update(
        self, codes: Array, scores: Array, *, seed: int = 0, progress: Progress | None = None
    ) -> SparseGP:
        """Refit to all data so far, new points last, from the current hyper-parameters.

        The scaling stays and a few iterations adapt the rest.  The newest points, as many as half
        of the inducing points, are inducing points themselves: they lie where the search is, and
        those of the first fit do not.
        """
        codes, scores = checked(codes, scores)
        x, y = self._x_scaler.forward(codes), self._y_scaler.forward(scores)
        most = self.config.inducing_points
        added = x[self._first :][-(most // 2) :] if most > 1 else x[:0]
        kept = self._model.inducing[: min(self._base, most - len(added))]
        self._model.inducing = np.concatenate([kept, added])
        steps = (self.config.refit_iterations, self.config.svgp_steps // 5)
        self._train(x, y, max(len(x) - self._size, 0), *steps, seed, progress)
        return self

    def _train(
        self,
        x: Array,
        y: Array,
        new: int,
        iterations: int,
        steps: int,
        seed: int,
        progress: Progress | None,
    ) -> None:
        """L-BFGS on at most `subset` points, the last `new` among them; then q from all points."""
        config = self.config
        rows = _subset(len(x), config.subset, new, seed)
        posterior = fit_collapsed(self._model, x[rows], y[rows], iterations, progress)
        if self._method(len(x)) == "svgp":
            posterior = fit_stochastic(
                self._model,
                x,
                y,
                steps=steps,
                batch=config.svgp_batch,
                gamma=config.svgp_gamma,
                learning_rate=config.svgp_learning_rate,
                seed=seed,
                start=posterior,
                progress=progress,
            )
        elif len(rows) < len(x):
            posterior = solve_collapsed(self._model, x, y)
        self._freeze(posterior, len(x))

    def _method(self, size: int) -> str:
        if self.config.method != "auto":
            return self.config.method
        return "sgpr" if size <= AUTO_LIMIT else "svgp"

    def _new_model(self, inducing: Array, lengthscales: Array) -> SparseModel:
        floor = self.config.noise_floor
        likelihood = gpflow.likelihoods.Gaussian(max(0.5, 2 * floor), variance_lower_bound=floor)
        kernel = KERNELS[self.config.kernel](lengthscales=lengthscales)
        if not np.ndim(lengthscales):
            hold_shared_lengthscale(kernel, inducing.shape[1])
        return SparseModel(kernel, likelihood, inducing)

    def _freeze(self, posterior: WhitenedPosterior, size: int) -> None:
        """Take the posterior of `size` points; what was compiled for another one is dropped."""
        self._posterior, self._size = posterior, size
        self._compiled: dict[str, Callable[..., Any]] = {}

    def _call(self, name: str, *tensors: tf.Tensor) -> Any:
        """A compiled method of the posterior; traced when first called, for any number of rows."""
        if name not in self._compiled:
            d, m = self._model.inducing.shape[1], len(self._model.inducing)
            shapes = {"moments": ([None, d],)}.get(name, ([d], [None, d], [None, m], [None, None]))
            specs = [tf.TensorSpec(shape, tf.float64) for shape in shapes]
            function = tf.function(getattr(self._posterior, name), autograph=False)
            with passing_graphs():
                self._compiled[name] = function.get_concrete_function(*specs)
        return self._compiled[name](*tensors)

    # Prediction

    @property
    def noise_variance(self) -> float:
        """Noise variance in raw target units squared."""
        return self._model.noise * self._unit**2

    @property
    def _unit(self) -> float:
        return float(self._y_scaler.scale[0])

    def _standard(self, codes: Array) -> tf.Tensor:
        return tf.constant(self._x_scaler.forward(np.asarray(codes, np.float64)))

    def predict(self, codes: Array) -> tuple[Array, Array]:
        """Mean [N] and variance [N] of the latent f at codes [N, D], raw units, without noise."""
        x = self._standard(codes)
        parts = [
            self._call("moments", x[i : i + CHUNK]) for i in range(0, max(len(codes), 1), CHUNK)
        ]
        mean, variance = (np.concatenate([part[k].numpy() for part in parts]) for k in (0, 1))
        return mean * self._unit + self._y_scaler.mean[0], variance * self._unit**2

    def covariance_with(self, codes: Array) -> Callable[[Array], Array]:
        """other [m, D] -> posterior covariance [n, m] of f with codes [n, D], raw units squared.

        What depends on `codes` alone is computed once.
        """
        x = self._standard(codes)
        weights = self._posterior.weights(x)

        def with_other(other: Array) -> Array:
            covariance = self._posterior.covariance(x, weights, self._standard(other))
            return covariance.numpy() * self._unit**2

        return with_other

    def covariance(self, codes: Array, other: Array) -> Array:
        """Posterior covariance [n, m] of f between codes [n, D] and other [m, D], raw squared."""
        return self.covariance_with(codes)(other)

    def believing(
        self, pending: Array | None = None, noise: float = 0.0
    ) -> Callable[[Array], tuple[float, float, Array, Array]]:
        """code [D] -> mean, variance, and their gradients [D], if pending codes [P, D] score so.

        Pending codes are believed to score their predicted means, with noise variance `noise` (raw
        units squared): the mean stays, the variance shrinks.
        """
        codes = np.empty((0, len(self._x_scaler.mean))) if pending is None else pending
        points = self._standard(codes)
        weights = self._posterior.weights(points)
        covariance = self._posterior.covariance(points, weights, points).numpy()
        covariance += noise / self._unit**2 * np.eye(len(codes))
        root = tf.constant(covariance_root(covariance, smallest=1e-8))

        def moments(code: Array) -> tuple[float, float, Array, Array]:
            parts = self._call("believed_moments", self._standard(code), points, weights, root)
            mean, variance, d_mean, d_variance = (part.numpy() for part in parts)
            slope = self._unit / self._x_scaler.scale
            mean = float(mean) * self._unit + float(self._y_scaler.mean[0])
            gradients = d_mean * slope, d_variance * slope * self._unit
            return mean, float(variance) * self._unit**2, *gradients

        return moments

    def sample(self, codes: Array, n_samples: int, rng: np.random.Generator) -> Array:
        """Joint posterior samples [S, n] of f at codes [n, D], raw units (for Thompson sampling).

        Raises UserError when the covariance of the codes cannot be factorised.
        """
        mean, _ = self.predict(codes)
        covariance = self.covariance(codes, codes)
        try:
            root = covariance_root(covariance)
        except np.linalg.LinAlgError as error:
            raise UserError(
                f"No joint sample of {len(mean)} codes can be drawn, for their covariance is not "
                "positive definite; use fewer candidates, or ones that differ more."
            ) from error
        return mean + rng.standard_normal((n_samples, len(mean))) @ root.T

    # State

    def get_state(self) -> dict[str, Array]:
        """Float64 arrays that `set_state` restores.

        Hyper-parameters are unconstrained: a constrained one that sits exactly on its bound could
        not be assigned again.
        """
        model, posterior = self._model, self._posterior
        state = {name: p.unconstrained_variable.numpy() for name, p in _parameters(model)}
        return state | {
            "inducing": model.inducing,
            "cholesky": posterior.cholesky.numpy(),
            "q_mean": posterior.mean.numpy(),
            "q_root": posterior.root.numpy(),
            "size": np.array(self._size, np.float64),
            "base": np.array(self._base, np.float64),
            "first": np.array(self._first, np.float64),
            "x_mean": self._x_scaler.mean,
            "x_scale": self._x_scaler.scale,
            "y_mean": self._y_scaler.mean,
            "y_scale": self._y_scaler.scale,
        }

    def set_state(self, state: Mapping[str, Array]) -> SparseGP:
        """Restore what `get_state` gave; predictions are then equal, bit for bit.

        Raises UserError if the state is of a Gaussian process with another configuration.
        """
        try:
            inducing = np.asarray(state["inducing"], np.float64)
            lengthscales = np.ones_like(state["kernel.lengthscales"])
            if lengthscales.shape not in ((), inducing.shape[1:]):
                raise ValueError("lengthscales of another number of dimensions")
            model = self._new_model(inducing, lengthscales)
            for name, parameter in _parameters(model):
                parameter.unconstrained_variable.assign(state[name])
            q = [tf.constant(state[name]) for name in ("cholesky", "q_mean", "q_root")]
            scalers = [Scaler(state[f"{axis}_mean"], state[f"{axis}_scale"]) for axis in "xy"]
            size, base, first = (int(state[name]) for name in ("size", "base", "first"))
        except (KeyError, ValueError, IndexError) as error:
            raise UserError(
                "The stored Gaussian process does not fit this configuration; use the settings of "
                "the run that wrote it, or start a new run."
            ) from error
        self._model, (self._x_scaler, self._y_scaler) = model, scalers
        self._base, self._first = base, first
        self._freeze(WhitenedPosterior(model.kernel, tf.constant(inducing), *q), size)
        return self


def _parameters(model: SparseModel) -> list[tuple[str, gpflow.Parameter]]:
    named = [(f"kernel{k}", p) for k, p in gpflow.utilities.parameter_dict(model.kernel).items()]
    return [*sorted(named, key=lambda pair: pair[0]), ("noise", model.likelihood.variance)]


def _subset(size: int, count: int, new: int, seed: int) -> NDArray[np.int64]:
    """At most `count` row numbers of `size`, the last `new` among them, the others at random."""
    if size <= count:
        return np.arange(size)
    new = min(new, count)
    old = np.random.default_rng(seed).choice(size - new, count - new, replace=False)
    return np.concatenate([old, np.arange(size - new, size)])
