"""Table of the latent space of `experiments.space` beside that of the shipped model."""

from __future__ import annotations

from typing import Any

from experiments.space.settings import RESULTS as SPACE
from experiments.tables.markdown import grid, load, number, read

MEANS = {
    "penalized_logp": ("penalised logP", 2),
    "logp": ("logP", 2),
    "sa": ("SA", 2),
    "qed": ("QED", 3),
    "weight": ("weight", 1),
    "rings_above_7": ("% with a ring of more than 7 atoms", 1),
}
SAMPLES = {"prior": "prior samples", "midpoints": "midpoints of two codes"}
TERMS = {"ks": "KS", "covariance": "covariance", "sliced": "sliced"}
NOISE = {
    "same": ("% decode to the same molecule", 1),
    "similarity": ("mean Tanimoto similarity", 2),
    "change": ("mean change of penalised logP", 2),
}
PROPERTIES = {"penalized_logp": "penalised logP", "qed": "QED"}


def space_table() -> list[str]:
    """Reconstruction, terms, samples, midpoints, noise, Gaussian process on codes."""
    shipped, ours = (read(SPACE / f"{name}.evaluation.json") for name in ("compact", "molecules"))
    rows: list[list[str]] = []

    def add(title: str, shipped: float | None, ours: float | None, digits: int, *data: str) -> None:
        rows.append([title, *(data or ("–",)), number(shipped, digits), number(ours, digits)])

    add("held-out molecules, exact %", _percent(shipped), _percent(ours), 1)
    for name, title in TERMS.items():
        values = (found["terms"].get(name) for found in (shipped, ours))
        add(f"{title} term of held-out codes", *values, 2, "1")
    for part, title in SAMPLES.items():
        for name, (meaning, digits) in MEANS.items():
            factor = 100 if name == "rings_above_7" else 1
            values = (factor * found[part][name] for found in (shipped, ours))
            data = number(factor * ours["data"][name], digits)
            add(f"{title}: {meaning}", *values, digits, data)
    for name in ("logp", "sa", "qed", "weight"):
        values = (found["prior"]["wasserstein"][name] for found in (shipped, ours))
        add(f"prior samples: 1-Wasserstein distance of {MEANS[name][0]}", *values, 3, "0")
    for level in ours["noise"]:
        for name, (meaning, digits) in NOISE.items():
            factor = 100 if name == "same" else 1
            values = (factor * found["noise"][level][name] for found in (shipped, ours))
            add(f"noise {level} on codes: {meaning}", *values, digits)
    process = read(SPACE / "molecules.gp.json")["150 iterations"]
    known = load("surrogate_sparse", "molecules")["surrogate"]
    for name, title in PROPERTIES.items():
        theirs = known if name == "penalized_logp" else {}
        values = (theirs.get("rmse"), process[name]["rmse"])
        add(
            f"Gaussian process on codes: RMSE of {title}", *values, 3, f"{process[name]['std']:.3f}"
        )
        values = (theirs.get("log_likelihood"), process[name]["ll"])
        add(f"Gaussian process on codes: log-likelihood of {title}", *values, 3)
    return grid(["", "held-out molecules", "shipped", "smooth"], rows)


def _percent(found: dict[str, Any]) -> float:
    return 100 * float(found["exact"])
