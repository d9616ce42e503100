"""The batch of a search: candidates of several sources, judged by one acquisition function.

The latent source walks through the latent space by Markov chains whose density is
prior(z) x expected improvement(decode(z)) (`acquisition.chains`).  Evolution makes strings of parts
of known ones, for several generations.  A batch is chosen among the candidates of both.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from bayesopt.acquisition.candidates import Candidates, SearchState
from bayesopt.acquisition.chains import walk
from bayesopt.acquisition.functions import log_expected_improvement
from bayesopt.space import EVOLUTION, LATENT

Array = NDArray[np.float64]
DISAPPOINTING = 0.2
"""Share of a batch's scores worse than their 90 % intervals, up to which predictions hold."""
RECENT = 200
"""Scores by which predicted standard deviations are corrected."""
SAMPLES = 512
"""Joint samples of the surrogate by which a batch is chosen."""


@dataclass
class Judge:
    """The log expected improvement of strings, computed once for each.

    `values` has all strings that were judged, with -inf for what may not be proposed; `sources` and
    `keys` those that may.
    """

    state: SearchState
    values: dict[str, float] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    keys: dict[str, Hashable] = field(default_factory=dict)

    def __call__(self, strings: Sequence[str | None], source: str | None) -> Array:
        """Strings [N] that a source has found -> [N]; those of None are known already."""
        new = [s for s in dict.fromkeys(strings) if s is not None and s not in self.values]
        allowed = new
        if source is not None:
            keys = self.state.allowed(new, but=set(self.keys.values()))
            self.keys.update(keys)
            self.sources.update(dict.fromkeys(keys, source))
            self.values.update(dict.fromkeys(new, -np.inf))
            allowed = list(keys)
        if allowed:
            mean, variance = self.state.fitted().predict(self.state.inputs(allowed))
            found = log_expected_improvement(mean, variance, self.state.incumbent)
            self.values.update(zip(allowed, found.tolist(), strict=True))
        return np.array([-np.inf if s is None else self.values[s] for s in strings])

    def best(self, strings: Sequence[str], n: int) -> list[str]:
        """The n best of these strings that may be proposed or are known, best first."""
        hopeful = [s for s in dict.fromkeys(strings) if np.isfinite(self.values[s])]
        return sorted(hopeful, key=lambda s: -self.values[s])[:n]


def joint_improvement(state: SearchState, n: int, rng: np.random.Generator) -> Candidates:
    """The strings of greatest joint expected improvement among the candidates of all sources.

    The batch is chosen greedily, on joint samples of the surrogate: each string is the one that
    improves most on the best known and on those chosen before (q-EI; Ginsbourger et al. 2010, by
    Monte Carlo as in Wilson et al. 2018), which makes a batch diverse.
    """
    config, gp, judge = state.candidates, state.fitted(), Judge(state)
    known = state.best()
    judge(known[0], None)
    origins: dict[str, Array] = {}
    about: dict[str, Any] = getattr(gp, "about", dict)()
    if LATENT in config.sources:
        about.update(_walk(state, judge, known, origins, rng))
    if EVOLUTION in config.sources and state.space.recombine is not None:
        _evolve(state, judge, known[0], rng)
    for source in config.sources:
        about[f"{source}_candidates"] = list(judge.sources.values()).count(source)
    pool = judge.best(list(judge.sources), max(config.joint, n))
    if not pool:
        return Candidates(strings=[], origins=state.codes[:0], codes=state.codes[:0], about=about)
    points = state.inputs(pool)
    rows = greedy_improvement(gp.sample(points, SAMPLES, rng), state.incumbent, n)
    strings = [pool[i] for i in rows]
    codes = state.space.encode(strings)
    mean, variance = gp.predict_y(state.inputs(strings))
    return Candidates(
        strings=strings,
        origins=np.array([origins.get(s, code) for s, code in zip(strings, codes, strict=True)]),
        codes=codes,
        mean=mean,
        sd=np.sqrt(variance) * spread(state.errors),
        sources=[judge.sources[s] for s in strings],
        about=about,
    )


def trusted_generations(batches: Sequence[Array], most: int) -> int:
    """For how many generations evolution may follow the surrogate.

    Each generation leads further from what is known, to where the surrogate is only hopeful.
    So the first batch has one generation, and each next one more, if at most `DISAPPOINTING` of the
    scores of the batch before were worse than their 90 % intervals, else one less.  `batches` are
    scores minus predictions in standard deviations, [n] each, in order.
    """
    generations = 1
    for errors in batches:
        worse = float(np.mean(errors > norm.ppf(0.95)))
        generations += 1 if worse <= DISAPPOINTING else -1
        generations = min(max(generations, 1), most)
    return generations


def spread(batches: Sequence[Array]) -> float:
    """By what to widen (or narrow) predicted standard deviations, from the batches so far.

    What a search picks is what its surrogate is too hopeful of, so scores lie further from their
    predictions than the surrogate knows.  The factor is such that 90 % intervals would have covered
    90 % of the last `RECENT` scores.  `batches` are errors in standard deviations that were
    themselves widened by it, [n] each, in order.
    """
    factor, errors = 1.0, np.zeros(0)
    for batch in batches:
        errors = np.append(errors, factor * np.abs(batch))[-RECENT:]
        factor = max(float(np.quantile(errors, 0.9) / norm.ppf(0.95)), 0.1)
    return factor


def greedy_improvement(samples: Array, incumbent: float, n: int) -> list[int]:
    """At most n columns of joint samples [S, N] of scores: the next improves most on the others."""
    best = np.full(len(samples), incumbent)
    chosen: list[int] = []
    for _ in range(min(n, samples.shape[1])):
        gain = np.maximum(best[:, None] - samples, 0.0).mean(axis=0)
        gain[chosen] = -1.0
        chosen.append(int(np.argmax(gain)))
        best = np.minimum(best, samples[:, chosen[-1]])
    return chosen


def _walk(
    state: SearchState,
    judge: Judge,
    known: tuple[Sequence[str], Array, Array],
    origins: dict[str, Array],
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Chains from the codes of known strings and from the prior; what is to be said of them."""
    config, space = state.candidates, state.space
    _, codes, weights = known
    few = round(config.from_prior * config.chains)
    rows = rng.choice(len(codes), size=config.chains - few, p=weights)
    start = np.concatenate([codes[rows], state.prior.sample(few, rng)])

    def decode(points: Array) -> list[str | None]:
        strings = space.codec.decode(points)
        for string, point in zip(strings, points, strict=True):
            if string is not None:
                origins.setdefault(string, point)
        return strings

    mixing = walk(
        state.prior,
        start,
        decode=decode,
        log_likelihood=lambda strings: judge(strings, LATENT),
        steps=config.steps,
        temperatures=np.resize(config.temperatures, len(start)),
        rng=rng,
    )[1]
    return {"temperatures": config.temperatures, **asdict(mixing)}


def _evolve(
    state: SearchState, judge: Judge, parents: Sequence[str], rng: np.random.Generator
) -> None:
    """Generations of strings, each made from the best of the parents and of those before."""
    config, recombine = state.candidates, state.space.recombine
    assert recombine is not None
    for _ in range(trusted_generations(state.errors, config.generations)):
        chosen = [parents[i] for i in rng.integers(len(parents), size=config.children)]
        children = [s for s in recombine(chosen, rng) if s is not None]
        judge(children, EVOLUTION)
        parents = judge.best([*parents, *children], config.centres)
