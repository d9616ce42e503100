"""Tables of searches as users have them: a function of DNA, and a laboratory that is simulated."""

from __future__ import annotations

from typing import Any

from experiments.laboratory import TITLES, table
from experiments.tables.markdown import grid, joined, load, number

LABORATORIES = {
    "freesolv": "hydration free energy, kcal/mol, minimised (FreeSolv)",
    "solubility": "log10 of the solubility in mol/l, maximised",
}


def laboratory_tables() -> list[str]:
    """Rounds of ask and tell beside random choice, a table a property."""
    tables = []
    for name, title in LABORATORIES.items():
        if not (results := load(f"laboratory_{name}", "molecules")):
            continue
        about = (
            f"{title}: {len(results['campaigns'])} campaigns on {results['molecules']:,} molecules"
        )
        tables.append([f"{about}.", "", *grid(TITLES, table(results))])
    return joined(*tables) if tables else ["Not measured yet."]


def dna_table() -> list[str]:
    """The TATA box: evaluations that each seed took, and who proposed them."""
    if not (results := load("tata", "strings")):
        return ["Not measured yet."]
    rows: dict[str, Any] = {"this search": results, **results["baselines"]}
    shares = [f"{name} {100 * s['evaluations']:.0f} %" for name, s in results["sources"].items()]
    lines = []
    for name, found in rows.items():
        best, target = found["best_per_seed"], results["config"]["target_score"]
        solved = [score >= target for score in best]
        evaluations = sorted(found["evaluations_per_seed"])
        lines.append(
            [
                name,
                f"{sum(solved)} of {len(solved)}",
                f"{evaluations[0]} to {evaluations[-1]}",
                number(found["median_best"], 2),
                ", ".join(shares) if name == "this search" else "–",
            ]
        )
    header = ["", "seeds that found it", "evaluations", "median best score", "proposed by"]
    return grid(header, lines)
