"""Functions of y as targets of their own: what is a sum of squares under a root is one there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bayesopt.regression.archive import Candidate, Fitted
from grammar.expressions.constants import Data
from grammar.expressions.programs import ADD, CONSTANT, DIV, EXP, MUL, SQRT, SQUARE

_NEAREST_TO_ZERO = 1e-3
"""Smallest |y|, as a share of the largest, with which 1/y and log(y) are targets."""


@dataclass(frozen=True)
class Transform:
    """A target h with y = F(h), and the start of the program F(c + c * f)."""

    prefix: bytes
    constants: tuple[float, ...]
    data: Data

    def whole(self, one: Fitted) -> Candidate:
        """A fit of h as a candidate for y."""
        return Candidate(
            self.prefix + bytes([ADD, CONSTANT, MUL, CONSTANT]) + one.program,
            (*self.constants, one.intercept, one.slope, *one.constants),
            one.source,
        )


def transforms(data: Data, zero: float, functions: Sequence[int]) -> list[Transform]:
    """The targets log(y), y^2, sqrt(y) and 1/y, those that exist; `zero` is where y is 0.

    An error in y counts as much as there: weights are multiplied by the square of dF/dh.
    """
    y = data.y - zero
    if (y < 0).all():
        y = -y
    largest = float(np.abs(y).max(initial=0.0))
    if not largest:
        return []
    y = y / largest
    found: list[tuple[bytes, tuple[float, ...], np.ndarray, np.ndarray]] = []
    if np.abs(y).min() > _NEAREST_TO_ZERO:
        found.append((bytes([DIV, CONSTANT]), (1.0,), 1 / y, y**4))
    if (y > _NEAREST_TO_ZERO).all() and EXP in functions:
        found.append((bytes([EXP]), (), np.log(y), y**2))
    if (y >= 0).all() and SQRT in functions:
        found.append((bytes([SQRT]), (), y**2, 1 / np.maximum(y, 0.01) ** 2))
    if (y >= 0).all() and SQUARE in functions:
        found.append((bytes([SQUARE]), (), np.sqrt(y), np.maximum(y, 1e-4)))
    return [
        Transform(prefix, constants, _standard(data, h, data.weights * slope))
        for prefix, constants, h, slope in found
    ]


def _standard(data: Data, h: np.ndarray, weights: np.ndarray) -> Data:
    """With h of variance 1; its scale comes back with the intercept and slope of a fit."""
    weights = weights / weights.sum()
    return Data.of(data.x, h / (np.sqrt(weights @ (h - weights @ h) ** 2) or 1.0), weights)
