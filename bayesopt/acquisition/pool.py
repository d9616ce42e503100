"""Candidates of a batch from several sources, judged by one acquisition.

The latent source walks in the latent space by Markov chains (`acquisition.chains`); evolution makes
strings of parts of known ones for several generations.  Both are judged by the expected improvement
that the surrogate predicts, and a batch is chosen among all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bayesopt.acquisition.candidates import Candidates, SearchState
from bayesopt.acquisition.chains import Mixing, walk
from bayesopt.acquisition.functions import log_expected_improvement

Array = NDArray[np.float64]
LATENT, EVOLUTION = "latent", "evolution"
SOURCES = (LATENT, EVOLUTION)


@dataclass(frozen=True)
class PoolConfig:
    """How hard to look for candidates.

    `chains` chains of `steps` steps at these temperatures start at the codes of the `centres` best
    known strings, better ones more often, and a share `from_prior` of them at samples of the prior.
    Evolution makes `children` strings from these best in each of `generations`, and from the best
    of the children.
    """

    sources: tuple[str, ...] = SOURCES
    centres: int = 100
    chains: int = 256
    steps: int = 6
    temperatures: tuple[float, ...] = (1.0, 0.3)
    from_prior: float = 0.1
    children: int = 300
    generations: int = 5
    joint: int = 500


@dataclass
class Judge:
    """The log expected improvement of strings, each computed once; -inf for what is not allowed.

    `values` are those of all strings judged so far, `sources` of those that may be proposed.
    """

    predict: Callable[[Sequence[str]], tuple[Array, Array]]
    allowed: Callable[[Sequence[str]], dict[str, Hashable]]
    incumbent: float
    values: dict[str, float] = field(default_factory=dict)
    keys: dict[str, Hashable] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)

    def known(self, strings: Sequence[str]) -> None:
        """Judge strings that are known: chains and evolutions may start there."""
        new = [s for s in dict.fromkeys(strings) if s not in self.values]
        if new:
            self._judge(new)

    def __call__(self, strings: Sequence[str | None], source: str) -> Array:
        """Strings [N] of a source -> [N]."""
        new = [s for s in dict.fromkeys(strings) if s is not None and s not in self.values]
        if new:
            allowed = self.allowed(new)
            self.values.update(dict.fromkeys(new, -np.inf))
            if allowed:
                self._judge(list(allowed))
            self.sources.update(dict.fromkeys(allowed, source))
            self.keys.update(allowed)
        return np.array([-np.inf if s is None else self.values[s] for s in strings])

    def _judge(self, strings: list[str]) -> None:
        mean, variance = self.predict(strings)
        values = log_expected_improvement(mean, variance, self.incumbent)
        self.values.update(zip(strings, values.tolist(), strict=True))


def latent_and_evolution(state: SearchState, n: int, rng: np.random.Generator) -> Candidates:
    """The batch of n strings with the greatest joint expected improvement among both sources."""
    config, space = state.pool, state.space
    gp = state.fitted()

    def predict(strings: Sequence[str]) -> tuple[Array, Array]:
        codes = space.encode(strings) if gp.reads_codes else None
        mean, variance = gp.predict(space.inputs(strings, codes))
        return mean, variance

    known, codes, weights = state.best(config.centres)
    judge = Judge(predict, lambda new: state.allowed(new, but=judge_keys(judge)), state.scores.min())
    judge.known(known)
    origins: dict[str, Array] = {}
    mixing = None
    if LATENT in config.sources:
        mixing = _walk(state, judge, codes, weights, origins, rng)
    if EVOLUTION in config.sources and space.recombine is not None:
        _evolve(state, judge, known, rng)
    pool = sorted(judge.sources, key=lambda s: -judge.values[s])[: max(config.joint, n)]
    if not pool:
        return Candidates(strings=[], origins=state.codes[:0], codes=state.codes[:0])
    own = space.encode(pool) if gp.reads_codes else None
    points = space.inputs(pool, own)
    mean, variance = gp.predict(points)
    rows = SELECT(gp, points, n, float(state.scores.min()), rng)
    strings = [pool[i] for i in rows]
    codes = space.encode(strings)
    sd = np.sqrt(variance[rows] + gp.noise_variance)
    return Candidates(
        strings=strings,
        origins=np.array([origins.get(s, c) for s, c in zip(strings, codes, strict=True)]),
        codes=codes,
        mean=mean[rows],
        sd=sd,
        sources=[judge.sources[s] for s in strings],
        mixing=mixing,
        pool=judge,
    )


def judge_keys(judge: Judge) -> set[Hashable]:
    return set(judge.keys.values())


def _walk(state, judge, codes, weights, origins, rng):
    config, space = state.pool, state.space
    prior = space.prior(state.codes)
    few = round(config.from_prior * config.chains)
    rows = rng.choice(len(codes), size=config.chains - few, p=weights)
    start = np.concatenate([codes[rows], prior.sample(few, rng)])

    def decode(points: Array) -> list[str | None]:
        strings = space.codec.decode(points)
        for string, point in zip(strings, points, strict=True):
            if string is not None:
                origins.setdefault(string, point)
        return strings

    temperatures = np.resize(config.temperatures, len(start))
    return walk(
        prior, start, decode, lambda s: judge(s, LATENT), config.steps, temperatures, rng
    )[1]


def _evolve(state, judge, known, rng):
    config, space = state.pool, state.space
    parents = list(known)
    best: list[str] = []
    for _ in range(config.generations):
        chosen = [parents[i] for i in rng.integers(len(parents), size=config.children)]
        children = list(dict.fromkeys(s for s in space.recombine(chosen, rng) if s is not None))
        judge(children, EVOLUTION)
        best = sorted({*best, *children}, key=lambda s: -judge.values[s])[: config.children]
        parents = [s for s in sorted({*known, *best}, key=lambda s: -judge.values[s]) if np.isfinite(judge.values[s])][: config.centres]


def thompson(gp, points, n, incumbent, rng):
    draws = gp.sample(points, n, rng)
    picks: list[int] = []
    for draw in draws:
        draw[picks] = np.inf
        if len(picks) < len(draw):
            picks.append(int(np.argmin(draw)))
    return picks


def greedy(gp, points, n, incumbent, rng):
    return list(range(min(n, len(points))))


def joint_ei(gp, points, n, incumbent, rng, samples=512):
    draws = gp.sample(points, samples, rng)
    best = np.full(samples, incumbent)
    picks: list[int] = []
    for _ in range(min(n, draws.shape[1])):
        gain = np.maximum(best[:, None] - draws, 0).mean(axis=0)
        gain[picks] = -1
        pick = int(np.argmax(gain))
        picks.append(pick)
        best = np.minimum(best, draws[:, pick])
    return picks


def ucb(gp, points, n, incumbent, rng):
    mean, variance = gp.predict(points)
    cov = gp.covariance(points)
    noise = gp.noise_variance + 1e-9
    picks: list[int] = []
    rowsL = []
    var = variance.copy()
    for i in range(min(n, len(mean))):
        score = mean - BETA * np.sqrt(np.maximum(var, 0))
        score[picks] = np.inf
        p = int(np.argmin(score)); picks.append(p)
        c = cov[:, p].copy()
        for r in rowsL: c -= r * r[p]
        r = c / np.sqrt(max(c[p], 0) + noise)
        rowsL.append(r); var = np.maximum(var - r * r, 0)
    return picks
BETA = 1.0
SELECT = joint_ei
