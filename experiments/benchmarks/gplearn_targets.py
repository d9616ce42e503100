r"""Hidden formulas as noisy CSV files: our search beside gplearn's genetic programming.

    pip install gplearn
    python -m experiments.benchmarks.gplearn_targets [--targets 20] [--seeds 3] --out FILE

Targets are drawn from the benchmark's grammar, uniformly among derivations of at most 15
productions, if they are finite on [-10, 10], no constant and no larger than 1,000.  Each gives a
CSV file of 200 points with 1 % noise (of the standard deviation of y).  Ours is what a user runs,

    python -m bayesopt.run --task expr --target-csv FILE --n-data 100 --budget 400 \
        --model data/pretrained/expressions

whose 100 known expressions, drawn at random from the 100,000, are evaluated on the file too, so
that 500 evaluations are counted.  gplearn has the same functions, constants between 1 and 3, and as
many evaluations in populations of several sizes; of each run the program that fits best in any
generation counts, and of the sizes the one with the lowest median over all targets.  The error is
log(1 + mean squared error), squared errors held at 1,000, against the formula without noise on
1,000 points; per target the median over the seeds; errors that differ by less than 1e-9 are equal.

Counted evaluations are all that the two have alike.  gplearn selects by the mean squared error
itself, not held at 1,000 and without the logarithm.  Our search computes the values of many more
candidates than it pays for, to let its surrogate judge them: `candidates` counts these, beside
the evaluated programs of gplearn; and seconds are processor time of one run, ours with the start of
the process, the compilation of TensorFlow and the report.  Nothing here gives gplearn equal time.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import sqlite3
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import numpy as np

from experiments.benchmarks.record import parser_of, record
from experiments.runner import child_environment
from grammar.autoencoder.model import SHIPPED
from grammar.expressions.evaluate import TARGET_X, evaluate, fit_errors, function_keys
from grammar.library import load_grammar
from grammar.sampling.uniform import sample_strings

MODEL = SHIPPED / "expressions"
POPULATIONS = (25, 50, 100, 250)
KNOWN, POINTS, NOISE, LARGEST = 100, 200, 0.01, 1000.0


def main() -> None:
    """Run both on every target, print a row for each, write all with --out."""
    options = _options()
    rows = []
    with TemporaryDirectory() as folder:
        for number, target in enumerate(draw_targets(options.targets)):
            rows.append(compare(target, number, options, Path(folder)))
            print(shown(rows[-1]), flush=True)
    counted = verdict(rows)
    record(
        "gplearn_targets",
        options,
        ("gplearn", "scikit-learn", "numpy"),
        evaluations=options.evaluations,
        seeds=options.seeds,
        results=rows,
        **counted,
    )
    print(json.dumps(counted, indent=2))


def draw_targets(n: int) -> list[str]:
    """n different functions of x, always the same ones for the same n."""
    found: dict[bytes, str] = {}
    for text in sample_strings(load_grammar("arithmetic").grammar, 20 * n + 100, 15, seed=2026):
        values = evaluate(text, TARGET_X)
        usable = np.isfinite(values).all() and np.abs(values).max() <= LARGEST
        if usable and values.std() > 1e-3:
            found.setdefault(function_keys([text])[0], text)
    return list(found.values())[:n]


def compare(target: str, number: int, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Errors of both on one target."""
    rng = np.random.default_rng([2026, number])
    x = rng.uniform(-10, 10, POINTS)
    y = evaluate(target, x)
    y = y + NOISE * y.std() * rng.standard_normal(POINTS)
    truth = evaluate(target, TARGET_X)
    begun = time.process_time()
    theirs = {
        str(size): [by_gplearn(x, y, size, options.evaluations, s) for s in range(options.seeds)]
        for size in POPULATIONS
    }
    took = time.process_time() - begun
    ours, effort = by_us(x, y, number, options, folder)
    return {
        "target": target,
        "ours": [float(fit_errors([text], TARGET_X, truth)[0]) for text in ours],
        "found": ours,
        **effort,
        "gplearn": {size: [error(v, truth) for v in values] for size, values in theirs.items()},
        "gplearn_seconds": took / (len(POPULATIONS) * options.seeds),
        "gplearn_candidates": options.evaluations,
    }


def by_us(
    x: np.ndarray, y: np.ndarray, number: int, options: argparse.Namespace, folder: Path
) -> tuple[list[str], dict[str, float]]:
    """The expression that fits the file best, for each seed; candidates and seconds of a run."""
    table, out = folder / f"{number}.csv", folder / f"run-{number}"
    with table.open("w", newline="") as file:
        csv.writer(file).writerows([("x", "y"), *zip(x, y, strict=True)])
    command = ["--task", "expr", "--model", MODEL, "--target-csv", table, "--out", out]
    command += ["--n-data", KNOWN]
    command += ["--budget", options.evaluations - KNOWN]
    command += ["--seeds", f"0-{options.seeds - 1}", "--no-baselines"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", __spec__.name, "search", *map(str, command)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=child_environment(),
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    query = "SELECT string FROM trials WHERE seed = ? AND score IS NOT NULL ORDER BY score LIMIT 1"
    with sqlite3.connect(out / "trials.sqlite") as store:
        best = [store.execute(query, (seed,)).fetchone()[0] for seed in range(options.seeds)]
    candidates = json.loads(done.stdout.splitlines()[-1])["candidates"]
    effort = {"our_seconds": seconds, "our_candidates": candidates}
    return best, {key: value / options.seeds for key, value in effort.items()}


def counted_search(arguments: list[str]) -> None:
    """`bayesopt.run`, and in the last line of stdout how many candidates it computed values of."""
    from grammar.expressions import evaluate as evaluator

    computed, values_of = 0, evaluator.values_of

    def counting(expressions: Any, points: np.ndarray) -> np.ndarray:
        nonlocal computed
        computed += len(expressions)
        return values_of(expressions, points)

    with mock.patch.object(evaluator, "values_of", counting):  # before the search imports it
        from bayesopt.run import main as run

        run(arguments)
    print(json.dumps({"candidates": computed}))


def by_gplearn(x: np.ndarray, y: np.ndarray, size: int, evaluations: int, seed: int) -> np.ndarray:
    """Values on the 1,000 points of the program that fits best, of any generation."""
    from gplearn.functions import make_function
    from gplearn.genetic import SymbolicRegressor

    exp = make_function(function=_bounded_exp, name="exp", arity=1)
    search = SymbolicRegressor(
        population_size=size,
        generations=evaluations // size,
        tournament_size=min(20, size // 5),
        function_set=("add", "mul", "div", "sin", exp),
        const_range=(1, 3),
        metric="mse",
        random_state=seed,
    )
    with np.errstate(all="ignore"):
        search.fit(x[:, None], y)
        programs = [p for generation in search._programs for p in generation if p is not None]
        best = min(programs, key=lambda program: program.raw_fitness_)
        return np.asarray(best.execute(TARGET_X[:, None]), dtype=np.float64)


def _bounded_exp(values: np.ndarray) -> np.ndarray:
    return np.exp(np.minimum(values, 100.0))


def error(values: np.ndarray, truth: np.ndarray) -> float:
    """The same error as `fit_errors`, of values."""
    with np.errstate(all="ignore"):
        squared = np.minimum(np.nan_to_num((values - truth) ** 2, nan=np.inf), LARGEST)
    return float(np.log1p(squared.mean()))


def verdict(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """On how many targets each is better, gplearn with its best size."""
    size = str(min(POPULATIONS, key=lambda s: statistics.median(_medians(rows, str(s)))))
    pairs = list(
        zip([statistics.median(r["ours"]) for r in rows], _medians(rows, size), strict=True)
    )
    ties = sum(abs(a - b) < 1e-9 for a, b in pairs)
    return {
        "population": int(size),
        "ours_better": sum(a < b - 1e-9 for a, b in pairs),
        "equal": ties,
        "gplearn_better": sum(b < a - 1e-9 for a, b in pairs),
        "median_ours": statistics.median(a for a, _ in pairs),
        "median_gplearn": statistics.median(b for _, b in pairs),
    }


def _medians(rows: list[dict[str, Any]], size: str) -> list[float]:
    return [statistics.median(row["gplearn"][size]) for row in rows]


def shown(row: dict[str, Any]) -> str:
    """One line of the table."""
    theirs = "  ".join(f"{statistics.median(v):7.4f}" for v in row["gplearn"].values())
    effort = ", ".join(
        f"{row[f'{name}_candidates']:,.0f} candidates in {row[f'{name}_seconds']:.1f} s"
        for name in ("our", "gplearn")
    )
    errors = f"ours {statistics.median(row['ours']):7.4f}   gplearn {theirs}"
    return f"{row['target']:34} {errors}   ({effort})"


def _options() -> argparse.Namespace:
    parser = parser_of(__doc__)
    parser.add_argument("--targets", type=int, default=20)
    parser.add_argument("--evaluations", type=int, default=500)
    parser.add_argument("--seeds", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    if sys.argv[1:2] == ["search"]:
        counted_search(sys.argv[2:])
    else:
        main()
