"""Constants of many expressions fitted to data: Levenberg-Marquardt by variable projection.

The model of a program f with constants c is y = a + b f(x; c).  Intercept and slope (a, b) have a
closed form for every c and are eliminated (Golub & Pereyra 1973, with Kaufman's Jacobian), so only
c is iterated, for the whole batch at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grammar.expressions.forest import Forest

Array = np.ndarray
AT_ONCE = 120_000
"""Values of programs, times points, of one batch: about what a processor's cache holds."""
_FLAT = 1e-13
"""A program whose variance is below this share of its mean square is a constant."""


@dataclass(frozen=True)
class Data:
    """Rows x [n, d], y [n] and weights [n] of sum 1."""

    x: Array
    y: Array
    weights: Array

    @classmethod
    def of(cls, x: Array, y: Array, weights: Array | None = None) -> Data:
        """With equal weights by default."""
        w = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=np.float64)
        return cls(np.ascontiguousarray(x, dtype=np.float64), np.asarray(y, float), w / w.sum())

    def take(self, rows: Array) -> Data:
        """Some of the rows."""
        return Data.of(self.x[rows], self.y[rows], self.weights[rows])


@dataclass(frozen=True)
class Fits:
    """Fitted constants [N, K] (NaN where a program has fewer), intercepts, slopes and errors [N].

    `errors` are weighted mean squares; infinite where a program is not finite on the data.
    """

    constants: Array
    intercepts: Array
    slopes: Array
    errors: Array

    def constants_of(self, row: int) -> Array:
        """The constants of one program."""
        c: Array = self.constants[row]
        return c[~np.isnan(c)]


def fit_constants(
    programs: Sequence[bytes],
    data: Data,
    start: Sequence[Sequence[float] | Array],
    iterations: int = 8,
    *,
    scaled: bool = True,
) -> Fits:
    """Least squares for each program, from its starting constants; no step is uphill.

    With `scaled` False the model is f itself: a is 0 and b is 1.

    Examples
    --------
    >>> import numpy as np
    >>> from grammar.expressions.programs import parse
    >>> x = np.linspace(0, 20, 50)[:, None]
    >>> data = Data.of(x, 850 * np.exp(-x[:, 0] / 7.3))
    >>> fits = fit_constants([parse("exp((x1/c))")], data, [[-5.0]], iterations=20)
    >>> fits.constants.round(6), fits.slopes.round(6)
    (array([[-7.3]]), array([850.]))
    """
    width = max([len(c) for c in start], default=0)
    n = len(programs)
    out = Fits(np.full((n, width), np.nan), np.zeros(n), np.zeros(n), np.full(n, np.inf))
    if not n:
        return out
    # Programs of about one size together: padding costs time.
    size = max(1, AT_ONCE // max(1, len(data.y)))
    order = np.argsort([len(c) for c in start], kind="stable")
    for begin in range(0, len(order), size):
        rows = order[begin : begin + size]
        part = _Batch([programs[i] for i in rows], data, [start[i] for i in rows], scaled)
        part.run(iterations)
        out.constants[rows, : part.width] = part.padded()
        out.intercepts[rows], out.slopes[rows] = part.intercept, part.slope
        out.errors[rows] = part.error
    return out


class _Batch:
    """Levenberg-Marquardt for programs of one batch."""

    def __init__(
        self,
        programs: Sequence[bytes],
        data: Data,
        start: Sequence[Sequence[float] | Array],
        scaled: bool,
    ) -> None:
        self.forest, self.data, self.scaled = Forest(programs), data, scaled
        self.width = int(self.forest.counts.max(initial=0))
        self.mean_y = float(data.weights @ data.y) if scaled else 0.0
        self.y = data.y - self.mean_y
        self.constants = np.concatenate([np.asarray(c, dtype=np.float64) for c in start])
        self.nodes = self.forest.nodes(data.x, self.constants)
        self.intercept, self.slope, self.error, self._centred = self._project(self.nodes)

    def padded(self) -> Array:
        """Constants as [N, K]."""
        table = np.full((self.forest.n, self.width), np.nan)
        table[self.forest.program, self.forest.slot] = self.constants
        return table

    def _project(self, nodes: Array) -> tuple[Array, Array, Array, Array]:
        """Intercepts, slopes, errors [N] and centred values [N, n] of the best affine scaling."""
        f, w = self.forest.roots(nodes), self.data.weights
        with np.errstate(all="ignore"):
            if not self.scaled:
                error = (self.y - f) ** 2 @ w
                return (*_constant_scaling(len(f)), np.where(np.isfinite(error), error, np.inf), f)
            mean = f @ w
            centred = f - mean[:, None]
            square = centred**2 @ w
            slope = (centred @ (w * self.y)) / square
            flat = square <= _FLAT * mean**2
            slope = np.where(flat, 0.0, slope)
            error = (self.y - slope[:, None] * centred) ** 2 @ w
            bad = ~np.isfinite(square) | ~np.isfinite(error)
        return (
            np.where(bad, 0.0, self.mean_y - slope * np.where(bad | flat, 0.0, mean)),
            np.where(bad, 0.0, slope),
            np.where(bad, np.inf, error),
            centred,
        )

    def _equations(self, nodes: Array, slope: Array, centred: Array) -> tuple[Array, Array]:
        """Normal matrices [N, K, K] and gradients [N, K] of the projected problem."""
        forest, w = self.forest, self.data.weights
        flat = forest.derivatives(nodes, self.trial)
        with np.errstate(all="ignore"):
            if self.scaled:
                flat -= (flat @ w)[:, None]
            jacobian = np.zeros((forest.n, self.width, len(w)))
            jacobian[forest.program, forest.slot] = flat * np.sqrt(w)
            jacobian[~np.isfinite(jacobian).all(axis=2)] = 0.0
            residual = (self.y - slope[:, None] * centred) * np.sqrt(w)
            residual[~np.isfinite(residual).all(axis=1)] = 0.0
            gradient = slope[:, None] * (jacobian @ residual[:, :, None])[:, :, 0]
            matrix = jacobian @ jacobian.transpose(0, 2, 1)
            if self.scaled:
                values = np.where(np.isfinite(centred), centred, 0.0) * np.sqrt(w)
                along = (jacobian @ values[:, :, None])[:, :, 0]
                square = np.maximum((values**2).sum(axis=1), 1e-300)
                matrix -= along[:, :, None] * along[:, None, :] / square[:, None, None]
            matrix *= (slope**2)[:, None, None]
        return np.nan_to_num(matrix, posinf=0.0, neginf=0.0), np.nan_to_num(gradient)

    def run(self, iterations: int) -> None:
        """At most so many steps; those that do not lower the error are taken back."""
        if not self.width or not iterations:
            return
        self.trial = self.constants
        matrix, gradient = self._equations(self.nodes, self.slope, self._centred)
        damping = np.full(self.forest.n, 1e-3)
        program, slot = self.forest.program, self.forest.slot
        for _ in range(iterations):
            step = _solve(matrix, gradient, damping)
            self.trial = self.constants + step[program, slot]
            nodes = self.forest.nodes(self.data.x, self.trial)
            intercept, slope, error, centred = self._project(nodes)
            better = error < self.error
            damping = np.where(better, damping * 0.2, damping * 6.0)
            if not better.any():
                if damping.min() > 1e6:
                    break
                continue
            gain = error[better] < (1 - 1e-14) * self.error[better]
            new, grown = self._equations(nodes, slope, centred)
            chosen = better[program]
            self.constants = np.where(chosen, self.trial, self.constants)
            matrix[better], gradient[better] = new[better], grown[better]
            self.intercept = np.where(better, intercept, self.intercept)
            self.slope = np.where(better, slope, self.slope)
            self.error = np.where(better, error, self.error)
            if not gain.any():
                break


def _constant_scaling(n: int) -> tuple[Array, Array]:
    return np.zeros(n), np.ones(n)


def _solve(matrix: Array, gradient: Array, damping: Array) -> Array:
    """Steps [N, K] of the damped normal equations, scaled by the diagonal (Marquardt)."""
    diagonal = np.einsum("nii->ni", matrix)
    unit = np.sqrt(np.maximum(diagonal, 1e-300))
    unit = np.where(diagonal > 0, unit, 1.0)
    scaled = matrix / unit[:, :, None] / unit[:, None, :]
    places = np.arange(matrix.shape[1])
    scaled[:, places, places] = 1.0 + damping[:, None] + 1e-12
    try:
        found = np.linalg.solve(scaled, (gradient / unit)[:, :, None])[:, :, 0]
    except np.linalg.LinAlgError:
        found = gradient / unit / (1.0 + damping[:, None])
    step: Array = np.nan_to_num(found / unit)
    return step
