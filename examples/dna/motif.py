"""An objective of DNA: how well the best window of a sequence fits the TATA box."""

from __future__ import annotations

from math import log2

COUNTS = {
    "A": (16, 352, 3, 354, 268, 360, 222),
    "C": (46, 0, 10, 0, 0, 3, 2),
    "G": (18, 2, 2, 5, 0, 20, 44),
    "T": (309, 35, 374, 30, 121, 6, 121),
}
"""Bases at the seven central positions of 389 TATA boxes (TBP, JASPAR MA0108.1)."""
SITES, WIDTH = 389, 7
BEST = "TATAAAA"
"""The window of the highest score."""


def score(sequence: str) -> float:
    """Log odds of the best window against equally frequent bases, in bits; 11.8 at most.

    One site is added to each count.  A sequence has seven bases or more.

    >>> round(score("CC" + BEST + "GG"), 2), round(score("CCTATAACAGG"), 2)
    (11.8, 5.31)
    """
    windows = [sequence[i : i + WIDTH] for i in range(len(sequence) - WIDTH + 1)]
    return max(map(_log_odds, windows))


def _log_odds(window: str) -> float:
    return sum(log2(4 * (COUNTS[b][i] + 1) / (SITES + 4)) for i, b in enumerate(window))
