"""What a report of molecules calls things, and how it draws them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from molecules.chem.constraints import Constraints
from molecules.chem.draw import grid
from molecules.chem.properties import PROPERTIES

if TYPE_CHECKING:
    from bayesopt.report.canvas import Plot

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
    from bayesopt.report.canvas import Plot

    legends = [f"{i}:  {score:.4g}" for i, score in enumerate(scores, start=1)]
    with TemporaryDirectory() as folder:
        path = grid(list(top), Path(folder) / "top.svg", legends, columns=3)
        image = base64.b64encode(path.read_bytes()).decode("ascii")
    caption = f"Below each molecule stand its rank and its {name}."
    return Plot("The best molecules found", caption, f"data:image/svg+xml;base64,{image}")
