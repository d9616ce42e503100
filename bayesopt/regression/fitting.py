"""A table and a time budget -> formulas on the front of complexity and error."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from bayesopt.regression.archive import Candidate, Fitted, front_of
from bayesopt.regression.formula import Formula, make_formula
from bayesopt.regression.population import Settings, Source
from bayesopt.regression.search import Search
from grammar.expressions.constants import Data, fit_constants
from grammar.expressions.programs import ADD, CONSTANT, MUL, POWER, SUB, VARIABLES
from grammar.expressions.simplify import normal_form

Array = np.ndarray
_POLISH = 40
"""Iterations on all rows at the end."""
_USUAL = (1e-4, 1e5)
"""Root mean squares of a column that is taken as it is; another one is divided by a power of 10."""
_FAR = 1e-3
"""Spread of a column, as a share of its mean, below which it is counted from a number near it."""
_ROUNDING = 1e-20
_PROBES = 1_000
"""Points of the box of the data at which a formula should be defined."""
_UNDEFINED = 0.1
"""Nats a row that a formula pays for being undefined in the box: as for a fifth more variance."""


@dataclass(frozen=True)
class Found:
    """What a search found: the front, smallest formula first, and which one to take.

    Attributes
    ----------
    chosen : row of `front` with the shortest description of formula and residuals.
    evaluations : different expressions that were fitted, by source.
    """

    front: tuple[Formula, ...]
    chosen: int
    evaluations: dict[str, int]

    @property
    def best(self) -> Formula:
        """The formula to take."""
        return self.front[self.chosen]


@dataclass(frozen=True)
class Budget:
    """When a search ends: after so many seconds, or fitted expressions."""

    seconds: float = math.inf
    evaluations: float = math.inf


def find_formulas(
    x: Array,
    y: Array,
    names: Sequence[str],
    weights: Array | None = None,
    *,
    budget: Budget,
    seed: int = 0,
    settings: Settings | None = None,
    make_latent: Callable[[int], Source] | None = None,
    jobs: int = 1,
) -> Found:
    """Formulas of the columns of x [n, d] for y [n].

    Columns and y are brought to a usual size first, so that units do not matter.

    Parameters
    ----------
    make_latent : number of columns -> one more source of candidates.
    jobs : processes; each searches with a seed of its own, and the fronts are joined.
    """
    end = time.time() + budget.seconds
    user = Data.of(x, y, weights)
    user = user.take(np.flatnonzero(user.weights))
    origins = _origins(user)
    own_x = user.x - origins
    scales = _powers_of_ten(own_x, user.weights)
    mean = float(user.weights @ user.y)
    deviation = float(np.sqrt(user.weights @ (user.y - mean) ** 2))
    if deviation <= 1e-14 * abs(mean):
        return _constant(user, names)
    own = Data.of(own_x / scales, (user.y - mean) / deviation, user.weights)
    task = _Task(own, -mean / deviation, settings or Settings(), budget, end, make_latent)
    members, counts = _search(task, seed, jobs)
    fitted = _polished(members, own)
    front = [
        make_formula(
            *_in_units(one, origins, scales, mean, deviation), user, names, one.size, one.source
        )
        for one in fitted
    ]
    return Found(tuple(front), choose(front, user), dict(counts))


def choose(front: Sequence[Formula], data: Data) -> int:
    """The formula of minimum description length (Rissanen 1978): residuals, rules, constants.

    One that is undefined somewhere in the box of the data pays for it.
    """
    n = len(data.y)
    probes = _box(data.x)
    variance = float(data.weights @ (data.y - data.weights @ data.y) ** 2)
    kinds = math.log(len(VARIABLES) + 15)
    lengths = [
        0.5 * n * math.log(one.rmse**2 + _ROUNDING * variance)
        + one.complexity * kinds
        + 0.5 * (len(one.constants) + 1) * math.log(n)
        + (0.0 if np.isfinite(one.predict(probes)).all() else 10.0 + _UNDEFINED * n)
        for one in front
    ]
    return int(np.argmin(lengths))


def _box(x: Array) -> Array:
    """Points [1000, d] of the smallest box that holds the rows x [n, d]."""
    rng = np.random.default_rng(0)
    low, high = x.min(axis=0), x.max(axis=0)
    points: Array = low + (high - low) * rng.random((_PROBES, x.shape[1]))
    return points


@dataclass(frozen=True)
class _Task:
    data: Data
    zero: float
    settings: Settings
    budget: Budget
    end: float
    make_latent: Callable[[int], Source] | None

    def __call__(self, seed: int) -> tuple[list[Fitted], Counter[str]]:
        """The members of one search, and how many expressions each source gave."""
        make = self.make_latent
        latent = make(self.data.x.shape[1]) if make else None
        search = Search(self.data, self.zero, seed, self.settings, latent)
        with threadpool_limits(1, "blas"):  # small systems: threads only wait for one another
            search.run(self.end, self.budget.evaluations)
        return search.archive.members(), search.proposed


def _search(task: _Task, seed: int, jobs: int) -> tuple[list[Fitted], Counter[str]]:
    if jobs == 1:
        return task(seed)
    from joblib import Parallel, delayed

    share = replace(task, budget=replace(task.budget, evaluations=task.budget.evaluations / jobs))
    seeds = [seed * 1_000 + i for i in range(jobs)]
    parts = Parallel(n_jobs=jobs, backend="loky")(delayed(share)(own) for own in seeds)
    return [one for members, _ in parts for one in members], sum((c for _, c in parts), Counter())


def _polished(members: Sequence[Fitted], data: Data) -> list[Fitted]:
    """The front on all rows, constants at their best there."""
    best: dict[int, list[Fitted]] = {}
    for one in sorted(members, key=lambda one: one.error):
        best.setdefault(one.size, []).append(one)
    some = [one for size in best for one in best[size][:4]]
    fits = fit_constants(
        [one.program for one in some], data, [one.constants for one in some], _POLISH
    )
    again = [
        replace(
            one,
            constants=tuple(fits.constants_of(i).tolist()),
            intercept=float(fits.intercepts[i]),
            slope=float(fits.slopes[i]),
            error=float(fits.errors[i]),
        )
        for i, one in enumerate(some)
        if np.isfinite(fits.errors[i])
    ]
    found: list[Fitted] = []
    for one in front_of(again):
        found.append(one)
        if one.error < _ROUNDING:
            break  # exact: what is larger fits rounding errors
    return found


def _origins(data: Data) -> Array:
    """What is subtracted from each column: 0, or a round number near a mean that is far away."""
    mean = data.weights @ data.x
    spread = np.sqrt(data.weights @ (data.x - mean) ** 2)
    far = (spread > 0) & (spread < _FAR * np.abs(mean))
    unit = 10.0 ** np.floor(np.log10(np.where(far, spread, 1.0)))
    origins: Array = np.where(far, np.rint(mean / unit) * unit, 0.0)
    return origins


def _powers_of_ten(x: Array, weights: Array) -> Array:
    size = np.sqrt(weights @ x**2)
    unusual = (size > 0) & ((size < _USUAL[0]) | (size > _USUAL[1]))
    powers: Array = np.where(unusual, 10.0 ** np.rint(np.log10(np.where(size > 0, size, 1.0))), 1.0)
    return powers


def _in_units(
    one: Candidate, origins: Array, scales: Array, mean: float, deviation: float
) -> tuple[bytes, list[float]]:
    """The whole program a + b f of the user's columns and y."""
    assert isinstance(one, Fitted)
    values = list(one.constants)
    program, constants = bytearray(), []
    for rule in one.program:
        column = VARIABLES.index(rule) if rule in VARIABLES else None
        if column is not None and scales[column] != 1.0:
            program += bytes([MUL, CONSTANT])
            constants.append(1.0 / scales[column])
        if column is not None and origins[column] != 0.0:
            program += bytes([SUB, rule, CONSTANT])
            constants.append(origins[column])
            continue
        program.append(rule)
        if rule in (CONSTANT, POWER):
            constants.append(values.pop(0))
    whole = bytes([ADD, CONSTANT, MUL, CONSTANT]) + bytes(program)
    scaled = [mean + deviation * one.intercept, deviation * one.slope, *constants]
    made: Any = normal_form(whole, scaled, scaled=False)
    return (whole, scaled) if made is None else made


def _constant(data: Data, names: Sequence[str]) -> Found:
    value = float(data.weights @ data.y)
    same = bool((data.y == data.y[0]).all())
    exact = float(data.y[0]) if same else value
    made = make_formula(bytes([CONSTANT]), [exact], data, names, 1, "constant")
    return Found((made,), 0, {"constant": 1})
