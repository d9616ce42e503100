"""A population of expressions that evolves towards one target, best ones of each size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from bayesopt.regression.archive import Archive, Candidate, Fitted
from bayesopt.regression.insertion import insertions
from bayesopt.regression.library import Library, fingerprints
from bayesopt.regression.variation import Recombination, simplifications
from grammar.expressions.constants import Data, fit_constants
from grammar.expressions.forest import Forest
from grammar.expressions.programs import UNARY, VARIABLES
from grammar.expressions.simplify import normal_form

Array = np.ndarray
_FIRST, _MORE = 3, 12
"""Iterations for every candidate, and for those that look good."""
_CHILDREN, _CONTEXTS = 600, 40
"""Children by recombination, and parts to insert into, of a batch."""
_AGAIN = 3
"""Times that one program is fitted, from different constants."""
_WIDE = 12
"""Nodes above the largest size that a candidate may have before it is in normal form."""
Source = Callable[[Sequence[Fitted], np.random.Generator], list[Candidate]]


@dataclass(frozen=True)
class Settings:
    """What a search may use."""

    max_size: int = 30
    """Most operators, functions, variables and constants of an expression."""
    functions: tuple[int, ...] = UNARY
    """Rules of functions."""


class Population:
    """Fitted expressions of the columns of x, and the batches that make it better.

    Parameters
    ----------
    data : rows and weights, y of variance about 1.
    settings : sizes and functions.
    latent : one more source of candidates, called with parents.
    """

    def __init__(self, data: Data, settings: Settings, latent: Source | None = None) -> None:
        self.data, self.settings, self._latent = data, settings, latent
        self.archive = Archive(settings.max_size)
        self.proposed: Counter[str] = Counter()
        """Candidates of each source, without repetitions."""
        self._times: dict[bytes, int] = {}
        self._functions: set[int] = set()
        self._simplified: set[bytes] = set()
        variables = [VARIABLES[i] for i in range(data.x.shape[1])]
        scales = [float(np.sqrt(column**2 @ data.weights)) or 1.0 for column in data.x.T]
        self._recombine = Recombination(variables, settings.functions, scales)

    def step(self, library: Library, rng: np.random.Generator) -> list[Fitted]:
        """One batch; returns what is new on the front."""
        front = self.archive.front()
        found: list[Candidate] = []
        for one in front:
            if one.program not in self._simplified:
                self._simplified.add(one.program)
                found.extend(simplifications(one))
        parents = self.archive.parents(_CHILDREN, rng)
        found.extend(self._recombine(parents, self.archive.parents(_CHILDREN, rng), rng))
        chosen = [front[i] for i in rng.integers(len(front), size=_CONTEXTS // 2)]
        found.extend(insertions([*chosen, *parents[: _CONTEXTS // 2]], library, self.data, rng))
        if self._latent is not None:
            found.extend(self._latent(parents, rng))
        self.try_all(found)
        before = set(front)
        return [one for one in self.archive.front() if one not in before]

    def know(self, keys: Iterable[int]) -> None:
        """Remember the fingerprints of functions that need not be fitted again."""
        self._functions.update(keys)

    def try_all(self, candidates: Sequence[Candidate], known: bool = False) -> None:
        """Bring candidates into normal form, drop known ones, fit the others, keep the best.

        `known`: fit also those whose function is remembered.
        """
        fresh = self._fresh(candidates, known)
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
        again.sort(key=lambda one: one.error / self.archive.threshold(one.size))
        for one in self._fit(again[: max(50, len(fresh) // 4)], _MORE):
            self.archive.add(one)

    def _fresh(self, candidates: Sequence[Candidate], known: bool) -> list[Candidate]:
        """Candidates in normal form that are new, or have constants to try again."""
        found = []
        largest = self.settings.max_size
        for one in candidates:
            if len(one.program) > largest + _WIDE:
                continue
            made = normal_form(one.program, one.constants)
            if made is None or len(made[0]) > largest:
                continue
            program, constants = made
            times = self._times.get(program, 0)
            if times >= (_AGAIN if constants else 1):
                continue
            self._times[program] = times + 1
            found.append(Candidate(program, tuple(constants), one.source))
        found = found if known else self._new_functions(found)
        self.proposed.update(one.source for one in found)
        return found

    def _new_functions(self, candidates: list[Candidate]) -> list[Candidate]:
        """Without those that have no constants, and values that another one had."""
        fixed = [i for i, one in enumerate(candidates) if not one.constants]
        known = set()
        for begin in range(0, len(fixed), 1000):
            rows = fixed[begin : begin + 1000]
            values = Forest([candidates[i].program for i in rows]).values(self.data.x, np.zeros(0))
            for i, key in zip(rows, fingerprints(values, self.data.weights).tolist(), strict=True):
                if not key or key in self._functions:
                    known.add(i)
                self._functions.add(key)
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
