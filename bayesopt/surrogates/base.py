"""The base of surrogates, the settings of surrogates, and what they share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gmae_tf.errors import UserError

Array = NDArray[np.float64]
Draw = Callable[[Array], Array]
"""Inputs [N, D] -> one sample of the posterior [N]."""
Progress = Callable[[str, int, int], None]
"""Called as progress(stage, done, total)."""
Represent = Callable[[Any], NDArray[Any]]
"""Codes [N, D] -> activations of a frozen decoder, [N, T, P]."""


class Surrogate(ABC):
    """A model of scores given inputs [N, D], with uncertainty; `fit` or `set_state` it first."""

    @property
    @abstractmethod
    def noise_variance(self) -> float:
        """Noise variance in raw target units squared."""

    @abstractmethod
    def fit(
        self, codes: Array, scores: Array, *, seed: int, progress: Progress | None = None
    ) -> Surrogate:
        """Fit to codes [N, D] and scores [N]; `UserError` for wrong shapes or values."""

    @abstractmethod
    def update(self, codes: Array, scores: Array, *, seed: int = 0) -> Surrogate:
        """Take all data so far, new points last."""

    @abstractmethod
    def predict(self, codes: Array) -> tuple[Array, Array]:
        """Mean [N] and variance [N] of the latent f at codes [N, D], raw units, without noise."""

    @abstractmethod
    def get_state(self) -> dict[str, Array]:
        """Float64 arrays that `set_state` restores."""

    @abstractmethod
    def set_state(self, state: Mapping[str, Array]) -> Surrogate:
        """Restore what `get_state` gave; `UserError` for the state of another surrogate."""

    def attach(self, codes: Array, scores: Array) -> Surrogate:
        """Give it the data after `set_state`, where predictions need them."""
        return self

    def predict_y(self, codes: Array) -> tuple[Array, Array]:
        """Mean [N] and variance [N] of a noisy observation at codes [N, D], raw units."""
        mean, variance = self.predict(codes)
        return mean, variance + self.noise_variance

    def score(self, codes: Array, scores: Array) -> tuple[float, float]:
        """Test RMSE, and mean log likelihood per point in nats, noise included; raw units."""
        return gaussian_score(*self.predict_y(codes), scores)

    def sample(self, codes: Array, n_samples: int, rng: np.random.Generator) -> Array:
        """Posterior samples [S, n] of f at codes [n, D]; here each code by itself."""
        mean, variance = self.predict(codes)
        return mean + np.sqrt(variance) * rng.standard_normal((n_samples, len(mean)))

    def draw(self, rng: np.random.Generator) -> Draw:
        """A function codes [N, D] -> scores [N], a plausible one.

        Here each value is drawn by itself, which keeps what is uncertain in the race and costs no
        joint covariance.
        """

        def drawn(codes: Array) -> Array:
            mean, variance = self.predict(codes)
            return mean + np.sqrt(variance) * rng.standard_normal(len(mean))

        return drawn


@dataclass(frozen=True)
class SurrogateConfig:
    """Settings of the sparse Gaussian process.

    method : what takes in all points once L-BFGS has found the hyper-parameters on a subset.
        sgpr solves for q exactly, in blocks; svgp takes natural-gradient steps on minibatches,
        whose limit is that solution.  auto: sgpr up to a million points.  nearest: no inducing
        points but the `neighbours` nearest training points of each code (`surrogates.nearest`).
        deep: sgpr on features that a network has learnt (`surrogates.deep_kernel`).
    inducing_points : M, at most; fewer when there are fewer distinct codes.
    kernel : its family, with one lengthscale per dimension.
    subset, iterations : points, at most, and steps of the L-BFGS stage.
    refit_iterations : steps when points were added.
    svgp_steps, svgp_batch, svgp_gamma : minibatch steps on all points, their size, and the
        natural-gradient step.
    svgp_learning_rate : Adam's, for hyper-parameters and inducing points; 0 keeps those of L-BFGS.
    noise_floor : smallest noise variance, in units of the target's variance.
    points_per_lengthscale : with fewer points than this for each dimension, all dimensions share
        one lengthscale, and a prior holds it: few points cannot tell that many apart.
    """

    method: Literal["auto", "sgpr", "svgp", "nearest", "deep"] = "auto"
    inducing_points: int = 500
    kernel: Literal["squared_exponential", "matern52", "matern32"] = "squared_exponential"
    subset: int = 10_000
    iterations: int = 50
    refit_iterations: int = 3
    svgp_steps: int = 360
    svgp_batch: int = 1000
    svgp_gamma: float = 0.1
    svgp_learning_rate: float = 0.0
    noise_floor: float = 1e-4
    points_per_lengthscale: int = 0
    neighbours: int = 200

    def __post_init__(self) -> None:
        if self.inducing_points < 1 or self.noise_floor <= 0 or self.subset < 2:
            raise UserError(
                "The surrogate needs at least 1 inducing point, a subset of at least 2 points and "
                "a positive noise floor; correct its settings."
            )


def checked(codes: Array, scores: Array) -> tuple[Array, Array]:
    """Codes [N, D] and scores [N] in double precision; UserError for what cannot be learnt from."""
    codes, scores = np.asarray(codes, np.float64), np.asarray(scores, np.float64)
    if codes.ndim != 2 or scores.shape != codes.shape[:1] or len(codes) < 2:
        raise UserError(
            "The surrogate needs codes [N, D] and scores [N] with N of at least 2, not "
            f"{list(codes.shape)} and {list(scores.shape)}."
        )
    if not (np.isfinite(codes).all() and np.isfinite(scores).all()):
        raise UserError("Codes and scores must be finite; remove the rows that are not.")
    return codes, scores


def gaussian_score(mean: Array, variance: Array, scores: Array) -> tuple[float, float]:
    """RMSE, and mean log likelihood per point in nats, of scores [N] by N(mean, variance)."""
    error = np.asarray(scores, np.float64) - mean
    density = -0.5 * (np.log(2 * np.pi * variance) + error**2 / variance)
    return float(np.sqrt(np.mean(error**2))), float(np.mean(density))
