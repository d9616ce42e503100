"""Candidates of a search: unknown strings near the best known ones, and what they may cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bayesopt.problem import Array, Problem, TrustedRegion
from bayesopt.surrogates import Surrogate


@dataclass(frozen=True)
class Effort:
    """How hard to look for candidates; what each decode costs sets the measure.

    `draws` codes are decoded in an attempt, at most `attempts` times, until `enough` strings are
    found; the `centres` best known codes are surrounded.  With `screen` above 1, so many codes are
    drawn for each one that is decoded, and the surrogate says which; a third of that in each
    further attempt, for its favourites may all be known or forbidden.  With `anywhere`, samples of
    the prior are tried where nothing at all was found around the centres.

    With `faithful`, a string is a candidate only if its own code decodes to it again.  Where the
    autoencoder does not know its way, it writes strings that it cannot read, and what the surrogate
    says of their codes is not about them.

    `recombined` strings are made in each attempt from parts of the best known ones, where the
    problem can do that, and the `enough` most promising of them join.

    `lengths` are the first, least and greatest length of steps from a centre, see
    `TrustedRegion.step`.
    """

    draws: int = 2000
    enough: int = 2000
    attempts: int = 10
    centres: int = 200
    screen: int = 1
    anywhere: bool = False
    faithful: bool = False
    recombined: int = 0
    lengths: tuple[float, float, float] = (0.6, 0.3, 1.0)


@dataclass
class View:
    """What a strategy may look at.

    `strings`, `codes` [N, D] and `scores` [N] are all that the surrogate learns from, what was
    evaluated included; `known` are strings that need no evaluation; `length` bounds the steps from
    a centre; `remembered` are the scores of known strings that may nevertheless be proposed;
    `centres` are strings, codes and scores of what candidates may surround, where not everything
    known is; with `novel`, what is in the training data may not be proposed.
    """

    problem: Problem
    trusted: TrustedRegion
    gp: Surrogate | None
    strings: Sequence[str]
    codes: Array
    scores: Array
    known: set[str]
    length: float = 1.0
    remembered: Mapping[str, float] = field(default_factory=dict)
    centres: tuple[Sequence[str], Array, Array] | None = None
    novel: bool = False
    effort: Effort = field(default_factory=Effort)

    def allowed(self, strings: Iterable[str | None]) -> list[str]:
        """The different strings among these that are unknown and may cost an evaluation, in order.

        Constraints are asked last, for they may cost more than everything else here.
        """
        new = [s for s in dict.fromkeys(strings) if s is not None and s not in self.known]
        if self.novel:
            new = [s for s in new if not self.problem.in_training_data(s)]
        if self.problem.feasible is None or not new:
            return new
        return [s for s, ok in zip(new, self.problem.feasible(new), strict=True) if ok]

    @property
    def surrogate(self) -> Surrogate:
        """The Gaussian process, of a strategy that needs one."""
        if self.gp is None:
            raise ValueError("this strategy needs a surrogate")
        return self.gp

    def best(self) -> tuple[Sequence[str], Array, Array]:
        """Strings, codes and weights of the best known, best first; the weights add up to 1."""
        strings, codes, scores = self.centres or (self.strings, self.codes, self.scores)
        rows = np.argsort(scores, kind="stable")[: self.effort.centres]
        weights = 1.0 / np.arange(1, len(rows) + 1)
        return [strings[i] for i in rows], codes[rows], weights / weights.sum()


def new_candidates(view: View, rng: np.random.Generator) -> tuple[list[str], Array, Array]:
    """Unknown strings near the best ones: strings, the codes that gave them, their own codes.

    Draws until there are enough, or no more are found in reasonable time.
    """
    found: dict[str, tuple[Array, Array]] = {}
    refused: set[str] = set()
    for attempt in range(view.effort.attempts):
        _decode_around(view, attempt, found, refused, rng)
        _recombine(view, found, refused, rng)
        if len(found) >= view.effort.enough:
            break
    if not found and view.effort.anywhere:
        codes = view.problem.sample_prior(view.effort.draws, rng)
        _add(view, view.problem.codec.decode(codes), codes, found, refused)
    if not found:
        return [], *np.empty((2, 0, view.codes.shape[1]))
    origins, own = map(np.stack, zip(*found.values(), strict=True))
    return list(found), origins, own


def _decode_around(
    view: View,
    attempt: int,
    found: dict[str, tuple[Array, Array]],
    refused: set[str],
    rng: np.random.Generator,
) -> None:
    """Decode steps from the best known codes; in the first attempt these codes themselves too."""
    effort = view.effort
    _, codes, weights = view.best()
    screen = max(effort.screen // 3**attempt, 1)
    drawn = effort.draws * screen
    centres = codes[rng.choice(len(codes), size=drawn, p=weights)]
    # Sizes differ: one string may fill a large neighbourhood, another a tiny one.
    sizes = view.length * rng.uniform(0.25, 1.0, size=(drawn, 1))
    origins = view.trusted.step(centres, sizes, rng)
    origins = origins[view.trusted.contains(origins)]
    if screen > 1:
        origins = origins[promising(view.surrogate, origins, effort.draws, rng)]
    if attempt == 0:  # where known strings may be proposed again
        origins = np.concatenate([codes, origins])
    _add(view, view.problem.codec.decode(origins), origins, found, refused)


def _recombine(
    view: View,
    found: dict[str, tuple[Array, Array]],
    refused: set[str],
    rng: np.random.Generator,
) -> None:
    """Children of the best known strings, those that the surrogate favours."""
    if view.problem.recombine is None or not view.effort.recombined:
        return
    strings, _, weights = view.best()
    parents = [strings[i] for i in rng.choice(len(strings), view.effort.recombined, p=weights)]
    children = view.problem.recombine(parents, rng)
    new = view.allowed(s for s in children if s not in found and s not in refused)
    if not new:
        return
    codes = view.problem.codec.encode(new)
    kept = promising(view.surrogate, codes, view.effort.enough, rng)
    _add(view, [new[i] for i in kept], codes[kept], found, refused, allowed=True)


def _add(
    view: View,
    strings: Sequence[str | None],
    origins: Array,
    found: dict[str, tuple[Array, Array]],
    refused: set[str],
    allowed: bool = False,
) -> None:
    """Put what may be proposed among the strings into `found`, the others into `refused`."""
    first = {s: i for i, s in reversed(list(enumerate(strings))) if s is not None}
    new = [s for s in first if s not in found and s not in refused]
    for string, own in _own_codes(view, new if allowed else view.allowed(new)).items():
        found[string] = origins[first[string]], own
    refused.update(s for s in new if s not in found)


def _own_codes(view: View, strings: list[str]) -> dict[str, Array]:
    """The code of each string; with `faithful`, of each that its code decodes to."""
    if not strings:
        return {}
    codes = view.problem.codec.encode(strings)
    own = dict(zip(strings, codes, strict=True))
    if not view.effort.faithful:
        return own
    again = view.problem.codec.decode(codes)
    return {s: own[s] for s, other in zip(strings, again, strict=True) if s == other}


def promising(gp: Surrogate, codes: Array, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Rows of at most n of the codes [N, D], by a draw from each one's own posterior.

    Independent draws keep what is uncertain in the race, and cost no joint covariance.
    """
    mean, variance = gp.predict(codes)
    draws = mean + np.sqrt(variance) * rng.standard_normal(len(mean))
    return np.sort(np.argsort(draws, kind="stable")[:n])
