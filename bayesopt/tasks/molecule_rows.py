"""Published rows for molecules, and rows that are computed to stand beside them."""

from __future__ import annotations

import numpy as np

from bayesopt.report.summary import PublishedRow
from bayesopt.space import Array

PENALISED = ("penalized_logp", "penalized_logp_b", "penalized_logp_raw", "penalized_logp_data")
PUBLISHED = (
    PublishedRow(
        "GMAE",
        {
            "rmse": 1.400,
            "log_likelihood": -1.689,
            "top": ("4.15", "3.84", "3.12"),
            "validity": 0.72,
            "average_score": -5.08,
        },
        "Saseendran et al. 2021, appendix tables 2 and 4, and slides; no limit of size",
    ),
    PublishedRow(
        "GVAE",
        {
            "rmse": 1.404,
            "log_likelihood": -1.739,
            "top": ("2.94", "2.89", "2.80"),
            "validity": 0.31,
            "average_score": -9.57,
            "evaluations": 2500,
        },
        "Kusner et al. 2017; at most 277 rules",
    ),
    PublishedRow(
        "CVAE",
        {
            "rmse": 1.504,
            "log_likelihood": -1.812,
            "top": ("1.98", "1.42", "1.19"),
            "validity": 0.17,
            "average_score": -54.66,
            "evaluations": 2500,
        },
        "Kusner et al. 2017; at most 120 characters",
    ),
    PublishedRow(
        "JT-VAE",
        {"top": ("5.30", "4.93", "4.49"), "validity": 1.0, "evaluations": 2500},
        "Jin et al. 2018; no limit of size",
    ),
)
"""Normalised penalised logP; the constants of the normalisation differ in the third decimal."""


def published_rows(objective: str) -> tuple[PublishedRow, ...]:
    """What others published for an objective."""
    return PUBLISHED if objective == "penalized_logp" else ()


def best_of_data(values: Array, maximise: bool, source: str) -> PublishedRow:
    """The three best of the known molecules, in the user's sign."""
    ranked = np.sort(values[np.isfinite(values)])
    best = ranked[::-1][:3] if maximise else ranked[:3]
    return PublishedRow(
        "best known before", {"top": [float(v) for v in best]}, f"computed: {source}"
    )


def alkane(atoms: int, value: float) -> PublishedRow:
    """The unbranched alkane of the largest size allowed: what size alone is worth."""
    return PublishedRow(
        f"alkane C{atoms}",
        {"top": [float(value)]},
        "computed: a penalised logP grows with the molecule, and this needs no search",
    )
