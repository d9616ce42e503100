"""A Gaussian process on features that a network has learnt: a deep kernel (Wilson et al. 2016).

What a property depends on may be far from smooth in a latent space, and then no kernel on the codes
sees it, however many points there are.  A network that is trained on the known scores, and that may
read what the decoder makes of a code, finds features on which they depend smoothly.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesopt.surrogates.base import Progress, Represent, Surrogate, SurrogateConfig, checked
from bayesopt.surrogates.feature_network import FeatureNetwork
from bayesopt.surrogates.sparse_gp import SparseGP
from gmae_tf.errors import UserError

Array = NDArray[np.float64]
HELD = 0.1
"""Share of the points that the network does not learn from, but the Gaussian process does: on
features of its own training points the network errs too little, and so would the noise."""
FEWEST = 20


class DeepKernelGP(Surrogate):
    """`SparseGP` on the features of a `FeatureNetwork`; as `SparseGP` to use.

    The network stays as it was fitted; only the Gaussian process takes in what is found later.
    """

    def __init__(
        self, config: SurrogateConfig | None = None, represent: Represent | None = None
    ) -> None:
        self._features = FeatureNetwork(represent)
        self._gp = SparseGP(config)

    def fit(
        self, codes: Array, scores: Array, *, seed: int, progress: Progress | None = None
    ) -> DeepKernelGP:
        """Fit to codes [N, D] and scores [N].

        Raises UserError for wrong shapes or values, or fewer than `FEWEST` points.
        """
        codes, scores = checked(codes, scores)
        if len(codes) < FEWEST:
            raise UserError(
                f"A deep kernel cannot be learnt from {len(codes)} points, fewer than {FEWEST}: "
                "use the surrogate sgpr."
            )
        order = np.random.default_rng(seed).permutation(len(codes))
        self._held, learnt = np.split(order, [max(int(HELD * len(codes)), 5)])
        self._size = len(codes)
        self._features.fit(codes[learnt], scores[learnt], seed=seed, progress=progress)
        held = self._features(codes[self._held])
        self._gp.fit(held, scores[self._held], seed=seed, progress=progress)
        return self

    def update(
        self, codes: Array, scores: Array, *, seed: int = 0, progress: Progress | None = None
    ) -> DeepKernelGP:
        """Take all data so far, new points last: the Gaussian process adapts to the new ones."""
        codes, scores = checked(codes, scores)
        rows = np.concatenate([self._held, np.arange(self._size, len(codes))])
        self._gp.update(self._features(codes[rows]), scores[rows], seed=seed, progress=progress)
        return self

    # Prediction

    @property
    def noise_variance(self) -> float:
        """Noise variance in raw target units squared."""
        return self._gp.noise_variance

    def predict(self, codes: Array) -> tuple[Array, Array]:
        """Mean [N] and variance [N] of the latent f at codes [N, D], raw units, without noise."""
        return self._gp.predict(self._features(codes))

    def sample(self, codes: Array, n_samples: int, rng: np.random.Generator) -> Array:
        """Joint posterior samples [S, n] of f at codes [n, D], raw units."""
        return self._gp.sample(self._features(codes), n_samples, rng)

    # State

    def get_state(self) -> dict[str, Array]:
        """Float64 arrays that `set_state` restores; the representation is not among them."""
        return {
            "size": np.array(self._size, np.float64),
            "held": self._held.astype(np.float64),
            **_prefixed("features.", self._features.get_state()),
            **_prefixed("gp.", self._gp.get_state()),
        }

    def set_state(self, state: Mapping[str, Array]) -> DeepKernelGP:
        """Restore what `get_state` gave.

        Raises UserError if the state is of another configuration or representation.
        """
        try:
            self._size, self._held = int(state["size"]), state["held"].astype(np.int64)
            self._features.set_state(_part("features.", state))
        except (KeyError, ValueError) as error:
            raise UserError(
                "The stored features do not fit this configuration and model; use those of the run "
                "that wrote them, or start a new run."
            ) from error
        self._gp.set_state(_part("gp.", state))
        return self


def _prefixed(prefix: str, state: Mapping[str, Array]) -> dict[str, Any]:
    return {prefix + name: value for name, value in state.items()}


def _part(prefix: str, state: Mapping[str, Array]) -> dict[str, Array]:
    return {name[len(prefix) :]: v for name, v in state.items() if name.startswith(prefix)}
