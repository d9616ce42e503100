"""python -m experiments.reliability.kills: commands that are killed at random moments, and go on.

Each command runs once without a kill.  Then it is started again and again and killed, by SIGKILL,
SIGTERM and SIGINT in turn, at a moment that is uniform over its whole course, imports included; the
same command goes on in the same folder.  Whatever it had stored must still be there, and what it
arrives at must be what the run without a kill arrived at.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from experiments.runner import ROOT, child_environment, machine, print_table
from gmae_tf.errors import UserError
from gmae_tf.utils.cli import console, run_command
from gmae_tf.utils.json import read_json, write_json

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
ENDINGS = {
    signal.SIGKILL: {-9},
    # Negative before Python has begun to import the package, and when it has begun to end.
    signal.SIGTERM: {143, -15},
    signal.SIGINT: {130, -2, 1},
}
IN_SUCCESSION = 5
"""Kills, at most, of one run before it may come to its end."""
ROUNDS = 1
"""Rounds of ask and tell."""
IMAGES = "images.npz"
EARLY = 0.2
"""Seconds in which Python itself starts, and says what it says of an interruption."""
LIMIT = 900.0


@dataclass(frozen=True)
class KillsConfig:
    """Options of `python -m experiments.reliability.kills`."""

    commands: str = "train,search,ask_tell,compare"
    """Which commands."""
    kills: int = 20
    """Kills of each; the same command continues a record that has fewer."""
    seed: int = 0
    """Of the moments."""
    out: Path = Path("runs/kills")
    """Folder of the runs, which is emptied."""
    results: Path = Path("docs/results/reliability")
    """Folder of the record, kills_COMMAND.json."""


@dataclass(frozen=True)
class Course:
    """A command, or several in order, that go on in a folder.

    steps : (folder) -> arguments of Python, each to be run to its end.
    stored : (folder) -> what is stored by a key; it may only grow.
    result : (folder) -> what has come of it, to be compared.
    before : (folder, number of the step) -> prepares a step.
    done : sentences by which a command says that it has been done before.
    """

    steps: Callable[[Path], Sequence[Sequence[str]]]
    stored: Callable[[Path], dict[str, Any]]
    result: Callable[[Path], Any]
    before: Callable[[Path, int], None] = lambda folder, number: None
    done: tuple[str, ...] = ()


def run_to(
    arguments: Sequence[str], seconds: float | None, number: int = signal.SIGKILL
) -> tuple[int, str, bool]:
    """Run Python, and kill it after so long; its status, what it wrote, whether it was killed."""
    process = subprocess.Popen(
        [sys.executable, *arguments],
        env=child_environment(OMP_NUM_THREADS="1", TF_NUM_INTRAOP_THREADS="1"),
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    killed = False
    try:
        said = process.communicate(timeout=LIMIT if seconds is None else seconds)[1]
    except subprocess.TimeoutExpired:
        killed = seconds is not None
        process.send_signal(number if killed else signal.SIGKILL)
        said = process.communicate()[1]
    return process.returncode, said, killed


def finish(course: Course, folder: Path) -> float:
    """Run all steps to their end; returns the seconds.  `UserError` for a step that fails."""
    start = time.monotonic()
    for number, step in enumerate(course.steps(folder)):
        course.before(folder, number)
        status, said, _ = run_to(step, None)
        if status and not any(words in said for words in course.done):
            raise UserError(f"{' '.join(step)} ended with status {status}: {said[-2000:]}")
    return time.monotonic() - start


def killed_once(course: Course, folder: Path, moment: float, number: int) -> dict[str, Any] | None:
    """Start the command and kill it after `moment` seconds of all its steps; None: it ended."""
    start = time.monotonic()
    for i, step in enumerate(course.steps(folder)):
        course.before(folder, i)
        before = course.stored(folder)
        left = moment - (time.monotonic() - start)
        status, said, killed = run_to(step, max(left, 0.01), number)
        after = course.stored(folder)
        if killed and status != 0:
            return {
                "step": i,
                "seconds": round(left, 2),
                "status": status,
                "stored": len(after),
                "lost": sum(after.get(key) != value for key, value in before.items()),
                "clean": status in ENDINGS[signal.Signals(number)]
                and (left < EARLY or "Traceback" not in said),
                "said": said[-1500:] if "Traceback" in said else "",
            }
        if status and not any(words in said for words in course.done):
            raise UserError(f"{' '.join(step)} ended with status {status}: {said[-2000:]}")
    return None


def campaign(name: str, course: Course, config: KillsConfig) -> None:
    """Kill a command so many times; each run that has come to its end is recorded.

    A campaign whose record has fewer kills than planned goes on; a whole one is made again.
    """
    folder = config.out / name
    path = config.results / f"kills_{name}.json"
    kills, runs = recorded(path, config)
    shutil.rmtree(folder, ignore_errors=True)
    duration = finish(course, folder / "whole")
    wanted = course.result(folder / "whole")
    rng = np.random.default_rng([config.seed, sum(name.encode()), len(kills)])
    while len(kills) < config.kills:
        run, ended = folder / f"run-{len(runs)}", False
        for _ in range(min(IN_SUCCESSION, config.kills - len(kills))):
            number = SIGNALS[len(kills) % len(SIGNALS)]
            kept = course.stored(run)
            kill = killed_once(course, run, float(rng.uniform(0, duration)), number)
            if ended := kill is None:
                break
            said = kill.pop("said")
            kills.append({"run": len(runs), "signal": signal.Signals(number).name, **kill})
            kills[-1]["lost"] += sum(course.stored(run).get(k) != v for k, v in kept.items())
            console().print(f"{name}: {kills[-1]} {said}", soft_wrap=True, markup=False)
        last = course.stored(run)
        if not ended:
            finish(course, run)
        kept_all = all(course.stored(run).get(key) == value for key, value in last.items())
        runs.append(kept_all and course.result(run) == wanted)
        console().print(f"{name}: run {len(runs)}, equal: {runs[-1]}", soft_wrap=True)
        about = {"command": name, "seconds": round(duration, 1), "seed": config.seed}
        record = {**about, "planned": config.kills, "kills": kills, "equal": runs}
        write_json(path, {**record, "machine": machine()})


def recorded(path: Path, config: KillsConfig) -> tuple[list[dict[str, Any]], list[bool]]:
    """Kills and ends in the record of an unfinished campaign of the same seed; else none."""
    if path.exists():
        found = read_json(path)
        if found["seed"] == config.seed and len(found["kills"]) < config.kills:
            return found["kills"], found["equal"]
    return [], []


# ---------------------------------------------------------------- the commands


def arrays(path: Path) -> dict[str, str]:
    """Digests of the arrays of an HDF5 file by name."""
    import h5py

    found: dict[str, str] = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = hashlib.sha256(np.ascontiguousarray(item[()]).tobytes()).hexdigest()

    with h5py.File(path, "r") as file:
        file.visititems(visit)
    return found


def epochs(folder: Path) -> dict[str, Any]:
    """Logs of the epochs in the checkpoint, and of the finished training."""
    found: dict[str, Any] = {}
    for path in folder.rglob("state.json"):
        rows = json.loads(path.read_text())["history"]
        found |= {f"{path.parent.name} {i}": row for i, row in enumerate(rows)}
    return found


def trials(folder: Path) -> dict[str, Any]:
    """Strings and scores in a trial store; a score that is missing is not yet stored."""
    path = folder / "trials.sqlite"
    if not path.exists() or not path.stat().st_size:
        return {}
    query = "SELECT strategy, seed, evaluation, string, score FROM trials"
    connection = sqlite3.connect(path)
    try:
        rows = connection.execute(query).fetchall()
    except sqlite3.OperationalError:  # killed while it made the tables
        return {}
    finally:
        connection.close()
    return {f"{s} {seed} {i} {string}": v for s, seed, i, string, v in rows if v is not None}


def rows_of(folder: Path) -> dict[str, Any]:
    """Measured trainings of a study."""
    return {path.parent.name: path.read_text() for path in sorted(folder.glob("*/measured.json"))}


def untimed(value: Any) -> Any:
    """A result without its times."""
    if isinstance(value, dict):
        return {k: untimed(v) for k, v in value.items() if "second" not in k and k != "time"}
    return [untimed(v) for v in value] if isinstance(value, list) else value


def _options(folder: Path, module: str, text: str) -> list[str]:
    return ["-m", module, *text.split(), "--out", str(folder)]


def _compared(folder: Path) -> Any:
    results = json.loads((folder / "compare.json").read_text())
    return untimed(results["results"])


def _draw(folder: Path, number: int) -> None:
    """A file of dark and bright images, before the first training."""
    path = folder.with_name(IMAGES)
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(number)
    y = rng.integers(0, 2, size=500)
    x = (120 * y[:, None, None] + rng.integers(0, 100, size=(500, 8, 8))).astype(np.uint8)
    np.savez(path, x_train=x[:300], y_train=y[:300], x_test=x[300:], y_test=y[300:])


MOLECULES = [a + b for a in ("CCO", "CCN", "CCCl", "c1ccccc1", "CC(C)O", "CCOC", "C1CCCCC1")
             for b in ("C", "CC", "CCO", "CCN", "C(C)C", "CC(=O)O")]  # fmt: skip


def _fill(folder: Path, number: int) -> None:
    """The data before the first ask, and the values of a batch before each tell."""
    import csv

    folder.mkdir(parents=True, exist_ok=True)
    data = folder.with_name("measured.csv")
    if not data.exists():
        lines = [f"{smiles},{_value(smiles)}" for smiles in MOLECULES]
        data.write_text("\n".join(["smiles,y", *lines]) + "\n")
    if number % 2 == 0:
        return
    path = folder / f"batch-{number // 2 + 1:03d}.csv"
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["y"] = str(_value(row["smiles"]))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def _value(smiles: str) -> float:
    return smiles.count("O") - 0.1 * len(smiles)


def _rounds(folder: Path) -> list[list[str]]:
    data = folder.with_name("measured.csv")
    options = f"ask --data {data} --value-column y --maximize --batch-size 3 --device cpu"
    steps = []
    for number in range(1, ROUNDS + 1):
        steps.append(_options(folder, "bayesopt.run", options))
        steps.append(_options(folder, "bayesopt.run", f"tell {folder / f'batch-{number:03d}.csv'}"))
    return steps


COURSES = {
    "train": Course(
        steps=lambda folder: [
            _options(
                folder,
                "gmae_tf.train",
                f"--dataset {folder.with_name(IMAGES)} --model vae --batch-size 50 --epochs 8"
                " --no-evaluate --device cpu",
            )
        ],
        before=_draw,
        stored=epochs,
        result=lambda folder: arrays(folder / "model.weights.h5"),
    ),
    "search": Course(
        steps=lambda folder: [
            _options(
                folder,
                "bayesopt.run",
                "--task expr --n-data 300 --budget 10 --batch-size 5 --no-baselines --device cpu",
            )
        ],
        stored=trials,
        result=trials,
    ),
    "ask_tell": Course(
        steps=_rounds,
        stored=trials,
        result=trials,
        before=_fill,
        done=("still waits for", "has nothing new"),
    ),
    "compare": Course(
        steps=lambda folder: [
            _options(
                folder,
                "experiments.images.compare",
                f"--dataset {folder.with_name(IMAGES)} --models ae,vae --epochs 1 --samples 100"
                " --device cpu",
            )
        ],
        before=_draw,
        stored=rows_of,
        result=_compared,
    ),
}


def kills(config: KillsConfig) -> None:
    """Run the campaigns, and show a table."""
    names = config.commands.split(",")
    if unknown := [name for name in names if name not in COURSES]:
        raise UserError(f"there is no command {unknown[0]}: choose among {', '.join(COURSES)}.")
    if config.kills < 1:
        raise UserError(f"--kills is {config.kills}: give 1 or more.")
    # A shell's background job ignores it, and so would what it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in names:
        campaign(name, COURSES[name], config)
    print_table(*table(config.results))


def table(results: Path) -> tuple[list[str], list[list[str]]]:
    """The recorded campaigns: kills, values lost, endings, and results equal to the whole run's."""
    titles = ["command", "seconds", "kills", "stored values lost", "clean ends", "equal results"]
    lines = []
    for name in COURSES:
        path = results / f"kills_{name}.json"
        if path.exists():
            found = json.loads(path.read_text(encoding="utf-8"))
            made = found["kills"]
            clean = sum(kill["clean"] for kill in made)
            numbers = [f"{len(made)} of {found['planned']}", sum(kill["lost"] for kill in made)]
            equal = f"{sum(found['equal'])} of {len(found['equal'])}"
            lines.append(
                [
                    *(name, f"{found['seconds']:.0f}", *map(str, numbers)),
                    *(f"{clean} of {len(made)}", equal),
                ]
            )
    return titles, lines


def main() -> None:
    """The command."""
    run_command(
        kills,
        KillsConfig,
        prog="python -m experiments.reliability.kills",
        description="Kill commands at random moments, continue them, and compare what they find.",
    )


if __name__ == "__main__":
    main()
