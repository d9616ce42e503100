r"""The rank of what a search finds among all expressions, where none fits exactly.

    python -m experiments.benchmarks.oracle_rank [--budget 500] [--seeds 3] [--out FILE]

Two CSV files of 200 points from -10 to 10: `mixture`, 2.5 sin(1.3 x) + x^2/5, which no string of
the grammar can be, and `decay`, 4 exp(-x^2/8) + x/2 with normal noise of 10 % of the standard
deviation of y, as a user may have measured it.  Each is searched by what a user runs,

    python -m bayesopt.run --task expr --target-csv FILE --budget 500 \
        --model data/pretrained/expressions

and ranked among all expressions of at most 12 productions (`experiments.search.exhaustive`); what
the search finds may be longer, and then it may be better than all of them.  Strings that score the
same are as good.  Beside it stand as many random draws from the 100,000 known strings.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from experiments.benchmarks.record import parser_of, record
from experiments.search.command import run_search
from experiments.search.exhaustive import Oracle
from grammar.autoencoder.model import SHIPPED
from grammar.expressions.targets import load_target
from grammar.library import load_grammar

POINTS, NOISE = 200, 0.1
MODEL = SHIPPED / "expressions"
TARGETS = ("mixture", "decay")


def main() -> None:
    """Search and rank both, print a row for each seed, write all with --out."""
    options = _options()
    rows: list[dict[str, Any]] = []
    with TemporaryDirectory() as folder:
        for name in TARGETS:
            rows += measure(name, options, Path(folder))
    record(
        "oracle_rank",
        options,
        ("tensorflow", "gpflow", "numpy"),
        budget=options.budget,
        longest=options.longest,
        results=rows,
    )


def points(name: str) -> tuple[np.ndarray, np.ndarray]:
    """x [200] and y [200] of a target."""
    rng = np.random.default_rng(2026)
    x = np.sort(rng.uniform(-10, 10, POINTS))
    if name == "mixture":
        return x, 2.5 * np.sin(1.3 * x) + x**2 / 5
    y = 4 * np.exp(-(x**2) / 8) + x / 2
    return x, y + NOISE * y.std() * rng.standard_normal(POINTS)


def measure(name: str, options: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    """The best of each seed with its rank, ours and that of random draws."""
    table, out = folder / f"{name}.csv", folder / name
    with table.open("w", newline="") as file:
        csv.writer(file).writerows([("x", "y"), *zip(*points(name), strict=True)])
    found = run_search(
        out,
        *("--task", "expr", "--model", MODEL, "--target-csv", table, "--budget", options.budget),
        *("--seeds", f"0-{options.seeds - 1}"),
    )
    oracle = Oracle.of(
        load_grammar("arithmetic").grammar, load_target(None, table), options.longest
    )
    rows = []
    for seed, score in enumerate(found["best_per_seed"]):
        random = found["baselines"]["random"]["best_per_seed"][seed]
        rows.append(
            {
                "target": name,
                "seed": seed,
                "score": score,
                "rank": oracle.rank(score),
                "random_score": random,
                "random_rank": oracle.rank(random),
                "best_of_all": float(oracle.scores[0]),
                "expressions": len(oracle.scores),
            }
        )
        row = rows[-1]
        print(
            f"{name}, seed {seed}: {score:.4f}, rank {row['rank']:,} of {row['expressions']:,} "
            f"(best {row['best_of_all']:.4f}); random {random:.4f}, rank {row['random_rank']:,}",
            flush=True,
        )
    return rows


def _options() -> argparse.Namespace:
    parser = parser_of(__doc__)
    parser.add_argument("--budget", type=int, default=500)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--longest", type=int, default=12)
    return parser.parse_args()


if __name__ == "__main__":
    main()
