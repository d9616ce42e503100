"""Candidates of a search: unknown strings near the best known ones, and what they may cost."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from bayesopt.space import Array, Problem, Recombine, TrustedRegion
from bayesopt.surrogates.base import Draw, Surrogate, draw

HOPE = 2.0
"""Standard deviations by which the bound is better than the mean."""


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

    `recombined` strings are made from known ones, where the problem can do that, and the most
    promising of them are parents in turn, `generations` times: an evolution whose judge is the
    surrogate, which costs no evaluation.  `evolutions` of them share out what is `enough`.  Every
    other one begins with the best known strings, and a draw judges it.  The others begin with any,
    for what the best have in common may lead nowhere, and are judged by an optimistic bound.

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
    generations: int = 1
    evolutions: int = 1
    lengths: tuple[float, float, float] = (0.6, 0.3, 1.0)


@dataclass
class View:
    """What a strategy may look at.

    `strings`, `codes` [N, D] and `scores` [N] are all that the surrogate learns from, what was
    evaluated included; `known` are keys of strings that need no evaluation (`Problem.keys`);
    `length` bounds the steps from a centre; `remembered` are the scores of known strings that may
    nevertheless be proposed; `centres` are strings, codes and scores of what candidates may
    surround, where not everything known is; with `novel`, what is in the training data may not be
    proposed.  `features` is what the surrogate reads of strings, None: their codes; `misfit` is
    the variance of scores about what it can express; `evolved` is the share of a batch that is for
    recombined strings.
    """

    problem: Problem
    trusted: TrustedRegion
    gp: Surrogate | None
    strings: Sequence[str]
    codes: Array
    scores: Array
    known: set[Hashable]
    length: float = 1.0
    remembered: Mapping[str, float] = field(default_factory=dict)
    centres: tuple[Sequence[str], Array, Array] | None = None
    novel: bool = False
    effort: Effort = field(default_factory=Effort)
    features: Callable[[Sequence[str]], Array] | None = None
    misfit: float = 0.0
    evolved: float = 0.5

    def points(self, strings: Sequence[str], codes: Array) -> Array:
        """What the surrogate reads of strings and their codes [N, D]."""
        return codes if self.features is None else self.features(strings)

    def allowed(
        self, strings: Iterable[str | None], but: Iterable[Hashable] = ()
    ) -> dict[str, Hashable]:
        """The strings among these that are unknown and may cost an evaluation, with their keys.

        In order, one of each key, and none whose key is in `but`.  Constraints are asked last, for
        they may cost more than everything else here.
        """
        different = [s for s in dict.fromkeys(strings) if s is not None]
        first: dict[Hashable, str] = {}
        for string, key in zip(different, self.problem.keys(different), strict=True):
            if key not in self.known and key not in but:
                first.setdefault(key, string)
        keys = {string: key for key, string in first.items()}
        new = list(keys)
        if self.novel:
            new = [s for s in new if not self.problem.in_training_data(s)]
        if self.problem.feasible is not None and new:
            new = [s for s, ok in zip(new, self.problem.feasible(new), strict=True) if ok]
        return {string: keys[string] for string in new}

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

    def anyone(self, rng: np.random.Generator) -> Sequence[str]:
        """As many strings as there are centres, any of those known before the search.

        What is best, or was found, would lead all evolutions to where the first one went.
        """
        strings = self.problem.strings
        n = min(self.effort.centres, len(strings))
        return [strings[i] for i in rng.choice(len(strings), n, replace=False)]

    def bound(self) -> Draw:
        """Features or codes [N, D] -> the score to hope for [N], mean less two standard deviations.

        The improvement to expect would say more of what is nearly good enough, but where nothing
        is, it likes best what is least known, however bad.
        """
        gp = self.surrogate

        def hoped(points: Array) -> Array:
            mean, variance = gp.predict(points)
            return mean - HOPE * np.sqrt(variance)

        return hoped


@dataclass
class Found:
    """Candidates so far: strings with the codes that gave them and their own; what was refused."""

    codes: dict[str, tuple[Array, Array]] = field(default_factory=dict)
    evolutions: dict[str, int] = field(default_factory=dict)
    keys: set[Hashable] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)

    def unseen(self, strings: Iterable[str | None]) -> list[str]:
        """The strings among these that were neither taken nor refused."""
        different = dict.fromkeys(s for s in strings if s is not None)
        return [s for s in different if s not in self.codes and s not in self.refused]


@dataclass(frozen=True)
class Candidates:
    """N strings, the codes that gave them, their own codes [N, D], and their `evolutions` [N].

    What was evolved has the number of its evolution, best by its judge first; what was decoded, -1.
    """

    strings: list[str]
    origins: Array
    codes: Array
    evolutions: NDArray[np.int64]


def new_candidates(view: View, rng: np.random.Generator) -> Candidates:
    """Unknown strings near the best ones: decoded ones until there are enough, and recombined ones.

    Fewer decoded ones where no more are found in reasonable time.
    """
    found = Found()
    for attempt in range(view.effort.attempts):
        _decode_around(view, attempt, found, rng)
        if len(found.codes) >= view.effort.enough:
            break
    _recombine(view, found, rng)
    if not found.codes and view.effort.anywhere:
        codes = view.problem.sample_prior(view.effort.draws, rng)
        _add_decoded(view, codes, found)
    if not found.codes:
        none = view.codes[:0]
        return Candidates([], none, none, np.zeros(0, dtype=np.int64))
    origins, own = map(np.stack, zip(*found.codes.values(), strict=True))
    evolutions = np.array([found.evolutions.get(string, -1) for string in found.codes])
    return Candidates(list(found.codes), origins, own, evolutions)


def _decode_around(view: View, attempt: int, found: Found, rng: np.random.Generator) -> None:
    """Decode steps from the best known codes; in the first attempt these codes themselves too."""
    effort = view.effort
    _, codes, weights = view.best()
    # A surrogate that reads strings can only judge what has been decoded.
    screen = 1 if view.features else max(effort.screen // 3**attempt, 1)
    drawn = effort.draws * screen
    centres = codes[rng.choice(len(codes), size=drawn, p=weights)]
    # Sizes differ: one string may fill a large neighbourhood, another a tiny one.
    sizes = view.length * rng.uniform(0.25, 1.0, size=(drawn, 1))
    origins = view.trusted.step(centres, sizes, rng)
    origins = origins[view.trusted.contains(origins)]
    if screen > 1:
        hopes = draw(view.surrogate, rng)(origins)
        origins = origins[np.sort(np.argsort(hopes, kind="stable")[: effort.draws])]
    if attempt == 0:  # where known strings may be proposed again
        origins = np.concatenate([codes, origins])
    _add_decoded(view, origins, found)


def _add_decoded(view: View, origins: Array, found: Found) -> None:
    """Take what codes [N, D] decode to among the candidates, or refuse it."""
    strings = view.problem.codec.decode(origins)
    first = {s: i for i, s in reversed(list(enumerate(strings))) if s is not None}
    unseen = found.unseen(strings)
    allowed = view.allowed(unseen, but=found.keys)
    own = _own_codes(view, list(allowed))
    found.codes.update({s: (origins[first[s]], code) for s, code in own.items()})
    found.keys.update(allowed[s] for s in own)
    found.refused.update(s for s in unseen if s not in own)


def _recombine(view: View, found: Found, rng: np.random.Generator) -> None:
    """Take evolved strings among the candidates, those of several evolutions."""
    recombine = view.problem.recombine
    if recombine is None or not view.effort.recombined:
        return
    for i in range(view.effort.evolutions):
        if i % 2:
            parents, judge = view.anyone(rng), view.bound()
        else:
            parents, judge = view.best()[0], draw(view.surrogate, rng)
        new = _evolved(view, found, recombine, parents, judge, rng)
        strings = list(new)
        if strings:
            codes = view.problem.codec.encode(strings)
            found.codes.update({s: (code, code) for s, code in zip(strings, codes, strict=True)})
            found.keys.update(new.values())
            found.evolutions.update(dict.fromkeys(strings, i))


def _evolved(
    view: View,
    found: Found,
    recombine: Recombine,
    parents: Sequence[str],
    judge: Draw,
    rng: np.random.Generator,
) -> dict[str, Hashable]:
    """Strings evolved from parents, with their keys, best first; the judge says which survive."""
    effort = view.effort
    survivors = max(effort.enough // effort.evolutions, 1)
    alive: dict[str, float] = {}
    keys: dict[str, Hashable] = {}
    judged: set[str] = set()
    for _ in range(effort.generations):
        # All survivors have as many children: where the best have most, all is soon of one kind.
        chosen = [parents[i] for i in rng.integers(len(parents), size=effort.recombined)]
        children = [s for s in found.unseen(recombine(chosen, rng)) if s not in judged]
        judged.update(children)
        if view.features is None:  # only what may be proposed need have a code
            keys.update(view.allowed(children, but=found.keys.union(keys.values())))
            children = [s for s in children if s in keys]
        if children:
            codes = view.codes[:0] if view.features else view.problem.codec.encode(children)
            alive.update(zip(children, judge(view.points(children, codes)).tolist(), strict=True))
        alive = _survivors(view, alive, survivors, keys, found.keys)
        parents = list(alive) or parents
    return {string: keys[string] for string in alive}


def _survivors(
    view: View, alive: dict[str, float], n: int, keys: dict[str, Hashable], but: set[Hashable]
) -> dict[str, float]:
    """The n best that may be proposed, best first; their keys join the others.

    Only these are asked whether they may: constraints can cost more than the judge does.
    """
    ranked = iter(sorted(alive, key=lambda string: alive[string]))
    best: dict[str, float] = {}
    while part := list(islice(ranked, n - len(best))):
        new = [string for string in part if string not in keys]
        keys.update(view.allowed(new, but=but.union(keys.values())))
        best.update({string: alive[string] for string in part if string in keys})
    return best


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
