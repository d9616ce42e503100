"""Objectives and constraints of molecules in words, and their defaults; imports RDKit only."""

from __future__ import annotations

from molecules.chem.constraints import Constraints
from molecules.chem.properties import PROPERTIES

DEFAULT_OBJECTIVE = "penalized_logp"
PENALISED = ("penalized_logp", "penalized_logp_b", "penalized_logp_raw", "penalized_logp_data")
DEFAULT_CAP = 38
"""Heavy atoms of the largest molecules of ZINC 250k, and the usual bound of published searches."""
FEWEST = 10
"""Known molecules with a value below which nothing can be learnt."""
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
        (c.require or None, " and ".join(c.require)),
        (c.domain, "inside the domain of the known molecules"),
    )
    return ", ".join(text for value, text in parts if value is not None)


def too_few(n: int, failure: str = "", left_out: str = "") -> str:
    """The sentence that says that only n known molecules have a value, and why others have none."""
    reason = f"; {left_out}" if left_out else ""
    return f"only {n} known molecules have a value: at least {FEWEST} are needed{failure}{reason}."
