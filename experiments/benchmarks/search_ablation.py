"""Ablation of the search for expressions: the search without each part, or with another.

    python -m grammar.train --exclude-better-than 4.646 --epochs 40 --out runs/half-model
    python -m experiments.benchmarks.search_ablation --model runs/half-model [--seeds 5]

The protocol of weighted retraining (Tripp et al. 2020): the better half of the known strings is
hidden from autoencoder and surrogate.  Each row is a run of

    python -m bayesopt.run --task expr --exclude-better-than 4.646 --budget 500

with the row's options; random and prior sampling are the baselines of the first.  `reached` is the
median number of evaluations until the score is at most 0.11 (of two middle ones the higher), where
that many seeds reach it; `evaluations` are fewer than the budget where a search finds nothing new.
Runs stay in --work, and the same command continues there.
"""

from __future__ import annotations

import argparse
import sqlite3
import statistics
from pathlib import Path
from typing import Any

from experiments.benchmarks.record import parser_of, record
from experiments.runner import ROOT
from experiments.search.command import run_search

BAR = 0.11
HIDDEN = "4.646"
"""Half of the 100,000 strings score this or less."""
VARIANTS: dict[str, tuple[str, ...]] = {
    "default": (),
    "no evolution": ("--sources", "latent"),
    "the surrogate reads codes": ("--reads", "codes"),
    "codes, no evolution": ("--reads", "codes", "--sources", "latent"),
    "codes, no evolution, deep kernel": (
        *("--reads", "codes", "--sources", "latent", "--surrogate", "deep"),
    ),
    "codes, no evolution, expected improvement": (
        *("--reads", "codes", "--sources", "latent", "--strategy", "ei"),
    ),
    "batches of 10": ("--batch-size", "10"),
    "squared exponential kernel": ("--kernel", "squared_exponential"),
}


def main() -> None:
    """Run every variant, print a row for each, write all with --out."""
    options = _options()
    rows: list[dict[str, Any]] = []
    for name, flags in VARIANTS.items():
        rows += measure(name, flags, options)
    record(
        "search_ablation",
        options,
        ("tensorflow", "gpflow", "numpy"),
        budget=options.budget,
        seeds=options.seeds,
        results=rows,
    )


def measure(name: str, flags: tuple[str, ...], options: argparse.Namespace) -> list[dict[str, Any]]:
    """The variant's row, and with the first one those of its baselines."""
    out = options.work / name.replace(" ", "-").replace(",", "")
    results = run_search(
        out,
        *("--task", "expr", "--model", options.model, "--exclude-better-than", HIDDEN),
        *("--budget", options.budget, "--seeds", f"0-{options.seeds - 1}", *flags),
        *(("--no-baselines",) if flags else ()),
    )
    strategy = results["config"]["strategy"]
    rows = [summary(out, strategy, options.seeds) | {"search": name}]
    if not flags:
        rows += [summary(out, s, options.seeds) | {"search": s} for s in ("random", "prior")]
    for row in rows:
        print(
            f"{row['search']}: median {row['median']:.4f}, worst {row['worst']:.4f}, exact in "
            f"{row['exact']} of {options.seeds}, {BAR} reached after {row['reached']}",
            flush=True,
        )
    return rows


def summary(out: Path, strategy: str, seeds: int) -> dict[str, Any]:
    """Best scores of the seeds, and when the bar was reached."""
    query = "SELECT score FROM trials WHERE strategy = ? AND seed = ? AND score IS NOT NULL"
    best, reached, evaluations = [], [], []
    with sqlite3.connect(out / "trials.sqlite") as store:
        for seed in range(seeds):
            found = store.execute(f"{query} ORDER BY evaluation", (strategy, seed)).fetchall()
            scores = [score for (score,) in found]
            best.append(min(scores))
            evaluations.append(len(scores))
            reached.append(next((i for i, s in enumerate(scores, 1) if s <= BAR), float("inf")))
    median = statistics.median_high(reached)
    return {
        "best": best,
        "evaluations": evaluations,
        "median": statistics.median(best),
        "worst": max(best),
        "exact": sum(score < 1e-9 for score in best),
        "reached": None if median == float("inf") else median,
    }


def _options() -> argparse.Namespace:
    parser = parser_of(__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--budget", type=int, default=500)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "ablation")
    return parser.parse_args()


if __name__ == "__main__":
    main()
