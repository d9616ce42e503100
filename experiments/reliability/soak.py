"""python -m experiments.reliability.soak: resident memory of long searches in one process.

Three courses: evaluations of one search, molecules that are improved one after the other, and
rounds of ask and tell.  Each is made of what the commands are made of, with few candidates and
a cheap objective, so that it is long and not slow: what is asked is whether memory grows with it.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from experiments.runner import machine, print_table
from gmae_tf.errors import UserError
from gmae_tf.utils.cli import console, run_command
from gmae_tf.utils.json import write_json

UNITS = {"search": "evaluations", "improve": "molecules", "ask_tell": "rounds"}
PLANNED = {"search": 10_000, "improve": 300, "ask_tell": 1_000}
TITLES = ["course", "done", "after a tenth, MB", "at the end, MB", "peak, MB"]
SAMPLES = 200
"""Measurements of memory, about, in a course."""


@dataclass(frozen=True)
class SoakConfig:
    """Options of `python -m experiments.reliability.soak`."""

    what: Literal["search", "improve", "ask_tell"] = "improve"
    """Which course."""
    n: int | None = None
    """How many evaluations, molecules or rounds; 10,000, 300 and 1,000 by default."""
    seconds: float = 3_600.0
    """The course ends after so long, and its record says how far it came."""
    out: Path = Path("docs/results/reliability")
    """Folder of the record, soak_WHAT.json."""
    figures: Path = Path("docs/figures")
    """Folder of the picture of all courses that are recorded, soak.png."""


class Points:
    """A codec of the strings "3,4", whose codes are [0.3, 0.4]: a search without a network."""

    latent_dim = 2

    def encode(self, strings: Any) -> np.ndarray:
        """Codes [N, 2]."""
        return np.array([[float(x) for x in s.split(",")] for s in strings]) / 100

    def decode(self, codes: Any) -> list[str | None]:
        """Strings of codes [N, 2]."""
        return [f"{a},{b}" for a, b in np.rint(100 * np.asarray(codes)).astype(int)]


def value(string: str) -> float:
    """Lower is better at "37,-52", with waves around it."""
    a, b = map(int, string.split(","))
    return float(np.hypot(a - 37, b + 52) / 30 + np.sin(a / 9) + np.cos(b / 7))


def search(n: int) -> Iterator[int]:
    """Evaluations of one search, batch by batch."""
    optimizer = _optimizer(max(n // 100, 1))
    for done in range(0, n, optimizer.batch_size):
        optimizer.run(value, done + optimizer.batch_size)
        yield len(optimizer.trials)


def ask_tell(n: int) -> Iterator[int]:
    """Rounds of ask and tell, one string each."""
    optimizer = _optimizer(1)
    for done in range(1, n + 1):
        batch = optimizer.ask()
        optimizer.tell(batch, [value(string) for string in batch])
        yield done


def improve(n: int) -> Iterator[int]:
    """Molecules that are improved by the shipped model, one after the other."""
    from bayesopt.cli.setup import make_optimizer, make_task
    from bayesopt.improve import ImproveConfig, _options, read, worst
    from bayesopt.space import CandidateConfig
    from bayesopt.tasks.molecules import load_codec

    config = ImproveConfig(data="builtin", molecules=n, budget=5, batch_size=5, points=100, jobs=1)
    few = CandidateConfig(centres=20, chains=20, steps=2, children=50, generations=1, joint=50)
    codec = load_codec(None)
    for done, start in enumerate(worst(config, codec, read(config)), start=1):
        options = _options(config, start)
        task = make_task(options, codec=codec, n_data=200)
        try:
            with_few = make_optimizer(options, task, held_out=0.0, candidates=few)
            with_few.run(task.evaluate, config.budget, vectorized=True)
            with_few.close()
        finally:
            task.close()
        gc.collect()  # as the command does
        yield done


def _optimizer(batch_size: int) -> Any:
    from bayesopt.dataset import Dataset
    from bayesopt.optimizer import Optimizer
    from bayesopt.space import CandidateConfig, SearchSpace

    known = [f"{a},{b}" for a in range(-80, 81, 40) for b in range(-80, 81, 40)]
    few = CandidateConfig(sources=("latent",), centres=20, chains=40, steps=10, joint=400)
    return Optimizer(
        SearchSpace(Points()),
        Dataset(known, [value(s) for s in known]),
        maximize=False,
        batch_size=batch_size,
        candidates=few,
    )


COURSES: dict[str, Callable[[int], Iterator[int]]] = {
    "search": search,
    "improve": improve,
    "ask_tell": ask_tell,
}


def soak(config: SoakConfig) -> None:
    """Run a course, record its memory as it goes, and draw all courses that are recorded."""
    n = PLANNED[config.what] if config.n is None else config.n
    if n < 1 or not config.seconds > 0:
        raise UserError("--n and --seconds must be greater than 0.")
    from gmae_tf.utils.devices import select_device

    select_device("cpu")
    path = config.out / f"soak_{config.what}.json"
    samples: list[dict[str, float]] = []
    start = time.monotonic()
    for done in COURSES[config.what](n):
        seconds = time.monotonic() - start
        if not samples or done - samples[-1]["done"] >= n / SAMPLES or done >= n:
            samples.append({"done": done, "seconds": round(seconds, 1), **resident()})
            write_json(path, record(config.what, n, samples))
        if seconds > config.seconds:
            break
    found = [summary(config.out / f"soak_{what}.json") for what in COURSES]
    rows = [row for row in found if row is not None]
    print_table(TITLES, rows)
    draw(config.out, config.figures)
    console().print(f"record: {path}")


def record(what: str, n: int, samples: list[dict[str, float]]) -> dict[str, Any]:
    """What a record file holds: memory by the course's units, in MB of 10^6 bytes."""
    about = {"what": what, "unit": UNITS[what], "planned": n, "machine": machine()}
    return {**about, "samples": samples}


def resident() -> dict[str, float]:
    """Resident memory of this process and of its descendants, in MB; Linux only."""
    me, page = os.getpid(), os.sysconf("SC_PAGE_SIZE") / 1e6
    parents: dict[int, int] = {}
    sizes: dict[int, float] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        parents[int(folder.name)], sizes[int(folder.name)] = int(fields[1]), int(fields[21]) * page
    children = 0.0
    for number in parents:
        ancestor = parents.get(number)
        while ancestor is not None and ancestor != me:
            ancestor = parents.get(ancestor)
        children += sizes[number] if ancestor == me else 0.0
    return {"process_mb": round(sizes[me], 1), "children_mb": round(children, 1)}


def summary(path: Path) -> list[str] | None:
    """Of a record: course, how far it came, memory after a tenth, at the end, and at most."""
    import json

    if not path.exists():
        return None
    found = json.loads(path.read_text(encoding="utf-8"))
    samples = found["samples"]
    total = np.array([s["process_mb"] + s["children_mb"] for s in samples])
    done = np.array([s["done"] for s in samples])
    early = total[np.searchsorted(done, done[-1] / 10)]
    numbers = [f"{x:,.0f}" for x in (early, total[-1], total.max())]
    return [found["what"], f"{done[-1]:,.0f} of {found['planned']:,} {found['unit']}", *numbers]


def draw(results: Path, figures: Path) -> None:
    """The picture of all recorded courses: memory by the share that is done."""
    import json
    from io import BytesIO

    from matplotlib.figure import Figure

    from gmae_tf.utils.files import write_atomic

    figure = Figure(figsize=(7, 3.2), layout="constrained")
    axes = figure.subplots()
    for what in COURSES:
        path = results / f"soak_{what}.json"
        if path.exists():
            found = json.loads(path.read_text(encoding="utf-8"))
            share = [100 * s["done"] / found["planned"] for s in found["samples"]]
            total = [s["process_mb"] + s["children_mb"] for s in found["samples"]]
            axes.plot(share, total, label=f"{found['planned']:,} {found['unit']} ({what})")
    axes.axhline(2_000, color="grey", linestyle=":")
    axes.set(xlabel="done, %", ylabel="resident memory, MB", ylim=(0, 2_200))
    axes.legend(fontsize=8)
    png = BytesIO()
    figure.savefig(png, format="png", dpi=110)
    write_atomic(figures / "soak.png", png.getvalue())


def main() -> None:
    """The command."""
    run_command(
        soak,
        SoakConfig,
        prog="python -m experiments.reliability.soak",
        description="Measure the resident memory of long searches.",
        continues=False,
    )


if __name__ == "__main__":
    main()
