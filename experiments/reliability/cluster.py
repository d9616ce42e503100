"""Evaluations on a cluster of two worker processes that are killed: none lost, none counted twice.

Workers are killed by SIGKILL at moments drawn by the seed; dask starts others.  One string ends its
scoring process, another one the worker beside it.  Then a search in the latent space of expressions
loses a worker in each batch, and must find what it finds on one machine.
"""

from __future__ import annotations

import hashlib
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from experiments.benchmarks.record import parser_of, record
from experiments.runner import child_environment, print_table

RECORD = "GMAE_EVALUATIONS"
"""Environment variable: a file in which each evaluation leaves a line."""
NAME = "experiments.reliability.cluster:value"
"""Of the objective."""
ENDS, KILLS = "ends its process", "kills its worker"
"""Strings that do."""


def value(string: str) -> float:
    """The objective: a number from the string, after ten milliseconds."""
    with open(os.environ[RECORD], "a", encoding="utf-8") as file:
        file.write(f"{string}\n")
    if string == ENDS:
        os.kill(os.getpid(), signal.SIGKILL)
    if string == KILLS:
        time.sleep(1)  # so that the worker has started
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)
    time.sleep(0.01)
    return number(string)


def number(string: str | None) -> float:
    """A number in [0, 1) from a string, the same anywhere."""
    return int(hashlib.sha256(str(string).encode()).hexdigest()[:6], 16) / 2**24


def main() -> None:
    """The command."""
    parser = parser_of(__doc__)
    parser.add_argument("--evaluations", type=int, default=2_000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--budget", type=int, default=60, help="evaluations of the search")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(child_environment(**{RECORD: str(Path(folder) / "evaluations.txt")}))
        rows = [
            scored(options.evaluations, options.kills, options.seed),
            searched(options.budget, options.seed),
        ]
    columns = ["evaluations", "kills", "lost", "counted_twice", "made_again", "equal", "seconds"]
    print_table(["", *columns], [[str(row[key]) for key in ("what", *columns)] for row in rows])
    packages = ("dask", "distributed", "numpy")
    record("cluster", options, packages, seed=options.seed, workers=2, rows=rows)


def scored(evaluations: int, kills: int, seed: int) -> dict[str, Any]:
    """Many strings at once, with kills at random moments."""
    import numpy as np

    from molecules.scoring.scorer import Scorer

    rng = np.random.default_rng(seed)
    moments = sorted(rng.choice(np.arange(1, evaluations), kills, replace=False).tolist())
    strings = [f"{number:06d}" for number in range(evaluations)]
    strings[evaluations // 3 : evaluations // 3] = [ENDS]
    strings[2 * evaluations // 3 : 2 * evaluations // 3] = [KILLS]
    answered: list[int] = []
    start = time.perf_counter()
    with two_workers() as (address, kill):

        def progress() -> None:
            answered.append(1)
            if moments and len(answered) >= moments[0] and kill(int(rng.integers(2))):
                moments.pop(0)

        with Scorer(NAME, molecules=False, scheduler=address) as scorer:
            scores = scorer.score(strings, progress)
    seconds = time.perf_counter() - start
    good = [score for score in scores if score.smiles not in (ENDS, KILLS)]
    failed = {score.smiles: score.reason for score in scores if not score.ok}
    return {
        "what": "strings",
        "evaluations": len(strings),
        "kills": kills - len(moments),
        "lost": sum(not score.ok for score in good),
        "counted_twice": len(answered) - len(strings),
        "made_again": sum(line not in (ENDS, KILLS) for line in evaluated()) - len(good),
        "equal": [score.value for score in good] == [number(score.smiles) for score in good],
        "failed": failed,
        "seconds": round(seconds, 1),
    }


def searched(budget: int, seed: int) -> dict[str, Any]:
    """A search on one machine, and on a cluster of which a worker is killed in each batch."""
    import bayesopt
    from grammar.autoencoder.model import GrammarAutoencoder
    from molecules.scoring.scorer import Scorer

    model = GrammarAutoencoder.load("expressions")
    settings: dict[str, Any] = {"vectorized": True, "batch_size": 20, "seed": seed}
    with Scorer(NAME, molecules=False, jobs=2) as scorer:
        here = bayesopt.search(scorer.values, model, budget, **settings)
    before = len(evaluated())
    batches: list[int] = []
    killed = 0
    start = time.perf_counter()
    with (
        two_workers() as (address, kill),
        Scorer(NAME, molecules=False, scheduler=address) as scorer,
    ):

        def values(strings: Sequence[str]) -> list[float]:
            batches.append(len(strings))

            def progress() -> None:
                nonlocal killed
                if killed < len(batches):
                    killed += kill(0)

            return [score.value for score in scorer.score(strings, progress)]

        there = bayesopt.search(values, model, budget, **settings)
    return {
        "what": "search",
        "evaluations": len(there),
        "kills": killed,
        "lost": int(there.value.isna().sum()),
        "counted_twice": len(there) - there.string.nunique(),
        "made_again": len(evaluated()) - before - sum(batches),
        "equal": here.equals(there),
        "seconds": round(time.perf_counter() - start, 1),
    }


def evaluated() -> list[str]:
    """Strings in the record, once for each time that they were evaluated."""
    return Path(os.environ[RECORD]).read_text(encoding="utf-8").splitlines()


@contextmanager
def two_workers() -> Iterator[tuple[str, Callable[[int], bool]]]:
    """The address of a cluster of two processes, and a function that kills one by its number.

    It says whether there was one that had started.
    """
    import dask
    from distributed import LocalCluster, Status

    dask.config.set({"logging.distributed": "critical"})
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        cluster.adapt(minimum=2, maximum=2)  # dask replaces what is gone for good

        def kill(worker: int) -> bool:
            processes = [each.process for each in cluster.workers.values()]
            running = [each for each in processes if each and each.status == Status.running]
            if running:
                os.kill(running[worker % len(running)].pid, signal.SIGKILL)
            return bool(running)

        yield cluster.scheduler_address, kill


if __name__ == "__main__":
    main()
