"""Strategies: the next batch of strings worth an evaluation.

Each strategy is a function (state, n, rng) -> at most n candidates.  What a code decodes to is
re-encoded, and the surrogate judges the string at that code: the one at which its score will join
the data.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesopt.acquisition.candidates import LCB_WIDTH, Candidates, SearchState, new_candidates
from bayesopt.acquisition.functions import (
    KrigingBeliever,
    log_expected_improvement,
    lower_confidence_bound,
    maximise_log_ei,
)
from bayesopt.trusted_region import Array
from gmae_tf.errors import UserError

Strategy = Callable[[SearchState, int, np.random.Generator], Candidates]


def random_strings(state: SearchState, n: int, rng: np.random.Generator) -> Candidates:
    """Baseline: strings drawn at random from the data."""
    pool = np.array(state.start if state.space.pool is None else state.space.pool, dtype=object)
    return _collect(state, n, lambda: [str(s) for s in rng.choice(pool, size=4 * n)])


def prior_samples(state: SearchState, n: int, rng: np.random.Generator) -> Candidates:
    """Baseline: decoded samples of the prior of the latent space."""
    space = state.space
    return _collect(state, n, lambda: space.codec.decode(space.sample_prior(4 * n, rng)))


def _collect(state: SearchState, n: int, draw: Callable[[], Sequence[str | None]]) -> Candidates:
    """The first n strings of repeated draws that this search may evaluate and has not."""
    chosen: dict[str, Hashable] = {}
    for _ in range(state.candidates.attempts):
        chosen.update(state.allowed(draw(), but=set(chosen.values())))
        if len(chosen) >= n:
            break
    strings = list(chosen)[:n]
    codes = state.space.encode(strings)
    return Candidates(strings=strings, origins=codes, codes=codes)


def trust_region_thompson(state: SearchState, n: int, rng: np.random.Generator) -> Candidates:
    """Thompson sampling in trust regions around the best codes (after Eriksson et al. 2019).

    Candidates surround the best known codes; each joint sample of the surrogate takes its best
    candidate that no earlier sample took, which keeps the batch diverse.  Where strings were
    evolved too, they get a share of the batch, and the evolutions take turns with what is best by
    their judges: far from all known points the surrogate is unsure, and the lowest values of one
    sample would otherwise take the whole batch, well-founded or not.
    """
    gp = state.fitted()
    pool = new_candidates(state, rng)
    strings = [str(s) for s in pool.strings]
    if not strings or pool.evolutions is None:
        return pool
    points = state.inputs(strings, pool.codes)
    mean, variance = gp.predict(points)
    for i, string in enumerate(strings):
        if string in state.remembered:  # a known score of a deterministic objective is certain
            mean[i], variance[i] = state.remembered[string], 0.0
    total = variance + np.where(variance > 0, state.discrepancy_variance, 0.0)
    decoded = np.flatnonzero(pool.evolutions < 0)
    # Joint samples cost the cube of the number of candidates; the hopeless need none.
    bound = lower_confidence_bound(mean, total, LCB_WIDTH**2)
    hopeful = decoded[np.argsort(bound[decoded])[: max(1000, 4 * n)]]
    draws = gp.sample(points[hopeful], n, rng) if len(hopeful) else np.empty((n, 0))
    draws = np.where(variance[hopeful] > 0, draws, mean[hopeful])
    evolved = _in_turns(pool.evolutions, rng)
    # The shares of a batch of 1 and of 50 are the same in the long run.
    turns = np.diff(np.floor(state.evolved_share * np.arange(n + 1) + rng.random())) > 0
    picks: list[int] = []
    for turn, sampled in zip(turns, draws, strict=True):
        left = np.flatnonzero(~np.isin(hopeful, picks))
        if evolved and (turn or not len(left)):
            picks.append(evolved.pop(0))
        elif len(left):
            picks.append(int(hopeful[left[np.argmin(sampled[left])]]))
    return Candidates(
        strings=[strings[i] for i in picks],
        origins=pool.origins[picks],
        codes=pool.codes[picks],
        mean=mean[picks],
        sd=np.sqrt(total)[picks],
    )


def _in_turns(evolutions: NDArray[np.int64], rng: np.random.Generator) -> list[int]:
    """Rows of what was evolved: the first of each evolution in random order, the second, and on."""
    numbers = rng.permutation(np.unique(evolutions[evolutions >= 0]))
    rows = [np.flatnonzero(evolutions == number).tolist() for number in numbers]
    return [row for turn in zip_longest(*rows) for row in turn if row is not None]


def expected_improvement(state: SearchState, n: int, rng: np.random.Generator) -> Candidates:
    """The batch of Kusner et al. 2017: log EI by grid and L-BFGS-B, with a kriging believer.

    The grid is drawn in the trusted region, for the box of the training codes is nearly all empty
    space, and a refined code that leaves the region falls back to its grid point.  A pick that
    decodes to a known string costs no evaluation and stays in the batch as pending, so that the
    next pick looks elsewhere.
    """
    gp: Any = state.fitted()
    if not hasattr(gp, "believing"):
        raise UserError("--strategy ei needs covariances: use --surrogate sgpr or svgp")
    box = state.codes.min(axis=0), state.codes.max(axis=0)
    grid = state.region.sample(10_000, rng)
    grid_mean, _ = gp.predict(grid)
    incumbent = float(min(grid_mean.min(), gp.predict(state.codes)[0].min()))
    believer = KrigingBeliever(gp, grid)
    pending = np.empty((0, grid.shape[1]))
    strings: list[str | None] = []
    picks: list[tuple[Array, Array, float, float]] = []
    chosen: set[Hashable] = set()
    for _ in range(4 * n):
        if len(picks) == n:
            break
        start = int(np.argmax(log_expected_improvement(grid_mean, believer.variance, incumbent)))
        believer.add(start)
        refined, _ = maximise_log_ei(gp, grid[[start]], box, incumbent, pending=pending)
        code = refined[0] if state.region.contains(refined)[0] else grid[start]
        pending = np.concatenate([pending, code[None]])
        string = state.space.codec.decode(code[None])[0]
        own = code if string is None else state.space.encode([string])[0]
        mean, variance = gp.predict(own[None])
        allowed = state.allowed([string], but=chosen)
        if string is None or allowed:
            strings.append(string)
            picks.append((code, own, float(mean[0]), float(np.sqrt(variance[0]))))
            chosen.update(allowed.values())
    if not picks:
        return Candidates(strings=[], origins=grid[:0], codes=grid[:0])
    origins, codes, means, sds = (np.array(column) for column in zip(*picks, strict=True))
    return Candidates(strings=strings, origins=origins, codes=codes, mean=means, sd=sds)


STRATEGIES: dict[str, Strategy] = {
    "turbo": trust_region_thompson,
    "ei": expected_improvement,
    "random": random_strings,
    "prior": prior_samples,
}
NEEDS_SURROGATE = frozenset({"turbo", "ei"})
