"""The report of a search for molecules: published and computed rows, names, drawings."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from bayesopt.report.summary import PublishedRow
from bayesopt.trusted_region import Array
from molecules.chem.constraints import Constraints
from molecules.chem.draw import grid
from molecules.chem.properties import PROPERTIES

if TYPE_CHECKING:
    from bayesopt.report.figures import Plot

PENALISED = ("penalized_logp", "penalized_logp_b", "penalized_logp_raw", "penalized_logp_data")
DEFAULT_CAP = 38
"""Heavy atoms of the largest molecules of ZINC 250k, and the usual bound of published searches."""
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

NAMES = {
    "logp": "logP",
    "sa": "SA score",
    "qed": "QED",
    "penalized_logp": "penalised logP",
    "penalized_logp_b": "penalised logP (constants B)",
    "penalized_logp_raw": "raw penalised logP",
    "penalized_logp_data": "penalised logP (own constants)",
    "tpsa": "TPSA",
    "molecular_weight": "molecular weight",
}


def default_constraints(objective: str | None) -> Constraints:
    """Bounds where none are given: the size, for what grows with it."""
    return Constraints(max_heavy_atoms=DEFAULT_CAP if objective in PENALISED else None)


def published_rows(objective: str) -> tuple[PublishedRow, ...]:
    """What others published for an objective."""
    return PUBLISHED if objective == "penalized_logp" else ()


def best_of_data(values: Array, maximize: bool, source: str) -> PublishedRow:
    """The three best of the known molecules, in the user's sign."""
    ranked = np.sort(values[np.isfinite(values)])
    best = ranked[::-1][:3] if maximize else ranked[:3]
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


def score_name(wanted: str) -> str:
    """A property, a function or a column as a reader calls it."""
    name = wanted.rpartition(":")[2]
    return NAMES.get(name, name.replace("_", " ") if name in PROPERTIES else name)


def meaning(wanted: str | None, to: str | None) -> str:
    """An objective with its meaning; empty where we know none."""
    if wanted == "similarity":
        return f"Tanimoto similarity of Morgan fingerprints to {to}"
    if wanted not in PROPERTIES:
        return ""
    return f"{score_name(wanted)} ({PROPERTIES[wanted].meaning})"


def limits(c: Constraints) -> str:
    """Constraints as a list in words; empty if there are none."""
    parts = (
        (c.max_heavy_atoms, f"at most {c.max_heavy_atoms} heavy atoms"),
        (c.max_sa, f"SA score at most {c.max_sa}"),
        (c.no_alerts or None, "no PAINS or BRENK alerts"),
        (c.min_similarity, f"similarity of {c.min_similarity} or more to {c.to}"),
    )
    return ", ".join(text for value, text in parts if value is not None)


def drawing(top: Sequence[str], scores: Sequence[float], name: str) -> Plot:
    """The best molecules, each with its rank and score."""
    from bayesopt.report.figures import Plot

    legends = [f"{i}:  {score:.4g}" for i, score in enumerate(scores, start=1)]
    with TemporaryDirectory() as folder:
        path = grid(list(top), Path(folder) / "top.svg", legends, columns=3)
        image = base64.b64encode(path.read_bytes()).decode("ascii")
    caption = f"Below each molecule stand its rank and its {name}."
    return Plot("The best molecules found", caption, f"data:image/svg+xml;base64,{image}")
