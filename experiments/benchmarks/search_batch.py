"""Wall time of a batch of a search, with 90,000 training points, beside the paper's settings.

    python -m experiments.benchmarks.search_batch [--batches 3] [--batch-size 50] [--out FILE]

The search for the benchmark's expression on the pretrained model, all known strings but the test
ones in the surrogate.  Per batch: refit the surrogate to what was found, propose, decode and
encode, score.  The first fit, which each search does once, is timed by itself.  `paper`: expected
improvement on the codes by 500 inducing points and a squared exponential kernel, which is
--protocol paper.  Both in one run; needs the 100,000 expressions (GMAE_DATA_DIR, or they are
downloaded).
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from experiments.benchmarks.record import parser_of, record

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def main() -> None:
    """Time both, print a row for each, write them with --out."""
    options = _options()
    from bayesopt.cli.options import RunConfig, as_published

    rows = []
    for name in ("best", "paper"):
        config = as_published(RunConfig(protocol=name, points=0, batch_size=options.batch_size))
        rows.append({"protocol": name, **timed(config, options.batches)})
        print(
            f"{name:6} {rows[-1]['points']:,} points: first fit {rows[-1]['first_fit']:.1f} s, "
            f"a batch of {options.batch_size} {rows[-1]['batch']:.1f} s",
            flush=True,
        )
    record(
        "search_batch",
        options,
        ("tensorflow", "gpflow", "numpy"),
        batch_size=options.batch_size,
        batches=options.batches,
        results=rows,
    )


def timed(config: Any, batches: int) -> dict[str, Any]:
    """Seconds of the first fit, and the median of the batches."""
    from bayesopt.cli.setup import make_optimizer, make_task
    from bayesopt.storage import TrialStore

    task = make_task(replace(config, exclude_better_than=None))  # the same data for both
    with TemporaryDirectory() as folder, TrialStore.open(Path(folder) / "trials", {}) as store:
        optimizer = make_optimizer(config, task, store)
        begun = time.perf_counter()
        optimizer.fitter.first()
        first, seconds = time.perf_counter() - begun, []
        for batch in range(1, batches + 2):
            begun = time.perf_counter()
            optimizer.run(task.evaluate, batch * config.batch_size, vectorized=True)
            seconds.append(time.perf_counter() - begun)
        points = len(optimizer.split.train)
    # The first batch compiles, and refits nothing.
    return {"points": points, "first_fit": first, "batch": statistics.median(seconds[1:])}


def _options() -> argparse.Namespace:
    parser = parser_of(__doc__)
    parser.add_argument("--batches", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=50)
    return parser.parse_args()


if __name__ == "__main__":
    main()
