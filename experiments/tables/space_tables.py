"""Table of the latent space of the shipped model beside that of a plain one."""

from __future__ import annotations

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
    both = [read(SPACE / f"{name}.evaluation.json") for name in ("plain", "molecules")]
    data = both[1]["data"]
    rows = [_row("exact reconstruction, %", [100 * found["exact"] for found in both], 1)]
    for name, title in TERMS.items():
        values = [found["terms"].get(name) for found in both]
        rows.append(_row(f"{title} term of held-out codes", values, 2, "1 of prior samples"))
    for part, title in SAMPLES.items():
        for name, (meaning, digits) in MEANS.items():
            factor = 100 if name == "rings_above_7" else 1
            values = [factor * found[part][name] for found in both]
            shown = number(factor * data[name], digits)
            rows.append(_row(f"{title}: {meaning}", values, digits, shown))
    for name in ("logp", "sa", "qed", "weight"):
        values = [found["prior"]["wasserstein"][name] for found in both]
        title = f"prior samples: 1-Wasserstein distance of {MEANS[name][0]}"
        rows.append(_row(title, values, 3, "0"))
    for level in both[1]["noise"]:
        for name, (meaning, digits) in NOISE.items():
            factor = 100 if name == "same" else 1
            values = [factor * found["noise"][level][name] for found in both]
            rows.append(_row(f"noise {level} on codes: {meaning}", values, digits))
    process = read(SPACE / "molecules.gp.json")
    known = load("surrogate_sparse", "molecules")["surrogate"]  # of penalised logP
    for name, title in PROPERTIES.items():
        ours, theirs = process[name], known if name == "penalized_logp" else {}
        title = f"Gaussian process on codes, {title}"
        spread = f"{number(ours['std'], 3)}, standard deviation"
        rows.append(_row(f"{title}: RMSE", [theirs.get("rmse"), ours["rmse"]], 3, spread))
        values = [theirs.get("log_likelihood"), ours["ll"]]
        rows.append(_row(f"{title}: mean log-likelihood", values, 3))
    return grid(["", "held-out molecules", "plain", "shipped"], rows)


def _row(title: str, values: list[float | None], digits: int, data: str = "–") -> list[str]:
    return [title, data, *(number(value, digits) for value in values)]
