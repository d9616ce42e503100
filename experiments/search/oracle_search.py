"""Searches for molecules by the objectives of `experiments.search.oracles`, beside other methods.

    python -m experiments.search.oracle_search --out runs/oracles

Every method gets the same random molecules of ZINC with their values, and then proposes batches:
`latent`, `evolution` and `both` are the sources of `bayesopt.Optimizer`; `mol_ga` is the genetic
algorithm of the package mol_ga by its defaults (`pip install mol_ga`); `random` draws from ZINC.  A
call is a different molecule, those of the start included.  Each search is one JSON file in --out,
and what is there is not run again.  CPU seconds are of the method alone, without the objective.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import numpy as np

from gmae_tf.errors import UserError
from gmae_tf.utils.cli import console, parse_seeds, run_command
from gmae_tf.utils.json import write_json

SOURCES = {"latent": ("latent",), "evolution": ("evolution",), "both": ("latent", "evolution")}
BEST = 10


@dataclass(frozen=True)
class OracleSearchConfig:
    """Options of `python -m experiments.search.oracle_search`."""

    model: Path = Path("compact")
    """Folder of a trained molecule model; the shipped one by default."""
    oracles: tuple[str, ...] = ("perindopril_mpo", "osimertinib_mpo")
    """Objectives, as in '["perindopril_mpo", "median1"]'."""
    methods: tuple[Literal["latent", "evolution", "both", "mol_ga", "random"], ...] = (
        "mol_ga",
        "both",
        "latent",
        "evolution",
    )
    """Methods to compare."""
    seeds: str = "0"
    """Repetitions, such as 0-2."""
    start: int = 1_000
    """Random molecules of ZINC that every method knows."""
    calls: int = 2_000
    """Calls in all, those of the start included."""
    batch_size: int = 50
    """Calls between two updates of a method."""
    data_dir: Path | None = None
    """Folder with ZINC; GMAE_DATA_DIR by default."""
    out: Path = Path("runs/oracles")
    """Folder of the results."""


class Calls:
    """An objective that remembers its values in the order of its calls, and the time they took."""

    def __init__(self, value: Callable[[str], float]) -> None:
        self._value = value
        self.values: dict[str, float] = {}
        self.seconds = 0.0

    def __call__(self, strings: Sequence[str]) -> list[float]:
        """Values [N]; what is known is no call."""
        started = time.process_time()
        for string in strings:
            if string not in self.values:
                self.values[string] = self._value(string)
        self.seconds += time.process_time() - started
        return [self.values[string] for string in strings]

    def best_mean(self, calls: int) -> float:
        """Mean of the best ten of the first so many calls."""
        return float(np.sort(list(self.values.values())[:calls])[-BEST:].mean())


def main() -> None:
    """The command."""
    run_command(
        compare,
        OracleSearchConfig,
        prog="python -m experiments.search.oracle_search",
        description="Compare searches for molecules on objectives that RDKit computes.",
    )


def compare(config: OracleSearchConfig) -> None:
    """Run what is not in --out yet, and print a row for each search."""
    from experiments.search.oracles import oracle
    from gmae_tf.utils.devices import select_device
    from molecules.data.sources import load_molecules

    for name in config.oracles:
        oracle(name)  # a wrong name is an error before anything is run
    select_device("cpu")
    data = load_molecules("zinc", data_dir=config.data_dir)
    space = None
    for seed in parse_seeds(config.seeds):
        start = _start(data.smiles, config.start, seed)
        for name in config.oracles:
            for method in config.methods:
                path = config.out / f"{name}.{method}.{seed}.json"
                if not path.is_file():
                    calls = Calls(oracle(name))
                    calls(start)
                    if method in SOURCES and space is None:
                        space = _load_space(config.model)
                    before, paid = time.process_time(), calls.seconds
                    about = _search(method, calls, config, seed, space, start, data.smiles)
                    spent = time.process_time() - before - (calls.seconds - paid)
                    write_json(path, _result(name, method, seed, calls, spent, config) | about)
                _print(json.loads(path.read_text(encoding="utf-8")))


def _start(smiles: Sequence[str], n: int, seed: int) -> list[str]:
    """n different random molecules, canonical SMILES."""
    from molecules.codec import canonical_or_none

    order = np.random.default_rng(seed).permutation(len(smiles))
    found: dict[str, None] = {}
    for row in order:
        if len(found) == n:
            break
        if (text := canonical_or_none(smiles[row])) is not None:
            found[text] = None
    return list(found)


def _load_space(model: Path) -> Any:
    from bayesopt.space import SearchSpace
    from molecules.model import load

    return SearchSpace(load(model), unconstrained=True)


def _search(
    method: str,
    calls: Calls,
    config: OracleSearchConfig,
    seed: int,
    space: Any,
    start: Sequence[str],
    pool: Sequence[str],
) -> dict[str, Any]:
    """Run a method until its calls are used up; what is to be said of it."""
    if method == "mol_ga":
        _evolve(calls, config, seed, start)
        return {}
    if method == "random":
        more = _start(pool, config.start + config.calls, seed + 1_000_003)
        calls([s for s in more if s not in calls.values][: config.calls - config.start])
        return {}
    from bayesopt.dataset import Dataset
    from bayesopt.optimizer import Optimizer

    known = [s for s, ok in zip(start, space.feasible(start), strict=True) if ok]
    optimizer = Optimizer(
        space,
        Dataset(known, calls(known)),
        maximize=True,
        sources=SOURCES[method],
        batch_size=config.batch_size,
        seed=seed,
    )
    optimizer.run(calls, config.calls - config.start, vectorized=True)
    trials = optimizer.trials
    inside = [
        abs(t.score - t.predicted_mean) <= 1.645 * t.predicted_sd
        for t in trials
        if t.score is not None and t.predicted_mean is not None and t.predicted_sd is not None
    ]
    return {
        "shares": optimizer.shares(BEST),
        "coverage": float(np.mean(inside)),
        "coverage_first": float(np.mean(inside[: config.batch_size])),
        "batches": optimizer.store.descriptions(optimizer.strategy, seed),
    }


class _Spent(Exception):
    """All calls are used up."""


def _evolve(calls: Calls, config: OracleSearchConfig, seed: int, start: Sequence[str]) -> None:
    try:
        default_ga = import_module("mol_ga").default_ga
    except ImportError as error:
        raise UserError("the method mol_ga needs its package: pip install mol_ga") from error

    def score(strings: list[str]) -> list[float]:
        for string in strings:
            if string not in calls.values and len(calls.values) >= config.calls:
                raise _Spent
            calls([string])
        return calls(strings)

    try:
        default_ga(
            list(start),
            score,
            max_generations=config.calls,
            offspring_size=config.batch_size,
            rng=random.Random(seed),
        )
    except _Spent:
        return


def _result(
    name: str, method: str, seed: int, calls: Calls, spent: float, config: OracleSearchConfig
) -> dict[str, Any]:
    counts = range(config.start, config.calls + 1, max((config.calls - config.start) // 4, 1))
    ranked = sorted(calls.values.items(), key=lambda pair: -pair[1])[:BEST]
    return {
        "oracle": name,
        "method": method,
        "seed": seed,
        "calls": len(calls.values),
        "best_ten": {str(n): calls.best_mean(n) for n in counts},
        "cpu_seconds": spent,
        "found": dict(ranked),
    }


def _print(result: dict[str, Any]) -> None:
    curve = " ".join(f"{n}: {value:.4f}" for n, value in result["best_ten"].items())
    more = ""
    if "shares" in result:
        parts = result["shares"].items()
        shares = ", ".join(f"{s} {p['evaluations']:.2f} ({p['best']:.1f})" for s, p in parts)
        more = (
            f"; shares of calls (of the best ten) {shares}; 90 % intervals cover "
            f"{result['coverage_first']:.2f}, {result['coverage']:.2f}"
        )
    console().print(
        f"{result['oracle']} {result['method']} {result['seed']}: {curve}; "
        f"{result['cpu_seconds']:.0f} CPU s{more}",
        soft_wrap=True,
        highlight=False,
    )


if __name__ == "__main__":
    main()
