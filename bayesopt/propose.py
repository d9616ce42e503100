"""Strategies: from what is known to the next batch of strings worth an evaluation.

Each strategy is a function (view, n, rng) -> proposals.  What a code decodes to is re-encoded, and
the surrogate judges the string at that code: the one at which its score will join the data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from bayesopt.acquisition import KrigingBeliever, log_expected_improvement, maximise_log_ei
from bayesopt.problem import Array, Problem, TrustedRegion
from bayesopt.surrogate import SparseGP


@dataclass(frozen=True)
class Proposal:
    """A string to evaluate (None: the code decodes to nothing), where it came from and lies."""

    string: str | None
    proposed_code: Array
    code: Array
    predicted_mean: float | None = None
    predicted_sd: float | None = None


@dataclass(frozen=True)
class Effort:
    """How hard to look for candidates; what each decode costs sets the measure.

    `draws` codes are decoded in an attempt, at most `attempts` times, until `enough` strings are
    found; the `centres` best known codes are surrounded.  With `screen` above 1, so many codes are
    drawn for each one that is decoded, and the surrogate says which; a third of that in each
    further attempt, for its favourites may all be known or forbidden.  With `anywhere`, samples of
    the prior are tried where nothing at all was found around the centres.
    """

    draws: int = 2000
    enough: int = 2000
    attempts: int = 10
    centres: int = 200
    screen: int = 1
    anywhere: bool = False


@dataclass
class View:
    """What a strategy may look at.

    `codes` [N, D] and `scores` [N] are all that is known, evaluated strings included; `known` are
    their strings, which need no second evaluation; `length` bounds the steps from a centre;
    `remembered` are the scores of known strings that may nevertheless be proposed; `centres` are
    codes and scores of what candidates may surround, where not everything known is; with `novel`,
    what is in the training data may not be proposed.
    """

    problem: Problem
    trusted: TrustedRegion
    gp: SparseGP | None
    codes: Array
    scores: Array
    known: set[str]
    length: float = 1.0
    remembered: Mapping[str, float] = field(default_factory=dict)
    centres: tuple[Array, Array] | None = None
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
    chosen: dict[str, None] = {}
    for _ in range(view.effort.attempts):
        chosen.update(dict.fromkeys(view.allowed(draw())))
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
    candidate that no earlier sample took, which keeps the batch diverse.
    """
    gp = _surrogate(view)
    strings, origins, codes = new_candidates(view, rng)
    if not strings:
        return []
    mean, variance = gp.predict(codes)
    for i, string in enumerate(strings):
        if string in view.remembered:  # a known score of a deterministic objective is certain
            mean[i], variance[i] = view.remembered[string], 0.0
    # Joint samples cost the cube of the number of candidates; the hopeless need none.
    hopeful = np.argsort(mean - 2 * np.sqrt(variance))[: max(1000, 4 * n)]
    draws = gp.sample(codes[hopeful], n, rng)
    draws = np.where(variance[hopeful] > 0, draws, mean[hopeful])
    picks: list[int] = []
    for draw in draws[:, : len(hopeful)]:
        free = [i for i in np.argsort(draw)[: len(picks) + 1] if i not in picks]
        if free:
            picks.append(int(free[0]))
    return [
        Proposal(strings[i], origins[i], codes[i], float(mean[i]), float(np.sqrt(variance[i])))
        for i in hopeful[picks]
    ]


def new_candidates(view: View, rng: np.random.Generator) -> tuple[list[str], Array, Array]:
    """Unknown strings around the best codes: strings, the codes that gave them, their own codes.

    Draws until there are enough, or no more are found in reasonable time.
    """
    effort, n = view.effort, view.effort.draws
    codes, scores = view.centres or (view.codes, view.scores)
    best = np.argsort(scores, kind="stable")[: effort.centres]
    weights = 1.0 / np.arange(1, len(best) + 1)
    found: dict[str, Array] = {}
    refused: set[str | None] = set()
    for attempt in range(effort.attempts + effort.anywhere):
        if attempt == effort.attempts and found:
            break
        screen = max(effort.screen // 3**attempt, 1)
        drawn = n * screen
        centres = codes[rng.choice(best, size=drawn, p=weights / weights.sum())]
        # Sizes differ: one string may fill a large neighbourhood, another a tiny one.
        sizes = view.length * rng.uniform(0.25, 1.0, size=(drawn, 1))
        origins = view.trusted.step(centres, sizes, rng)
        origins = origins[view.trusted.contains(origins)]
        if screen > 1:
            origins = _promising(_surrogate(view), origins, n, rng)
        if attempt == effort.attempts:
            origins = view.problem.sample_prior(n, rng)
        if attempt == 0:  # the centres themselves, where known strings may be proposed again
            origins = np.concatenate([codes[best], origins])
        decoded = view.problem.codec.decode(origins)
        fresh = set(view.allowed(s for s in decoded if s not in found and s not in refused))
        for string, origin in zip(decoded, origins, strict=True):
            if string in fresh and string is not None:
                found.setdefault(string, origin)
        refused.update(s for s in decoded if s not in found)
        if len(found) >= effort.enough:
            break
    if not found:
        return [], *np.empty((2, 0, view.codes.shape[1]))
    strings = list(found)
    return strings, np.stack(list(found.values())), view.problem.codec.encode(strings)


def _promising(gp: SparseGP, codes: Array, n: int, rng: np.random.Generator) -> Array:
    """At most n of the codes [N, D], by a draw from each one's own posterior.

    Independent draws keep what is uncertain in the race, and cost no joint covariance.
    """
    mean, variance = gp.predict(codes)
    draws = mean + np.sqrt(variance) * rng.standard_normal(len(mean))
    return codes[np.sort(np.argsort(draws, kind="stable")[:n])]


def expected_improvement(view: View, n: int, rng: np.random.Generator) -> list[Proposal]:
    """The batch of Kusner et al. 2017: log EI by grid and L-BFGS-B, with a kriging believer.

    The grid is drawn in the trusted region, for the box of the training codes is nearly all empty
    space, and a refined code that leaves the region falls back to its grid point.  A pick that
    decodes to a known string costs no evaluation and stays in the batch as pending, so that the
    next pick looks elsewhere.
    """
    gp = _surrogate(view)
    box = view.codes.min(axis=0), view.codes.max(axis=0)
    grid = view.trusted.sample(10_000, rng)
    grid_mean, _ = gp.predict(grid)
    incumbent = float(min(grid_mean.min(), gp.predict(view.codes)[0].min()))
    believer = KrigingBeliever(gp, grid)
    pending = np.empty((0, grid.shape[1]))
    proposals: list[Proposal] = []
    seen = set(view.known)
    for _ in range(4 * n):
        if len(proposals) == n:
            break
        start = int(np.argmax(log_expected_improvement(grid_mean, believer.variance, incumbent)))
        believer.add(start)
        refined, _ = maximise_log_ei(gp, grid[[start]], box, incumbent, pending=pending)
        code = refined[0] if view.trusted.contains(refined)[0] else grid[start]
        pending = np.concatenate([pending, code[None]])
        proposal = _decoded(view, gp, code)
        if proposal.string is None or (
            proposal.string not in seen and view.allowed([proposal.string])
        ):
            proposals.append(proposal)
            seen.add(proposal.string or "")
    return proposals


def _decoded(view: View, gp: SparseGP, code: Array) -> Proposal:
    string = view.problem.codec.decode(code[None])[0]
    own = code if string is None else view.problem.codec.encode([string])[0]
    mean, variance = gp.predict(own[None])
    return Proposal(string, code, own, float(mean[0]), float(np.sqrt(variance[0])))


def _surrogate(view: View) -> SparseGP:
    if view.gp is None:
        raise ValueError("this strategy needs a surrogate")
    return view.gp


STRATEGIES: dict[str, Strategy] = {
    "turbo": trust_region_thompson,
    "ei": expected_improvement,
    "random": random_strings,
    "prior": prior_samples,
}
NEEDS_SURROGATE = frozenset({"turbo", "ei"})
