"""Candidate strings of a search: decoded around the best codes, and evolved from known strings."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesopt.acquisition.functions import lower_confidence_bound
from bayesopt.space import CandidateConfig, Recombine, SearchSpace
from bayesopt.surrogates.base import Draw, Surrogate
from bayesopt.trusted_region import Array, TrustedRegion

LCB_WIDTH = 2.0
"""Standard deviations between the posterior mean and the lower confidence bound."""


@dataclass(kw_only=True)
class SearchState:
    """All that a strategy may look at when it proposes a batch; lower scores are better.

    Attributes
    ----------
    space, region : what may be proposed, and where codes are trusted.
    strings, codes, scores : the N training points of the surrogate, what was evaluated included,
        [N, D] and [N].
    start : strings that were known before the search.
    excluded : keys of strings that need no evaluation (`SearchSpace.keys`).
    is_training_data : whether model or surrogate has seen a string.
    surrogate : fitted to these points; None for strategies that need none.
    length : greatest step from a centre.
    remembered : scores of known strings that may nevertheless be proposed.
    centres : strings, codes and scores around which to search; None: the training points.
    novel : never propose training data.
    read_features : the surrogate reads the space's features, else codes.
    discrepancy_variance : variance of scores about what the surrogate can express.
    evolved_share : share of a batch that is for recombined strings.
    """

    space: SearchSpace
    region: TrustedRegion
    strings: Sequence[str]
    codes: Array
    scores: Array
    start: Sequence[str] = ()
    excluded: set[Hashable] = field(default_factory=set)
    is_training_data: Callable[[str], bool] = lambda string: False
    surrogate: Surrogate | None = None
    length: float = 1.0
    remembered: Mapping[str, float] = field(default_factory=dict)
    centres: tuple[Sequence[str], Array, Array] | None = None
    novel: bool = False
    candidates: CandidateConfig = field(default_factory=CandidateConfig)
    read_features: bool = False
    discrepancy_variance: float = 0.0
    evolved_share: float = 0.5
    pool: Any = None

    def inputs(self, strings: Sequence[str], codes: Array) -> Array:
        """Inputs [N, P] of the surrogate at strings and their codes [N, D]."""
        if self.read_features and self.space.features is not None:
            return self.space.features(strings)
        return codes

    def allowed(
        self, strings: Iterable[str | None], but: Iterable[Hashable] = ()
    ) -> dict[str, Hashable]:
        """The strings among these that are unknown and may cost an evaluation, with their keys.

        In order, one of each key, and none whose key is in `but`.  Constraints come last, for they
        may cost more than everything else here.
        """
        different = [s for s in dict.fromkeys(strings) if s is not None]
        first: dict[Hashable, str] = {}
        for string, key in zip(different, self.space.keys(different), strict=True):
            if key not in self.excluded and key not in but:
                first.setdefault(key, string)
        keys = {string: key for key, string in first.items()}
        new = list(keys)
        if self.novel:
            new = [s for s in new if not self.is_training_data(s)]
        if new:
            new = [s for s, ok in zip(new, self.space.feasible(new), strict=True) if ok]
        return {string: keys[string] for string in new}

    def fitted(self) -> Surrogate:
        """The surrogate, of a strategy that needs one."""
        if self.surrogate is None:
            raise ValueError("this strategy needs a surrogate")
        return self.surrogate

    def best(self, n: int | None = None) -> tuple[Sequence[str], Array, Array]:
        """Strings, codes and weights of the best known, best first; the weights add up to 1."""
        strings, codes, scores = self.centres or (self.strings, self.codes, self.scores)
        rows = np.argsort(scores, kind="stable")[: n or self.candidates.centres]
        weights = 1.0 / np.arange(1, len(rows) + 1)
        return [strings[i] for i in rows], codes[rows], weights / weights.sum()

    def random_parents(self, rng: np.random.Generator) -> Sequence[str]:
        """As many strings as there are centres, any of those known before the search.

        The best, or what was found, would lead all evolutions to where the first one went.
        """
        strings = self.start
        n = min(self.candidates.centres, len(strings))
        return [strings[i] for i in rng.choice(len(strings), n, replace=False)]

    def lower_bound(self) -> Draw:
        """Inputs [N, P] -> lower confidence bound of the score [N].

        Expected improvement would say more of what is nearly good enough, but where nothing is, it
        prefers what is least known, however bad.
        """
        surrogate = self.fitted()
        return lambda points: lower_confidence_bound(*surrogate.predict(points), LCB_WIDTH**2)


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """N strings, the codes that gave them and their own codes [N, D], and what is predicted.

    `strings` has None where a code decodes to nothing; `evolutions` [N] is the number of the
    evolution that made a string, best by its judge first, and -1 for what was decoded; `mean` and
    `sd` [N] are predicted scores, None where there is no surrogate.
    """

    strings: Sequence[str | None]
    origins: Array
    codes: Array
    evolutions: NDArray[np.int64] | None = None
    mean: Array | None = None
    sd: Array | None = None
    sources: Sequence[str] | None = None
    mixing: Any = None
    pool: Any = None


@dataclass
class _Pool:
    """Candidates so far: strings with the codes that gave them and their own; what was refused."""

    codes: dict[str, tuple[Array, Array]] = field(default_factory=dict)
    evolutions: dict[str, int] = field(default_factory=dict)
    keys: set[Hashable] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)

    def unseen(self, strings: Iterable[str | None]) -> list[str]:
        """The strings among these that were neither taken nor refused."""
        different = dict.fromkeys(s for s in strings if s is not None)
        return [s for s in different if s not in self.codes and s not in self.refused]


def new_candidates(state: SearchState, rng: np.random.Generator) -> Candidates:
    """Unknown strings near the best ones: decoded ones until there are enough, and evolved ones.

    Fewer decoded ones where no more are found in reasonable time.
    """
    pool = _Pool()
    for attempt in range(state.candidates.attempts):
        _decode_around(state, attempt, pool, rng)
        if len(pool.codes) >= state.candidates.enough:
            break
    _recombine(state, pool, rng)
    if not pool.codes and state.candidates.anywhere:
        _add_decoded(state, state.space.sample_prior(state.candidates.draws, rng), pool)
    if not pool.codes:
        none = state.codes[:0]
        return Candidates(strings=[], origins=none, codes=none, evolutions=np.zeros(0, np.int64))
    origins, own = map(np.stack, zip(*pool.codes.values(), strict=True))
    evolutions = np.array([pool.evolutions.get(string, -1) for string in pool.codes])
    return Candidates(strings=list(pool.codes), origins=origins, codes=own, evolutions=evolutions)


def _decode_around(state: SearchState, attempt: int, pool: _Pool, rng: np.random.Generator) -> None:
    """Decode steps from the best known codes; in the first attempt these codes themselves too."""
    config = state.candidates
    _, codes, weights = state.best()
    # A surrogate that reads strings can only judge what has been decoded.
    screen = 1 if state.read_features else max(config.screen // 3**attempt, 1)
    drawn = config.draws * screen
    centres = codes[rng.choice(len(codes), size=drawn, p=weights)]
    # Sizes differ: one string may fill a large neighbourhood, another a tiny one.
    sizes = state.length * rng.uniform(0.25, 1.0, size=(drawn, 1))
    origins = state.region.step(centres, sizes, rng)
    origins = origins[state.region.contains(origins)]
    if screen > 1:
        drawn_scores = state.fitted().draw(rng)(origins)
        origins = origins[np.sort(np.argsort(drawn_scores, kind="stable")[: config.draws])]
    if attempt == 0:  # where known strings may be proposed again
        origins = np.concatenate([codes, origins])
    _add_decoded(state, origins, pool)


def _add_decoded(state: SearchState, origins: Array, pool: _Pool) -> None:
    """Take what codes [N, D] decode to among the candidates, or refuse it."""
    strings = state.space.codec.decode(origins)
    first = {s: i for i, s in reversed(list(enumerate(strings))) if s is not None}
    unseen = pool.unseen(strings)
    allowed = state.allowed(unseen, but=pool.keys)
    own = _own_codes(state, list(allowed))
    pool.codes.update({s: (origins[first[s]], code) for s, code in own.items()})
    pool.keys.update(allowed[s] for s in own)
    pool.refused.update(s for s in unseen if s not in own)


def _recombine(state: SearchState, pool: _Pool, rng: np.random.Generator) -> None:
    """Take evolved strings among the candidates, those of several evolutions."""
    recombine = state.space.recombine
    if recombine is None or not state.candidates.recombined:
        return
    for i in range(state.candidates.evolutions):
        if i % 2:
            parents, judge = state.random_parents(rng), state.lower_bound()
        else:
            parents, judge = state.best()[0], state.fitted().draw(rng)
        new = _evolved(state, pool, recombine, parents, judge, rng)
        strings = list(new)
        if strings:
            codes = state.space.codec.encode(strings)
            pool.codes.update({s: (code, code) for s, code in zip(strings, codes, strict=True)})
            pool.keys.update(new.values())
            pool.evolutions.update(dict.fromkeys(strings, i))


def _evolved(
    state: SearchState,
    pool: _Pool,
    recombine: Recombine,
    parents: Sequence[str],
    judge: Draw,
    rng: np.random.Generator,
) -> dict[str, Hashable]:
    """Strings evolved from parents, with their keys, best first; the judge says which survive."""
    config = state.candidates
    survivors = max(config.enough // config.evolutions, 1)
    alive: dict[str, float] = {}
    keys: dict[str, Hashable] = {}
    judged: set[str] = set()
    for _ in range(config.generations):
        # All survivors have as many children: where the best have most, all is soon of one kind.
        chosen = [parents[i] for i in rng.integers(len(parents), size=config.recombined)]
        children = [s for s in pool.unseen(recombine(chosen, rng)) if s not in judged]
        judged.update(children)
        if not state.read_features:  # only what may be proposed need have a code
            keys.update(state.allowed(children, but=pool.keys.union(keys.values())))
            children = [s for s in children if s in keys]
        if children:
            codes = state.codes[:0] if state.read_features else state.space.codec.encode(children)
            alive.update(zip(children, judge(state.inputs(children, codes)).tolist(), strict=True))
        alive = _survivors(state, alive, survivors, keys, pool.keys)
        parents = list(alive) or parents
    return {string: keys[string] for string in alive}


def _survivors(
    state: SearchState,
    alive: dict[str, float],
    n: int,
    keys: dict[str, Hashable],
    but: set[Hashable],
) -> dict[str, float]:
    """The n best that may be proposed, best first; their keys join the others.

    Only these are checked: constraints can cost more than the judge does.
    """
    ranked = iter(sorted(alive, key=lambda string: alive[string]))
    best: dict[str, float] = {}
    while part := list(islice(ranked, n - len(best))):
        new = [string for string in part if string not in keys]
        keys.update(state.allowed(new, but=but.union(keys.values())))
        best.update({string: alive[string] for string in part if string in keys})
    return best


def _own_codes(state: SearchState, strings: list[str]) -> dict[str, Array]:
    """The code of each string; with `faithful`, of each that its code decodes to."""
    if not strings:
        return {}
    codes = state.space.codec.encode(strings)
    own = dict(zip(strings, codes, strict=True))
    if not state.candidates.faithful:
        return own
    again = state.space.codec.decode(codes)
    return {s: own[s] for s, other in zip(strings, again, strict=True) if s == other}
