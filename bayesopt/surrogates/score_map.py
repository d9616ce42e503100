"""A monotone map of scores to a scale on which a Gaussian process sees their differences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

Array = NDArray[np.float64]
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(15)
TAIL = 10
"""Scores at either end whose slope the map has beyond them."""


@dataclass(frozen=True)
class ScoreMap:
    """Scores to the mean of their normal score and their standard score, linear between known ones.

    The normal score is the standard normal quantile of the rank.  Objectives often differ little
    among good strings and much among bad ones, and on their own scale a process sees nothing of the
    differences that matter; ranks have no scale (a Gaussian copula; Salinas et al. 2020 for
    searches).  But ranks alone hide that one string is far better than all others, which the
    standard score tells.

    Attributes
    ----------
    scores, normal : [K] different scores, ascending, and what they are mapped to; beyond the first
        and the last of them the map goes on linearly.
    """

    scores: Array
    normal: Array

    @classmethod
    def of(cls, scores: Array) -> ScoreMap:
        """The map of scores [N]; equal ones share their mean rank."""
        quantiles = norm.ppf((rankdata(scores) - 0.5) / len(scores))
        different, first = np.unique(scores, return_index=True)
        if len(different) == 1:
            return cls(np.append(different, different + 1.0), np.array([0.0, 1.0]))
        normal = (quantiles[first] + (different - scores.mean()) / scores.std()) / 2
        n = min(TAIL, len(different)) - 1
        steps = (different[n] - different[0]) / (normal[n] - normal[0])
        ends = (different[-1] - different[-1 - n]) / (normal[-1] - normal[-1 - n])
        far = 10.0
        return cls(
            np.concatenate([[different[0] - far * steps], different, [different[-1] + far * ends]]),
            np.concatenate([[normal[0] - far], normal, [normal[-1] + far]]),
        )

    def forward(self, scores: Array) -> Array:
        """Scores [N] -> mapped ones [N]."""
        return np.interp(scores, self.scores, self.normal)

    def moments(self, mean: Array, variance: Array) -> tuple[Array, Array]:
        """Mean [N] and variance [N] of scores that are mapped to N(mean, variance)."""
        points = mean[:, None] + np.sqrt(variance)[:, None] * NODES
        values = np.interp(points, self.normal, self.scores)
        weights = WEIGHTS / WEIGHTS.sum()
        expected = values @ weights
        return expected, np.square(values - expected[:, None]) @ weights
