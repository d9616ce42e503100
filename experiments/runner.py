"""Resumable grid of trainings: each cell is trained and measured once, in a folder of its own.

A study is a run folder (`gmae_tf.utils.run_dir`) that holds one folder for each trial.  A trial is
done once its folder has `measured.json`, which is written last.  So the same command continues an
interrupted study, and one that grows (another seed, another model) repeats nothing.
"""

from __future__ import annotations

import os
import re
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

from gmae_tf.errors import UserError
from gmae_tf.utils.cli import console
from gmae_tf.utils.json import read_json, to_json, write_json

T = TypeVar("T")
Row = dict[str, Any]
Table = tuple[list[str], list[list[str]]]
"""Titles of columns, and rows of texts."""
MEASURED = "measured.json"
PLACES = ("out", "data_dir", "scheduler")
"""Options that say where files lie and who computes, and nothing about the numbers."""
ROOT = Path(__file__).resolve().parents[1]
"""The checkout."""
_ONE_AT_A_TIME = threading.Lock()
"""Held by a worker of a cluster while it trains: Keras has one state for all threads."""


@dataclass(frozen=True)
class StudyOptions:
    """Options of every study."""

    out: Path = Path("runs/study")
    """Folder; the same command continues it, and repeats nothing that is done."""
    seeds: str = "0-2"
    """Seeds of data, weights and batch order, as in 0-2 or 0,3,5."""
    data_dir: Path | None = None
    """Folder with downloaded data; GMAE_DATA_DIR by default."""
    device: Literal["auto", "cpu", "gpu"] = "auto"
    """Where to compute."""
    scheduler: str | None = None
    """Of a dask.distributed cluster, whose workers then train, one after the other on each: its
    address, such as tcp://host:8786, or its scheduler file. The folder must be one that they all
    see under the same path."""


@dataclass(frozen=True)
class Trial:
    """A cell of a grid.

    about : its coordinates, such as model and seed; they name its folder and open its row.
    measure : trains in the folder that it is given, and returns numbers by name.
    """

    about: Mapping[str, Any]
    measure: Callable[[Path], Mapping[str, Any]]

    @property
    def name(self) -> str:
        """Of its folder."""
        return trial_name(self.about)


def trial_name(about: Mapping[str, Any]) -> str:
    """Folder of a trial: {"model": "vae", "seed": 0} -> "vae-seed0"; None is left out."""
    parts = (v if isinstance(v, str) else f"{k}{v}" for k, v in about.items() if v is not None)
    return "-".join(re.sub(r"[^\w.-]+", "", part) for part in parts)


def open_study(config: Any, command: str, grows: Sequence[str]) -> Path:
    """The folder of a study, made or continued.

    config : a dataclass of options with the folder `out`.
    grows : options that a continuation may give other values; `device` and `scheduler` always may.

    Raises
    ------
    UserError: the folder holds another run.
    """
    from gmae_tf.utils.run_dir import open_run

    return open_run(
        config.out, asdict(config), command, may_change=(*grows, "device", "scheduler")
    ).path


def run_trials(folder: Path, trials: Sequence[Trial], scheduler: str | None = None) -> list[Row]:
    """Measure what is not measured yet; rows of these trials in their order, then older ones.

    scheduler : of a cluster that measures, see `gmae_tf.utils.cluster.Cluster`.  What is sent there
        is pickled by dask: the trials, with the data that they hold.

    Raises
    ------
    UserError: a trial failed on the cluster; the others are measured before.
    """
    if scheduler is not None:
        _run_on_cluster(scheduler, folder, trials)
    for number, trial in enumerate(trials, start=1):
        path = folder / trial.name / MEASURED
        if not path.exists():
            console().print(f"{number} of {len(trials)}: {trial.name}", soft_wrap=True)
            write_json(path, _measured(folder, trial))
    paths = [folder / trial.name / MEASURED for trial in trials]
    paths += sorted(set(folder.glob(f"*/{MEASURED}")) - set(paths))
    return [read_json(path) for path in paths]


def _measured(folder: Path, trial: Trial) -> Row:
    """The row of a trial, trained in a folder of its own under `folder`."""
    import keras

    keras.backend.clear_session()
    return {**trial.about, **trial.measure(folder / trial.name)}


def _run_on_cluster(scheduler: str, folder: Path, trials: Sequence[Trial]) -> None:
    from gmae_tf.utils.cluster import Cluster, Lost

    left = [trial for trial in trials if not (folder / trial.name / MEASURED).exists()]
    failed: list[str] = []
    with Cluster(scheduler) as cluster:
        rows = cluster.map(partial(_measured_or_why, folder.resolve()), left)
        for done, (number, row) in enumerate(rows, start=1):
            name = left[number].name
            if isinstance(row, Lost | str):
                failed.append(f"{name} {row.reason if isinstance(row, Lost) else row}")
            else:
                write_json(folder / name / MEASURED, row)
            console().print(f"{done} of {len(left)}: {name}", soft_wrap=True)
    if failed:
        raise UserError(f"{len(failed)} of {len(left)} trials have no numbers: {failed[0]}.")


def _measured_or_why(folder: Path, trial: Trial) -> Row | str:
    """The row, or the error in words: one trial that fails shall not stop the others."""
    try:
        with _ONE_AT_A_TIME:
            return to_json(_measured(folder, trial))
    except Exception as error:
        traceback.print_exc()  # into the worker's log
        return f"raised {type(error).__name__} ({error})"


def finish_study(
    config: StudyOptions,
    folder: Path,
    rows: Sequence[Row],
    figures: Mapping[str, bytes],
    table: Table,
) -> None:
    """Write figures by name and results.json, and print the table of a study."""
    from gmae_tf.utils.files import write_atomic

    for name, png in figures.items():
        write_atomic(folder / f"{name}.png", png)
    write_results(folder / "results.json", config, rows)
    print_table(*table)


def timed(folder: Path, train: Callable[[], T]) -> tuple[T, float | None]:
    """Train, and the seconds it took; None if the folder is there: a continuation's say nothing."""
    fresh, start = not folder.exists(), time.perf_counter()
    trained = train()
    return trained, time.perf_counter() - start if fresh else None


def write_results(path: Path, config: Any, rows: Sequence[Row], **about: Any) -> dict[str, Any]:
    """Write settings, machine and rows, and return what was written."""
    settings = {key: value for key, value in asdict(config).items() if key not in PLACES}
    results = to_json({"settings": settings, **about, "machine": machine(), "results": list(rows)})
    write_json(path, results)
    return results


def machine() -> dict[str, Any]:
    """Processors, devices and versions of this process."""
    from gmae_tf.utils.run_dir import environment

    found = environment()
    return {name: found[name] for name in ("cpus", "machine", "devices", "backend", "versions")}


def child_environment(**variables: str) -> dict[str, str]:
    """Variables of a child process that finds this checkout, and all that this process finds."""
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": path, **variables}


def print_table(titles: Sequence[str], lines: Sequence[Sequence[str]], title: str = "") -> None:
    """A table on the terminal; the first column is text, the others are numbers."""
    from rich.table import Table as RichTable

    shown = RichTable(title=title or None, box=None, padding=(0, 1))
    for number, name in enumerate(titles):
        shown.add_column(name, justify="right" if number else "left")
    for line in lines:
        shown.add_row(*line)
    console().print(shown)


def spread(values: Sequence[float], digits: int) -> str:
    """Mean and standard deviation, as text; one value alone has no deviation."""
    import numpy as np

    mean = f"{np.mean(values):.{digits}f}"
    return mean if len(values) == 1 else f"{mean} ± {np.std(values, ddof=1):.{digits}f}"


def grouped(rows: Sequence[Row], *keys: str) -> dict[tuple[Any, ...], list[Row]]:
    """Rows by the values of some keys, in the order in which these first come."""
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[key] for key in keys), []).append(row)
    return groups
