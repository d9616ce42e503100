"""Strategies: from what is known to the next batch of strings worth an evaluation.

Each strategy is a function (view, n, rng) -> proposals.  What a code decodes to is re-encoded, and
the surrogate judges the string at that code: the one at which its score will join the data.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from bayesopt.acquisition.candidates import View, new_candidates
from bayesopt.acquisition.functions import (
    KrigingBeliever,
    log_expected_improvement,
    maximise_log_ei,
)
from bayesopt.space import Array
from bayesopt.surrogates.sparse_gp import SparseGP
from gmae_tf.errors import UserError


@dataclass(frozen=True)
class Proposal:
    """A string to evaluate (None: the code decodes to nothing), where it came from and lies."""

    string: str | None
    proposed_code: Array
    code: Array
    predicted_mean: float | None = None
    predicted_sd: float | None = None


Strategy = Callable[[View, int, np.random.Generator], list[Proposal]]


def random_strings(view: View, n: int, rng: np.random.Generator) -> list[Proposal]:
    """Baseline: strings drawn at random from the data."""
    return _collect(view, n, lambda: view.problem.sample_strings(4 * n, rng))


def prior_samples(view: View, n: int, rng: np.random.Generator) -> list[Proposal]:
    """Baseline: decoded samples of the prior of the latent space."""
    codec = view.problem.codec
    return _collect(view, n, lambda: codec.decode(view.problem.sample_prior(4 * n, rng)))


def _collect(view: View, n: int, draw: Callable[[], Sequence[str | None]]) -> list[Proposal]:
    """The first n strings of repeated draws that this search may evaluate and has not."""
    chosen: dict[str, Hashable] = {}
    for _ in range(view.effort.attempts):
        chosen.update(view.allowed(draw(), but=set(chosen.values())))
        if len(chosen) >= n:
            break
    strings = list(chosen)[:n]
    if not strings:
        return []
    codes = view.problem.codec.encode(strings)
    return [Proposal(s, z, z) for s, z in zip(strings, codes, strict=True)]


def trust_region_thompson(view: View, n: int, rng: np.random.Generator) -> list[Proposal]:
    """Thompson sampling in trust regions around the best codes (after Eriksson et al. 2019).

    Candidates surround the best known codes; each joint sample of the surrogate takes its best
    candidate that no earlier sample took, which keeps the batch diverse.  Where strings were
    evolved too, they get a share of the batch, and the evolutions take turns with what is best by
    their judges: far from all that is known the surrogate is unsure, and the hopes of one sample
    would otherwise take the whole batch, well-founded or not.
    """
    gp = view.surrogate
    found = new_candidates(view, rng)
    strings, origins, codes = found.strings, found.origins, found.codes
    if not strings:
        return []
    points = view.points(strings, codes)
    mean, variance = gp.predict(points)
    for i, string in enumerate(strings):
        if string in view.remembered:  # a known score of a deterministic objective is certain
            mean[i], variance[i] = view.remembered[string], 0.0
    sd = np.sqrt(variance + np.where(variance > 0, view.misfit, 0.0))
    decoded = np.flatnonzero(found.evolutions < 0)
    # Joint samples cost the cube of the number of candidates; the hopeless need none.
    hopeful = decoded[np.argsort((mean - 2 * sd)[decoded])[: max(1000, 4 * n)]]
    draws = gp.sample(points[hopeful], n, rng) if len(hopeful) else np.empty((n, 0))
    draws = np.where(variance[hopeful] > 0, draws, mean[hopeful])
    evolved = _in_turns(found.evolutions, rng)
    # The shares of a batch of 1 and of 50 are the same in the long run.
    turns = np.diff(np.floor(view.evolved * np.arange(n + 1) + rng.random())) > 0
    picks: list[int] = []
    for turn, sampled in zip(turns, draws, strict=True):
        left = np.flatnonzero(~np.isin(hopeful, picks))
        if evolved and (turn or not len(left)):
            picks.append(evolved.pop(0))
        elif len(left):
            picks.append(int(hopeful[left[np.argmin(sampled[left])]]))
    return [Proposal(strings[i], origins[i], codes[i], float(mean[i]), float(sd[i])) for i in picks]


def _in_turns(evolutions: NDArray[np.int64], rng: np.random.Generator) -> list[int]:
    """Rows of what was evolved: the first of each evolution in random order, the second, and on."""
    numbers = rng.permutation(np.unique(evolutions[evolutions >= 0]))
    rows = [np.flatnonzero(evolutions == number).tolist() for number in numbers]
    return [row for turn in zip_longest(*rows) for row in turn if row is not None]


def expected_improvement(view: View, n: int, rng: np.random.Generator) -> list[Proposal]:
    """The batch of Kusner et al. 2017: log EI by grid and L-BFGS-B, with a kriging believer.

    The grid is drawn in the trusted region, for the box of the training codes is nearly all empty
    space, and a refined code that leaves the region falls back to its grid point.  A pick that
    decodes to a known string costs no evaluation and stays in the batch as pending, so that the
    next pick looks elsewhere.
    """
    gp = view.surrogate
    if not isinstance(gp, SparseGP):
        raise UserError("--strategy ei needs covariances: use --surrogate sgpr or svgp")
    box = view.codes.min(axis=0), view.codes.max(axis=0)
    grid = view.trusted.sample(10_000, rng)
    grid_mean, _ = gp.predict(grid)
    incumbent = float(min(grid_mean.min(), gp.predict(view.codes)[0].min()))
    believer = KrigingBeliever(gp, grid)
    pending = np.empty((0, grid.shape[1]))
    proposals: list[Proposal] = []
    chosen: set[Hashable] = set()
    for _ in range(4 * n):
        if len(proposals) == n:
            break
        start = int(np.argmax(log_expected_improvement(grid_mean, believer.variance, incumbent)))
        believer.add(start)
        refined, _ = maximise_log_ei(gp, grid[[start]], box, incumbent, pending=pending)
        code = refined[0] if view.trusted.contains(refined)[0] else grid[start]
        pending = np.concatenate([pending, code[None]])
        proposal = _decoded(view, gp, code)
        allowed = view.allowed([proposal.string], but=chosen)
        if proposal.string is None or allowed:
            proposals.append(proposal)
            chosen.update(allowed.values())
    return proposals


def _decoded(view: View, gp: SparseGP, code: Array) -> Proposal:
    string = view.problem.codec.decode(code[None])[0]
    own = code if string is None else view.problem.codec.encode([string])[0]
    mean, variance = gp.predict(own[None])
    return Proposal(string, code, own, float(mean[0]), float(np.sqrt(variance[0])))


STRATEGIES: dict[str, Strategy] = {
    "turbo": trust_region_thompson,
    "ei": expected_improvement,
    "random": random_strings,
    "prior": prior_samples,
}
NEEDS_SURROGATE = frozenset({"turbo", "ei"})
