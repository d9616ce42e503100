"""What a search asks of a surrogate, and which one a configuration names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

from bayesopt.space import Array
from bayesopt.surrogates.deep_kernel import DeepKernelGP
from bayesopt.surrogates.feature_network import Represent
from bayesopt.surrogates.nearest import NearestGP
from bayesopt.surrogates.sparse_gp import SparseGP, SurrogateConfig
from bayesopt.surrogates.training import Progress

Draw = Callable[[Array], Array]


class Surrogate(Protocol):
    """A model of scores given codes [N, D], with uncertainty; `fit` or `set_state` it first."""

    @property
    def noise_variance(self) -> float:
        """Noise variance in raw target units squared."""
        ...

    def fit(
        self, codes: Array, scores: Array, *, seed: int, progress: Progress | None = None
    ) -> Surrogate:
        """Fit to codes [N, D] and scores [N]."""
        ...

    def update(self, codes: Array, scores: Array, *, seed: int = 0) -> Surrogate:
        """Take all data so far, new points last."""
        ...

    def attach(self, codes: Array, scores: Array) -> Surrogate:
        """Give it the data after `set_state`, where predictions need them."""
        ...

    def predict(self, codes: Array) -> tuple[Array, Array]:
        """Mean [N] and variance [N] without noise."""
        ...

    def predict_y(self, codes: Array) -> tuple[Array, Array]:
        """Mean [N] and variance [N] of an observation."""
        ...

    def sample(self, codes: Array, n_samples: int, rng: np.random.Generator) -> Array:
        """Samples [S, n] of the posterior at codes [n, D]."""
        ...

    def score(self, codes: Array, scores: Array) -> tuple[float, float]:
        """Test RMSE and mean log likelihood per point."""
        ...

    def get_state(self) -> dict[str, Any]:
        """Arrays that `set_state` restores."""
        ...

    def set_state(self, state: Mapping[str, Array]) -> Surrogate:
        """Restore what `get_state` gave."""
        ...


def draw(surrogate: Surrogate, rng: np.random.Generator) -> Draw:
    """A function codes [N, D] -> scores [N] that may be true, as far as the surrogate knows.

    The surrogate's own `draw` if it has one; else each answer is drawn by itself, which keeps what
    is uncertain in the race and costs no joint covariance.
    """
    own: Callable[[np.random.Generator], Draw] | None = getattr(surrogate, "draw", None)
    if own is not None:
        return own(rng)

    def drawn(codes: Array) -> Array:
        mean, variance = surrogate.predict(codes)
        return mean + np.sqrt(variance) * rng.standard_normal(len(mean))

    return drawn


def new_surrogate(config: SurrogateConfig, represent: Represent | None = None) -> Surrogate:
    """The surrogate of a configuration, to be fitted; `represent` is for the deep kernel."""
    if config.method == "deep":
        return DeepKernelGP(config, represent)
    return NearestGP(config) if config.method == "nearest" else SparseGP(config)
