"""Strategies: the next batch of strings worth an evaluation.

Each strategy is a function (state, n, rng) -> at most n candidates.  What a code decodes to is
re-encoded, and the surrogate judges the string at that code: the one at which its score will join
the data.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np

from bayesopt.acquisition.candidates import Candidates, SearchState
from bayesopt.acquisition.functions import (
    KrigingBeliever,
    log_expected_improvement,
    maximise_log_ei,
)
from bayesopt.acquisition.pool import joint_improvement
from bayesopt.trusted_region import Array
from gmae_tf.errors import UserError

ATTEMPTS = 10
"""Draws of a baseline for a batch, where many of them are known or infeasible."""
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
    for _ in range(ATTEMPTS):
        chosen.update(state.allowed(draw(), but=set(chosen.values())))
        if len(chosen) >= n:
            break
    strings = list(chosen)[:n]
    codes = state.space.encode(strings)
    return Candidates(strings=strings, origins=codes, codes=codes)


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
    "joint": joint_improvement,
    "ei": expected_improvement,
    "random": random_strings,
    "prior": prior_samples,
}
NEEDS_SURROGATE = frozenset({"joint", "ei"})
