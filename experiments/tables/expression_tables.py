"""Tables of docs/expressions.md."""

from __future__ import annotations

from statistics import median

from experiments.tables.markdown import benchmark, grid, joined, load, trained
from experiments.tables.searches import baseline_bests, coverage, surrogate_table

EXACT = 1e-9
"""Scores below differ from 0 by rounding."""
SEARCHES = {
    "hidden": "six best hidden, 250 evaluations",
    "papers": "nothing hidden, `--protocol paper`, 250 evaluations",
    "open": "nothing hidden, new strings only, 250 evaluations",
    "half": "better half hidden, 500 evaluations",
}


def expression_tables() -> list[str]:
    """All of them."""
    return joined(
        model_table(),
        surrogate_table("90,000 / 10,000", {"ours": load("surrogate", "expressions")}),
        search_table(),
        ablation_table(),
        oracle_table(),
        gplearn_table(),
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


def ablation_table() -> list[str]:
    """The search without its parts, one after the other."""
    if not (found := benchmark("search_ablation")):
        return []
    header = [f"better half hidden, {found['budget']} evaluations, {found['seeds']} seeds"]
    header += ["median best", "worst seed", "exact", "evaluations to 0.11, median"]
    names = {"random": "random strings", "prior": "prior samples"}
    rows = [
        [
            names.get(row["search"], row["search"]),
            f"{row['median']:.4f}",
            f"{row['worst']:.4f}",
            row["exact"],
            "–" if row["reached"] is None else row["reached"],
        ]
        for row in found["results"]
    ]
    return grid(header, rows)


def oracle_table() -> list[str]:
    """Ranks of the best strings where none fits exactly, among all short expressions."""
    if not (found := benchmark("oracle_rank")):
        return []
    total = found["results"][0]["expressions"]
    header = [f"no string fits exactly, {found['budget']} evaluations", "best scores"]
    header += [f"ranks among all {total:,} of at most {found['longest']} productions"]
    header += ["the best of these", "random draws, ranks"]
    names = {"mixture": "a formula outside the grammar", "decay": "data with 10 % noise"}
    rows = []
    for target, name in names.items():
        seeds = [row for row in found["results"] if row["target"] == target]
        seeds.sort(key=lambda row: row["score"])
        cells = [
            ", ".join(f"{row[key]:{form}}" for row in seeds)
            for key, form in (("score", ".4f"), ("rank", ","), ("random_rank", ","))
        ]
        rows.append([name, *cells[:2], f"{seeds[0]['best_of_all']:.4f}", cells[2]])
    return grid(header, rows)


def gplearn_table() -> list[str]:
    """Errors on hidden targets, ours and gplearn's with its best population."""
    if not (found := benchmark("gplearn_targets")):
        return []
    size, seeds = str(found["population"]), found["seeds"]
    of = f"median of {seeds} seeds" if seeds > 1 else "1 seed"
    header = [f"hidden target, {found['evaluations']} evaluations, {of}", "ours", "found"]
    rows = [
        [
            f"`{row['target']}`",
            f"{median(row['ours']):.4f}",
            f"`{row['found'][row['ours'].index(min(row['ours']))]}`",
            f"{median(row['gplearn'][size]):.4f}",
        ]
        for row in found["results"]
    ]
    verdict = (
        f"ours is better on {found['ours_better']}, gplearn on {found['gplearn_better']}, equal "
        f"on {found['equal']}; median"
    )
    rows.append([verdict, f"{found['median_ours']:.4f}", "", f"{found['median_gplearn']:.4f}"])
    return grid([*header, f"gplearn, populations of {size}"], rows)


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
