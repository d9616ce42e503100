"""Statistics of past evaluations: trust length, share of sources, discrepancy variance."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

from bayesopt.storage import Trial
from bayesopt.trusted_region import Array

RECENT = 200
"""Evaluations from which the discrepancy variance is estimated; half of them for shares."""
PRIOR_COUNT, LEAST_SHARE = 10, 0.1
"""Pseudo-counts of the evolved share, half of them evolved; the least share of either source."""
UNASKED = -1
"""Batch number of strings that were told without having been proposed."""


def estimate_discrepancy(done: list[Trial], truth: Array, noise: float) -> float:
    """Variance of scores [N] about the surrogate's f, from what was predicted of them before.

    A score is exact, so what the surrogate takes for noise is what it cannot express, and may be
    as good as it may be bad.  Before anything was predicted it is the noise variance; then such
    that 90 % of the recent scores lie in their 90 % interval.
    """
    pairs = zip(truth[-RECENT:], done[-RECENT:], strict=True)
    errors = [abs(score - t.predicted_mean) for score, t in pairs if t.predicted_mean is not None]
    return float(np.quantile(errors, 0.9) / norm.ppf(0.95)) ** 2 if errors else noise


def evolved_share(done: list[Trial]) -> float:
    """Batch fraction for evolutionary candidates.

    Their share of the best quarter of the recent trials, shrunk to 1/2 and clipped to [0.1, 0.9].
    A decoded string is told by a code of its own beside the one it came from.
    """
    recent = sorted(done[-RECENT // 2 :], key=lambda t: float(t.score or 0.0))
    best = recent[: max(len(recent) // 4, 1)]
    evolved = sum(np.array_equal(t.proposed_code, t.code) for t in best)
    share = (evolved + PRIOR_COUNT / 2) / (len(best) + PRIOR_COUNT)
    return float(np.clip(share, LEAST_SHARE, 1 - LEAST_SHARE))


def trust_length(done: list[Trial], start: float, lengths: tuple[float, float, float]) -> float:
    """Largest step from a centre (see `TrustedRegion.step`), replayed from the trials.

    A batch that improves on everything before doubles it, one that does not halves it.
    """
    (length, least, greatest), best = lengths, start
    for batch in sorted({trial.batch for trial in done} - {UNASKED}):
        values = [trial.score for trial in done if trial.batch == batch and trial.score is not None]
        improved = min(values) < best
        best = min(best, *values)
        length = min(max(length * (2.0 if improved else 0.5), least), greatest)
    return length
