"""A surrogate whose mean is linear in counts of parts, and a Gaussian process on the rest.

Much of what is searched for adds up: a property of a molecule over its atoms, for one.  A kernel
forgets that far from all known points; a linear trend goes on where nothing is known (universal
kriging; the weights have a Gaussian posterior of their own).  What does not add up, such as a score
that has an upper limit, the Gaussian process reads off the trend itself and a few numbers about the
whole: counts of a thousand parts tell it nothing, for all points are equally far from each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesopt.surrogates.base import Draw, Progress, Surrogate
from gmae_tf.errors import UserError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LinearTrend:
    """y = intercept + w' (x - mean), x features [F], w ~ N(weights, root root').

    All weights have the same prior: what one more of a part adds to a score is as uncertain for a
    part that is in no training point as for one that is in many.  Standardised features would take
    the rarest to matter most, and what was never seen not to matter.
    """

    mean: Array
    intercept: Array
    weights: Array
    root: Array

    @property
    def width(self) -> int:
        """F."""
        return len(self.mean)

    @classmethod
    def fit(cls, features: Array, scores: Array) -> LinearTrend:
        """Of features [N, F] and scores [N]; the evidence sets the size of weights and noise."""
        from sklearn.linear_model import BayesianRidge

        mean = features.mean(axis=0)
        ridge = BayesianRidge().fit(features - mean, scores)
        values, vectors = np.linalg.eigh(ridge.sigma_)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        return cls(mean, np.asarray(ridge.intercept_), np.asarray(ridge.coef_, np.float64), root)

    def predict(self, features: Array) -> tuple[Array, Array]:
        """Mean [N] and variance [N] of the trend, without noise."""
        phi = features - self.mean
        return self.intercept + phi @ self.weights, np.square(phi @ self.root).sum(axis=1)

    def draw(self, n_samples: int, rng: np.random.Generator) -> Callable[[Array], Array]:
        """A function features [N, F] -> samples [S, N], each with one draw of the weights."""
        drawn = self.weights + rng.standard_normal((n_samples, len(self.weights))) @ self.root.T
        return lambda features: self.intercept + drawn @ (features - self.mean).T


class TrendGP(Surrogate):
    """A linear trend of features [N, F], and a surrogate of what it leaves.

    The first `n_global_features` features describe a string as a whole: these and the trend are the
    inputs of the surrogate of the rest.  The trend reads the others, which count parts; it is
    fitted to all points whenever some are added.
    """

    def __init__(self, rest: Surrogate, n_global_features: int) -> None:
        self._rest, self._n_global = rest, n_global_features

    def fit(
        self, features: Array, scores: Array, *, seed: int, progress: Progress | None = None
    ) -> TrendGP:
        """Fit to features [N, F] and scores [N]; errors as those of the surrogate of the rest."""
        self._trend = LinearTrend.fit(features[:, self._n_global :], scores)
        trend, _, summary = self._parts(features)
        self._rest.fit(summary, scores - trend, seed=seed, progress=progress)
        return self

    def update(self, features: Array, scores: Array, *, seed: int = 0) -> TrendGP:
        """Take all data so far, new ones last."""
        self._trend = LinearTrend.fit(features[:, self._n_global :], scores)
        trend, _, summary = self._parts(features)
        self._rest.update(summary, scores - trend, seed=seed)
        return self

    def attach(self, features: Array, scores: Array) -> TrendGP:
        """Give it the data after `set_state`.

        Raises
        ------
        UserError: another version of the features, by their number.
        """
        width = features.shape[1] - self._n_global
        if width != self._trend.width:
            raise UserError(
                f"The stored surrogate reads {self._trend.width} counts of parts, this version "
                f"of GMAE makes {width}: start a new run."
            )
        trend, _, summary = self._parts(features)
        self._rest.attach(summary, scores - trend)
        return self

    def _parts(self, features: Array) -> tuple[Array, Array, Array]:
        """Mean [N] and variance [N] of the trend, and the inputs [N, W + 1] of the rest."""
        mean, variance = self._trend.predict(features[:, self._n_global :])
        return mean, variance, np.column_stack([features[:, : self._n_global], mean])

    # Prediction

    @property
    def noise_variance(self) -> float:
        """Noise variance in raw target units squared."""
        return self._rest.noise_variance

    def predict(self, features: Array) -> tuple[Array, Array]:
        """Mean [N] and variance [N] at features [N, F], raw units, without noise."""
        trend, more, summary = self._parts(features)
        mean, variance = self._rest.predict(summary)
        return mean + trend, variance + more

    def sample(self, features: Array, n_samples: int, rng: np.random.Generator) -> Array:
        """Joint posterior samples [S, N] at features [N, F], raw units."""
        rest = self._rest.sample(self._parts(features)[2], n_samples, rng)
        return rest + self._trend.draw(n_samples, rng)(features[:, self._n_global :])

    def draw(self, rng: np.random.Generator) -> Draw:
        """One trend of the posterior, whatever it is asked; the rest anew for each question."""
        trend, rest = self._trend.draw(1, rng), self._rest.draw(rng)

        def drawn(features: Array) -> Array:
            return trend(features[:, self._n_global :])[0] + rest(self._parts(features)[2])

        return drawn

    # State

    def get_state(self) -> dict[str, Any]:
        """Arrays that `set_state` restores."""
        trend = {f"trend.{name}": value for name, value in vars(self._trend).items()}
        rest = {f"rest.{name}": value for name, value in self._rest.get_state().items()}
        return trend | rest

    def set_state(self, state: Mapping[str, Array]) -> TrendGP:
        """Restore what `get_state` gave; `UserError` for the state of another surrogate."""
        try:
            names = [field.name for field in fields(LinearTrend)]
            self._trend = LinearTrend(**{name: state[f"trend.{name}"] for name in names})
        except KeyError as error:
            raise UserError(
                "The stored surrogate has no trend; use the settings of the run that wrote it, or "
                "start a new run."
            ) from error
        rest = {name[5:]: value for name, value in state.items() if name.startswith("rest.")}
        self._rest.set_state(rest)
        return self
