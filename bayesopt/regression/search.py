"""The search for formulas: batches of candidates from several sources, fitted and archived."""

from __future__ import annotations

import time
from collections import Counter

import numpy as np

from bayesopt.regression.archive import Archive, Candidate
from bayesopt.regression.library import Library
from bayesopt.regression.population import Population, Settings, Source
from bayesopt.regression.transforms import transforms
from grammar.expressions.constants import Data
from grammar.expressions.programs import CONSTANT, VARIABLES

ENUMERATION = "enumeration"
EXACT = 1e-22
"""Mean squared error, as a share of the variance of y, below which a fit is exact."""
_ROWS = 300
"""Rows on which candidates are compared; of more, that many are drawn."""
_SETTLED = 4
"""Batches without a shorter one after which an exact expression is taken."""


class Search:
    """Expressions of the columns of x [n, d] that fit y, best ones of each size.

    Short expressions are enumerated first.  Then batches of y alternate with batches of functions
    of y (`transforms`), whose finds are candidates for y.

    Parameters
    ----------
    data : rows and weights, y of variance about 1.
    zero : where y is 0 in the units of the user.
    seed : of all chances.
    latent : one more source of candidates, called with parents.
    """

    def __init__(
        self,
        data: Data,
        zero: float = 0.0,
        seed: int = 0,
        settings: Settings | None = None,
        latent: Source | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self.rng = np.random.default_rng(seed)
        rows = len(data.y)
        if rows > _ROWS:
            data = data.take(np.sort(self.rng.choice(rows, _ROWS, replace=False)))
        self.data, self._zero = data, zero
        self.variance = float(data.weights @ (data.y - data.weights @ data.y) ** 2)
        self.variables = [VARIABLES[i] for i in range(data.x.shape[1])]
        self.main = Population(data, self.settings, latent)
        self._views = [
            (view, Population(view.data, self.settings))
            for view in transforms(data, zero, self.settings.functions)
        ]
        self._library: Library | None = None
        self._rounds = self._settled = 0

    @property
    def archive(self) -> Archive:
        """What was found for y."""
        return self.main.archive

    @property
    def proposed(self) -> Counter[str]:
        """Different expressions that were fitted, by source."""
        return sum((p.proposed for p in (self.main, *(p for _, p in self._views))), Counter())

    @property
    def evaluations(self) -> int:
        """Different expressions that were fitted."""
        return sum(self.proposed.values())

    @property
    def finished(self) -> bool:
        """Whether an exact expression was found, and none shorter in a while."""
        return self._settled >= _SETTLED

    def run(self, end: float = np.inf, evaluations: float = np.inf) -> None:
        """Search until the clock (`time.time`) shows `end`, so many are fitted, or it is done."""
        if self._library is None:
            self._library = self._begin()
        while time.time() < end and self.evaluations < evaluations and not self.finished:
            before = self._exact_size()
            self._step(self._library)
            settled = before is not None and self._exact_size() == before
            self._settled = self._settled + 1 if settled else 0

    def _begin(self) -> Library:
        """Constants, variables, and all of the library: its best are fitted as they are."""
        few = [Candidate(bytes([CONSTANT]), (1.0,), ENUMERATION)]
        few += [Candidate(bytes([v]), (), ENUMERATION) for v in self.variables]
        self.main.try_all(few)
        if not self.variance > 0:
            self._settled = _SETTLED
        library = Library.build(self.data, self.variables, self.rng, self.settings.functions)
        self._try_library(self.main, library)
        self.main.proposed[ENUMERATION] = len(library.programs)  # each is compared with y
        for view, population in self._views:
            population.try_all(few)
            self._try_library(population, library)
            self.main.try_all([view.whole(one) for one in population.archive.front()])
        return library

    def _try_library(self, population: Population, library: Library) -> None:
        population.know(library.keys.tolist())
        best = library.best(population.data)
        entries = [(library.programs[i], library.constants[i]) for i in best]
        population.try_all([Candidate(p, c, ENUMERATION) for p, c in entries], known=True)

    def _step(self, library: Library) -> None:
        self._rounds += 1
        if self._views and self._rounds % 2 == 0:
            view, population = self._views[self._rounds // 2 % len(self._views)]
            self.main.try_all([view.whole(one) for one in population.step(library, self.rng)])
        else:
            self.main.step(library, self.rng)

    def _exact_size(self) -> int | None:
        exact = [one.size for one in self.archive.front() if self.is_exact(one.error)]
        return exact[0] if exact else None

    def is_exact(self, error: float) -> bool:
        """Whether a mean squared error is only rounding."""
        rounding = float(np.finfo(float).eps) * self._zero
        return error <= EXACT * self.variance + 10.0 * rounding**2
