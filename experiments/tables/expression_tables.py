"""Tables of docs/expressions.md."""

from __future__ import annotations

from experiments.tables.markdown import benchmark, grid, joined, load, trained
from experiments.tables.searches import baseline_bests, coverage, surrogate_table

EXACT = 1e-9
"""Scores below differ from 0 by rounding."""
SEARCHES = {
    "hidden": "six best hidden, 250 evaluations",
    "hidden_latent": "the same, `--sources latent`",
    "hidden_evolution": "the same, `--sources evolution`",
    "half": "better half hidden, 500 evaluations",
    "papers": "nothing hidden, `--protocol paper`, 250 evaluations",
}


def expression_tables() -> list[str]:
    """All of them."""
    return joined(
        model_table(),
        surrogate_table("90,000 / 10,000", {"ours": load("surrogate", "expressions")}),
        search_table(),
        batch_table(),
    )


def model_table() -> list[str]:
    """Measurements of the pretrained model."""
    results = trained("expressions")
    rows = {
        "held-out strings reconstructed exactly (greedy)": "exact_match",
        "KS term of codes, official and short strings as in training": "ks",
        "covariance term of the same": "covariance",
        "sliced term of the same": "sliced",
        "prior samples that decode to a complete, valid string": "prior_complete",
        "distinct among them": "prior_distinct",
        "new among them": "prior_new",
    }
    lines = [[meaning, f"{results[key]:.4f}"] for meaning, key in rows.items()]
    lines.append(["training steps", f"{results['history'][-1]['steps']:,}"])
    return grid(["measured on the model", "value"], lines)


def search_table() -> list[str]:
    """The searches, with their baselines."""
    header = ["search", "seeds", "median best", "worst seed", "seeds that reach 0"]
    header += ["in the 90 % interval", "top 3", "random, median best", "prior samples, median best"]
    rows = []
    for name, meaning in SEARCHES.items():
        if results := load(name, "expressions"):
            bests = results["best_per_seed"]
            rows.append(
                [
                    meaning,
                    len(results["seeds"]),
                    f"{results['median_best']:.4f}",
                    f"{max(bests):.4f}",
                    sum(best < EXACT for best in bests),
                    coverage(results),
                    ", ".join(f"`{row['string']}` {row['score']:.4f}" for row in results["top"]),
                    *baseline_bests(results, 4),
                ]
            )
    return grid(header, rows)


def batch_table() -> list[str]:
    """Seconds of a batch on 90,000 points."""
    if not (found := benchmark("search_batch")):
        return []
    header = [f"a batch of {found['batch_size']}: refit, propose, decode, score"]
    names = {"best": "default", "paper": "`--protocol paper`"}
    rows = [
        [
            names[row["protocol"]],
            f"{row['points']:,}",
            f"{row['first_fit']:.0f} s",
            f"{row['batch']:.0f} s",
        ]
        for row in found["results"]
    ]
    return grid([*header, "training points", "first fit", "each batch"], rows)
