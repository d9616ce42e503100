"""Ours beside gplearn and pyoperon on 24 standard targets with 1 % noise, for equal time.

    pip install gplearn pyoperon
    python -m experiments.regression --seconds 60 --seeds 0 --out runs/regression

Each (target, method, seed) is one process and one JSON file; the same command does what is missing
and writes all rows to `regression.json`, from which the table of docs/formulas.md is made once it
lies in docs/results.
Every method has two cores and the same seconds.  Solved: R2 above 0.999 on held-out rows without
noise (`targets`).  gplearn has one process, as its own parallel mode is slower at this size.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.regression.methods import METHODS
from experiments.regression.summary import GROUPS, Rows, medians, solved
from experiments.regression.targets import TARGETS
from experiments.runner import child_environment
from gmae_tf.errors import UserError
from gmae_tf.utils.cli import console, parse_seeds, run_command
from gmae_tf.utils.interrupts import raise_if_interrupted
from gmae_tf.utils.json import write_json
from gmae_tf.utils.report import Table
from gmae_tf.utils.run_dir import environment


@dataclass(frozen=True)
class StudyConfig:
    """Options of `python -m experiments.regression`."""

    out: Path = Path("runs/regression")
    """Folder with a JSON file for each target, method and seed; the same command continues."""
    seconds: float = 60.0
    """For each of them."""
    seeds: str = "0"
    """Of data and search, such as 0-2."""
    methods: str = "ours,gplearn,pyoperon"
    """Among ours, ours_latent, gplearn, pyoperon."""
    targets: str | None = None
    """Names, separated by commas; all 24 by default."""


def study(config: StudyConfig) -> None:
    """Measure what is missing, then print the tables."""
    methods = _names(config.methods, METHODS, "--methods")
    targets = _names(config.targets or ",".join(TARGETS), TARGETS, "--targets")
    screen, rows = console(), []
    for seed in parse_seeds(config.seeds):
        for target in targets:
            for method in methods:
                path = config.out / f"{target}-{method}-{seed}.json"
                if not path.is_file():
                    path.parent.mkdir(parents=True, exist_ok=True)
                    write_json(path, _measured(target, method, seed, config.seconds))
                rows.append(json.loads(path.read_text(encoding="utf-8")))
                screen.print(_line(rows[-1]), markup=False)
    write_json(config.out / "regression.json", {"rows": rows, "environment": environment()})
    for table in tables(rows, methods):
        table.print(screen)


def _measured(target: str, method: str, seed: int, seconds: float) -> dict[str, Any]:
    command = [sys.executable, "-m", "experiments.regression.methods", target, method]
    done = subprocess.run(
        [*command, str(seed), str(seconds)],
        capture_output=True,
        text=True,
        env=child_environment(),
        check=False,
    )
    raise_if_interrupted(done.returncode)
    if done.returncode:
        raise UserError(f"{method} on {target} failed: {done.stderr.strip()[-500:]}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def tables(rows: Rows, methods: list[str]) -> list[Table]:
    """How often each method solved a target, and the R2 of each target."""
    counts = []
    for method in methods:
        own = [row for row in rows if row["method"] == method]
        cells = [method, *(f"{good} of {every}" for good, every in solved(rows, method))]
        for key, digits in (("seconds", 1), ("processor_seconds", 1), ("expressions", 0)):
            cells.append(f"{sum(row[key] for row in own) / max(1, len(own)):,.{digits}f}")
        counts.append(cells)
    columns = ["method", *GROUPS, "seconds", "processor seconds", "expressions"]
    each = [
        [target, *("-" if error is None else f"{error:.1e}" for error in errors)]
        for target, errors in medians(rows, methods).items()
    ]
    return [
        Table("Solved (R2 above 0.999 on held-out rows)", columns, counts, "Means of a run."),
        Table("1 - R2 on held-out rows, median of seeds", ["target", *methods], each),
    ]


def _line(row: dict[str, Any]) -> str:
    r2 = "undefined" if row["r2"] is None else f"{row['r2']:.6f}"
    name = f"{row['target']} {row['method']} {row['seed']}"
    return f"{name:38} R2 {r2}  {row['processor_seconds']:6.1f} s  {row['formula'][:60]}"


def _names(text: str, known: Any, option: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in known:
            raise UserError(f"{option}: {name!r} is none of {', '.join(known)}")
    return names


if __name__ == "__main__":
    run_command(
        study,
        StudyConfig,
        prog="python -m experiments.regression",
        description="Symbolic regression on standard targets, beside gplearn and pyoperon.",
    )
