"""Composite objectives: a trend for scores of the form log(1 + mean squared error).

The values of an expression at points of x need no evaluation; their distance from a target's values
does.  A Gaussian process on scores has to learn even the form of the score.  Here the form is given
and the target's values are unknown, with a Gaussian posterior: composite Bayesian optimisation
(Astudillo & Frazier 2019).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LIMIT = 1000.0
"""Largest squared distance of a single point, as in `grammar.expressions.evaluate`."""
PRIOR_SD = 30.0
"""Of each wanted value; what is further from all strings could not be told from it."""
NOISE_SD = 0.01
"""Of scores about the form, whose points may be a few of many."""
FIRST, LATER = 60, 20
"""Steps of least squares, at most, from nothing and from what was known before."""


@dataclass(frozen=True)
class SquaredErrorTrend:
    """score = log(1 + mean_p min((f_p - y_p)^2, 1000)), values f [P] of a string, y [P] unknown.

    y ~ N(wanted, root root'): Laplace's approximation at the most probable y.
    """

    wanted: Array
    root: Array

    @property
    def width(self) -> int:
        """P."""
        return len(self.wanted)

    @classmethod
    def fit(cls, values: Array, scores: Array) -> SquaredErrorTrend:
        """Of values [N, P] and scores [N]."""
        return _fitted(values, scores, np.zeros(values.shape[1]), FIRST)

    def refit(self, values: Array, scores: Array) -> SquaredErrorTrend:
        """To values [N, P] and scores [N], most of which it knows."""
        return _fitted(values, scores, self.wanted, LATER)

    def predict(self, values: Array) -> tuple[Array, Array]:
        """Mean [N] and variance [N] of the scores of values [N, P], linear in y about the mean."""
        return squared_error_scores(values, self.wanted), np.square(self._spread(values)).sum(
            axis=1
        )

    def draw(self, n_samples: int, rng: np.random.Generator) -> Callable[[Array], Array]:
        """A function values [N, P] -> samples [S, N], each of one draw of y, linear in it.

        The misfit to a draw itself would be too large everywhere: where no string went, y is as
        unsure as at first, but to second order the scores say how far it is in all.
        """
        drawn = rng.standard_normal((n_samples, self.width))
        return lambda values: (
            squared_error_scores(values, self.wanted) + drawn @ self._spread(values).T
        )

    def _spread(self, values: Array) -> Array:
        """Scores [N, P] for each standard normal that y is made of."""
        return _gradients(values, self.wanted) @ self.root


def _fitted(values: Array, scores: Array, start: Array, steps: int) -> SquaredErrorTrend:
    """Least squares from a start [P], of the scores' errors and the prior."""
    from scipy.optimize import least_squares

    prior = np.eye(len(start)) / PRIOR_SD

    def residuals(wanted: Array) -> Array:
        errors = squared_error_scores(values, wanted) - scores
        return np.concatenate([errors / NOISE_SD, wanted / PRIOR_SD])

    def jacobian(wanted: Array) -> Array:
        return np.concatenate([_gradients(values, wanted) / NOISE_SD, prior])

    found = least_squares(residuals, start, jacobian, method="lm", x_scale="jac", max_nfev=steps)
    root = np.linalg.inv(np.linalg.cholesky(found.jac.T @ found.jac)).T
    return SquaredErrorTrend(found.x, root)


def squared_error_scores(values: Array, wanted: Array) -> Array:
    """log(1 + mean clipped squares) [N] of values [N, P] about wanted ones [P]."""
    return np.log1p(np.minimum(np.square(values - wanted), LIMIT).mean(axis=1))


def _gradients(values: Array, wanted: Array) -> Array:
    """d score / d wanted, [N, P]; 0 where a square is at its limit."""
    away = wanted - values
    squares = np.square(away)
    inside = np.where(squares < LIMIT, away, 0.0)
    mean = np.minimum(squares, LIMIT).mean(axis=1, keepdims=True)
    return 2.0 * inside / len(wanted) / (1.0 + mean)
