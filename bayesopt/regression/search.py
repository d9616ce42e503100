"""The search for formulas: batches of candidates from several sources, fitted and archived."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bayesopt.regression.archive import Archive, Candidate, Fitted
from bayesopt.regression.insertion import insertions
from bayesopt.regression.library import Library, fingerprints
from bayesopt.regression.variation import Recombination, simplifications
from grammar.expressions.constants import Data, fit_constants
from grammar.expressions.forest import Forest
from grammar.expressions.programs import CONSTANT, UNARY, VARIABLES
from grammar.expressions.simplify import normal_form

Array = np.ndarray
ENUMERATION = "enumeration"
EXACT = 1e-22
"""Mean squared error, as a share of the variance of y, below which a fit is exact."""
_ROWS = 300
"""Rows on which candidates are compared; of more, that many are drawn."""
_FIRST, _MORE = 3, 12
"""Iterations for every candidate, and for those that look good."""
_CHILDREN, _CONTEXTS = 600, 40
_AGAIN = 3
"""Times that one program is fitted, from different constants."""
_SETTLED = 12
"""Rounds without a shorter one after which an exact expression is taken."""
Source = Callable[[Sequence[Fitted], np.random.Generator], list[Candidate]]


@dataclass(frozen=True)
class Settings:
    """What a search may use."""

    max_size: int = 30
    """Most operators, functions, variables and constants of an expression."""
    functions: tuple[int, ...] = UNARY
    """Rules of functions."""


class Search:
    """Expressions of the columns of x [n, d] that fit y, best ones of each size.

    Parameters
    ----------
    data : rows and weights, y of variance about 1.
    seed : of all chances.
    latent : one more source of candidates, called with parents.
    """

    def __init__(
        self,
        data: Data,
        seed: int = 0,
        settings: Settings | None = None,
        latent: Source | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self.rng = np.random.default_rng(seed)
        rows = len(data.y)
        if rows > _ROWS:
            data = data.take(np.sort(self.rng.choice(rows, _ROWS, replace=False)))
        self.data = data
        self.variance = float(data.weights @ (data.y - data.weights @ data.y) ** 2)
        self.variables = [VARIABLES[i] for i in range(data.x.shape[1])]
        self.archive = Archive(self.settings.max_size)
        self.proposed: Counter[str] = Counter()
        """Candidates of each source, without repetitions."""
        self._seen: dict[bytes, int] = {}
        self._functions_seen: set[int] = set()
        self._simplified: set[bytes] = set()
        self._latent = latent
        self._settled = 0
        self._library: Library | None = None
        scales = [float(np.sqrt(column**2 @ data.weights)) or 1.0 for column in data.x.T]
        self._recombine = Recombination(self.variables, self.settings.functions, scales)

    @property
    def evaluations(self) -> int:
        """Different expressions that were fitted."""
        return sum(self.proposed.values())

    def run(self, seconds: float = np.inf, evaluations: float = np.inf) -> None:
        """Search until so many seconds have passed, or expressions been fitted, or it is done."""
        end = time.monotonic() + seconds
        if self._library is None:
            self._begin()
        while time.monotonic() < end and self.evaluations < evaluations and not self.finished:
            self.step()

    @property
    def finished(self) -> bool:
        """Whether an exact expression was found, and none shorter in a while."""
        return self._settled >= _SETTLED

    def _begin(self) -> None:
        """Constants, variables, and the library."""
        c = Candidate(bytes([CONSTANT]), (1.0,), ENUMERATION)
        self.try_all([c, *(Candidate(bytes([v]), (), ENUMERATION) for v in self.variables)])
        self._library = Library.build(
            self.data, self.variables, self.rng, self.settings.functions
        )
        if self.variance > 0:
            entries = zip(self._library.programs, self._library.constants, strict=True)
            self.try_all([Candidate(p, c, ENUMERATION) for p, c in entries])

    def step(self) -> None:
        """One batch of candidates."""
        assert self._library is not None
        before = self._exact_size()
        archive, rng = self.archive, self.rng
        front = archive.front()
        found: list[Candidate] = []
        for one in front:
            if one.program not in self._simplified:
                self._simplified.add(one.program)
                found.extend(simplifications(one))
        parents = archive.parents(_CHILDREN, rng)
        found.extend(self._recombine(parents, archive.parents(_CHILDREN, rng), rng))
        chosen = [front[i] for i in rng.integers(len(front), size=_CONTEXTS // 2)]
        chosen += parents[: _CONTEXTS // 2]
        found.extend(insertions(chosen, self._library, self.data, rng))
        if self._latent is not None:
            found.extend(self._latent(parents, rng))
        self.try_all(found)
        exact = self._exact_size()
        self._settled = self._settled + 1 if exact is not None and exact == before else 0

    def _exact_size(self) -> int | None:
        exact = [one.size for one in self.archive.front() if self.is_exact(one.error)]
        return exact[0] if exact else None

    def is_exact(self, error: float) -> bool:
        """Whether a mean squared error is only rounding."""
        return error <= EXACT * self.variance

    def try_all(self, candidates: Sequence[Candidate]) -> None:
        """Bring candidates into normal form, drop known ones, fit the others, keep the best."""
        fresh = self._fresh(candidates)
        if not fresh:
            return
        fits = self._fit(fresh, _FIRST)
        again = [
            one
            for one in fits
            if one.constants and one.error < 2.0 * self.archive.threshold(one.size)
        ]
        for one in fits:
            self.archive.add(one)
        if again:
            again.sort(key=lambda one: one.error / self.archive.threshold(one.size))
            for one in self._fit(again[: max(50, len(fresh) // 4)], _MORE):
                self.archive.add(one)

    def _fresh(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        found = []
        largest = self.settings.max_size
        for one in candidates:
            if len(one.program) > largest + 12:
                continue
            made = normal_form(one.program, one.constants)
            if made is None or len(made[0]) > largest:
                continue
            program, constants = made
            times = self._seen.get(program, 0)
            if times >= (_AGAIN if constants else 1):
                continue
            self._seen[program] = times + 1
            found.append(Candidate(program, tuple(constants), one.source))
        found = self._new_functions(found)
        self.proposed.update(one.source for one in found)
        return found

    def _new_functions(self, candidates: list[Candidate]) -> list[Candidate]:
        """Those without constants whose values nobody had; those with constants as they are."""
        fixed = [i for i, one in enumerate(candidates) if not one.constants]
        if not fixed:
            return candidates
        keys = []
        for begin in range(0, len(fixed), 1000):
            programs = [candidates[i].program for i in fixed[begin : begin + 1000]]
            values = Forest(programs).values(self.data.x, np.zeros(0))
            keys.extend(fingerprints(values, self.data.weights).tolist())
        known = set()
        for i, key in zip(fixed, keys, strict=True):
            if not key or key in self._functions_seen:
                known.add(i)
            self._functions_seen.add(key)
        return [one for i, one in enumerate(candidates) if i not in known]

    def _fit(self, candidates: Sequence[Candidate], iterations: int) -> list[Fitted]:
        fits = fit_constants(
            [one.program for one in candidates],
            self.data,
            [one.constants for one in candidates],
            iterations,
        )
        return [
            Fitted(
                one.program,
                tuple(fits.constants[i, : len(one.constants)].tolist()),
                one.source,
                float(fits.intercepts[i]),
                float(fits.slopes[i]),
                float(fits.errors[i]),
            )
            for i, one in enumerate(candidates)
            if np.isfinite(fits.errors[i])
        ]


