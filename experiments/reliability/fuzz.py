"""Fuzzing of every reader and loader: 2,000 mutated inputs, each read or refused in a sentence.

Case i of seed s is the same wherever it runs: `--seed s --only i` shows it alone.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from experiments.reliability import mutations
from experiments.reliability.isolated import ExecutedError, Limits, Outcome, Try, tried
from experiments.reliability.readers import KINDS, write
from gmae_tf.utils.cli import console, parse_seeds, run_command
from gmae_tf.utils.json import write_json

GOOD = ("read", "refused")
EVERY = 100
"""Cases after which the record is written."""


@dataclass(frozen=True)
class FuzzConfig:
    """Options of the campaign."""

    n: int = 2000
    """Cases; the kinds of inputs take turns."""
    seed: int = 0
    """Of all mutations."""
    only: str | None = None
    """Only these cases, such as 7 or 0-99, each with its sentence; no result file."""
    results: Path = Path("docs/results/reliability")
    """Folder of the record, fuzz_SEED.json, which is written as it goes."""


def campaign(config: FuzzConfig) -> None:
    """Try every case, print faults as they come, and write the table."""
    screen = console()
    numbers = range(config.n) if config.only is None else parse_seeds(config.only)
    rows: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="fuzz") as folder:
        make = partial(_prepare, Path(folder), config.seed)
        for row in tried(iter(numbers), make, Limits()):
            rows.append(row)
            if row.result not in GOOD or config.only is not None:
                name = KINDS[row.number % len(KINDS)].name
                screen.print(f"case {row.number}, {name}: {row.result} {row.about}", markup=False)
            elif len(rows) % EVERY == 0:
                screen.print(f"{len(rows)} of {len(numbers)}")
                _write(config, rows)
    faults = sum(row.result not in GOOD for row in rows)
    screen.print(f"{len(rows) - faults} of {len(rows)} read or refused, {faults} faults")
    if config.only is None:
        _write(config, rows)
    if faults:
        raise SystemExit(1)


def _write(config: FuzzConfig, rows: list[Outcome]) -> None:
    write_json(config.results / f"fuzz_{config.seed}.json", _record(config, rows))


def _record(config: FuzzConfig, rows: list[Outcome]) -> dict[str, Any]:
    """Counts by kind, and the slowest and largest cases."""
    from gmae_tf.utils.run_dir import versions

    kinds = {}
    for place, kind in enumerate(KINDS):
        own = [row for row in rows if row.number % len(KINDS) == place]
        kinds[kind.name] = {"cases": len(own), **Counter(row.result for row in own)}
    return {
        "cases": len(rows),
        "planned": config.n,
        "seed": config.seed,
        "limits": asdict(Limits()),
        "results": dict(Counter(row.result for row in rows)),
        "kinds": kinds,
        "seconds": {
            "all": round(sum(row.seconds for row in rows), 1),
            "slowest": round(max(row.seconds for row in rows), 1),
        },
        "largest_resident_gb": round(max(row.memory for row in rows) / 1e9, 2),
        "versions": {"python": sys.version.split()[0], **versions()},
    }


def table(results: Path) -> tuple[list[str], list[list[str]]]:
    """The recorded campaigns: cases, what became of them, and the most that one took."""
    titles = ["seed", "cases", "read", "refused", "faults", "slowest, s", "most memory, GB"]
    lines = []
    for path in sorted(results.glob("fuzz_*.json")):
        found = json.loads(path.read_text(encoding="utf-8"))
        good = [found["results"].get(name, 0) for name in GOOD]
        numbers = [*good, found["cases"] - sum(good)]
        lines.append(
            [
                str(found["seed"]),
                f"{found['cases']:,} of {found['planned']:,}",
                *(f"{number:,}" for number in numbers),
                f"{found['seconds']['slowest']:.0f}",
                f"{found['largest_resident_gb']:.2f}",
            ]
        )
    return titles, lines


def _prepare(folder: Path, seed: int) -> Try:
    """Import what is heavy, make the valid inputs, and return what tries a case."""
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    from gmae_tf.utils.devices import select_device

    select_device("cpu")
    seeds = [kind.seeds() for kind in KINDS]

    def one(number: int) -> None:
        kind = KINDS[number % len(KINDS)]
        chosen, rng = seeds[number % len(KINDS)], np.random.default_rng([seed, number])
        with _working_folder(folder / str(number)) as place:
            kind.read(write(chosen[rng.integers(len(chosen))], place, rng))

    return one


@contextmanager
def _working_folder(folder: Path) -> Iterator[Path]:
    """A new folder to work in, removed afterwards; `ExecutedError` if a payload left its mark."""
    before = Path.cwd()
    folder.mkdir()
    around = set(folder.parent.iterdir())
    os.chdir(folder)
    try:
        yield folder
    finally:
        os.chdir(before)
        marked = (folder / mutations.CANARY).exists() or set(folder.parent.iterdir()) != around
        shutil.rmtree(folder, ignore_errors=True)
        if marked:
            raise ExecutedError("a payload was executed, or a file written elsewhere")


def main() -> None:
    """The command."""
    run_command(
        campaign,
        FuzzConfig,
        prog="python -m experiments.reliability.fuzz",
        description="Feed mutated inputs to every reader; each must be read or refused.",
        continues=False,
    )


if __name__ == "__main__":
    main()
