"""python -m bayesopt.improve: make each of many molecules better without making it another one.

The protocol of Jin et al. 2018, section 3.3: the molecules with the lowest scores, a least Tanimoto
similarity to where the search starts, and the mean improvement; what was not improved counts as 0.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bayesopt.cli.options import ColumnOptions, FileOptions, RunConfig, given_to
from gmae_tf.errors import UserError
from gmae_tf.utils.cli import console, run_command
from gmae_tf.utils.json import read_json, write_json
from gmae_tf.utils.locks import lock_run
from gmae_tf.utils.rows import tell_rows

if TYPE_CHECKING:
    import pandas as pd

    from bayesopt.tasks.base import Task
    from molecules.codec import MoleculeCodec
    from molecules.data.sources import MoleculeData

STRATEGIES = ("joint", "random")
MEANINGFUL = 1e-9
FREE = ("jobs", "scheduler", "device")
"""Options that a continued run may change."""


@dataclass(frozen=True)
class ImproveConfig(FileOptions):
    """Options of `python -m bayesopt.improve`."""

    data: str = "zinc"
    """What to improve: a .csv, .smi or .sdf file; zinc: test molecules of ZINC 250k; builtin."""
    molecules: int = 80
    """How many of them, those with the worst scores."""
    objective: str = "penalized_logp"
    """What to improve: logp, qed, sa and so on, or a function as package.module:function."""
    min_similarity: float = 0.4
    """Least Tanimoto similarity to the molecule that a search starts from."""
    require: str | None = None
    """Comparisons of properties that must hold: "1 <= logp <= 3 and tpsa < 90"."""
    unconstrained: bool = False
    """Propose also what lies outside the domain of applicability of the known molecules."""
    budget: int = 100
    """Evaluations for each molecule."""
    batch_size: int = 20
    """Evaluations between two updates of the surrogate."""
    points: int = 3_000
    """Known molecules that the surrogate of a search learns from: the best, and others."""
    n_data: int | None = None
    """Choose among so many of a file's molecules only, drawn at random."""
    seed: int = 0
    """Of the searches."""
    out: Path = Path("runs/improve")
    """Folder of the run; the same command continues what it holds."""
    model: Path | None = None
    """Folder of the trained model; the pretrained one by default."""
    data_dir: Path | None = None
    """Folder with downloaded data; GMAE_DATA_DIR by default."""
    jobs: int | None = None
    """Processes that score; one for each core by default."""
    scheduler: str | None = None
    """Of a dask.distributed cluster, whose workers then score: its address, such as
    tcp://host:8786, or its scheduler file."""
    device: Literal["auto", "cpu", "gpu"] = "auto"
    """Where to compute."""


def improve(config: ImproveConfig) -> None:
    """Improve one molecule after the other, and say how much on average."""
    if min(config.molecules, config.budget, config.batch_size, config.points) < 1:
        raise UserError("--molecules, --budget, --batch-size and --points must be 1 or more.")
    from bayesopt.cli.checks import check_folders, check_molecules, constraints_of, model_folder

    config = replace(config, model=model_folder(config.model))
    check_folders(config.model, config.out)
    lock_run(config.out)
    columns = ColumnOptions(smiles_column=config.smiles_column)
    check_molecules(columns, config.objective, config.data, scheduler=config.scheduler)
    constraints_of(_options(config, "C"), config.objective)
    from gmae_tf.utils.devices import select_device
    from gmae_tf.utils.run_dir import open_run

    select_device(config.device)
    from bayesopt.tasks.molecules import load_codec

    codec = load_codec(config.model)
    data = read(config)
    starts = worst(config, codec, data)
    run = open_run(config.out, asdict(config), "bayesopt.improve", may_change=FREE)
    screen = console()
    tell_rows([data.report], config.out, screen)
    screen.print(f"{'continuing' if run.continued else 'improving'} in {run.path}")
    rows: list[dict[str, Any]] = []
    for number, start in enumerate(starts):
        path = config.out / f"molecule-{number:03d}.json"
        if path.exists():
            rows.append(read_json(path))
        else:
            rows.append(_improved(config, codec, start))
            gc.collect()  # TensorFlow's graphs are circles, of few objects and many bytes
            write_json(path, rows[-1])
        screen.print(_line(number, len(starts), rows[-1]), markup=False, soft_wrap=True)
    results = {**summary(rows), "config": config}
    write_json(config.out / "results.json", {**results, "molecules": rows})
    for name in STRATEGIES:
        numbers = results[name]
        screen.print(
            f"{name}: improvement {numbers['improvement']:.2f} ± {numbers['deviation']:.2f}, "
            f"{100 * numbers['success']:.4g} % improved"
        )
    screen.print(f"results: {config.out / 'results.json'}")


def _options(config: ImproveConfig, start: str) -> RunConfig:
    """The search around one molecule: as `bayesopt.run` has it, but small."""
    own = {field.name: field.default for field in fields(FileOptions)}
    own |= {"data": None, "n_data": None, "task": "molecules", "to": start}
    small = {"hyper_points": 2000, "inducing_points": 200}
    return RunConfig(**{**given_to(RunConfig, config), **own, **small})


def read(config: ImproveConfig) -> MoleculeData:
    """The molecules of the options."""
    from molecules.data.sources import load_molecules

    given = given_to(load_molecules, config)
    return load_molecules(config.data, **{**given, "n": config.n_data, "seed": 0})


def worst(config: ImproveConfig, codec: MoleculeCodec, data: MoleculeData) -> list[str]:
    """The molecules with the worst values that the model can write, worst first."""
    import numpy as np

    from bayesopt.dataset import turned
    from molecules.chem.penalized import RAW
    from molecules.chem.properties import canonical
    from molecules.scoring.objective import Objective
    from molecules.scoring.scorer import Scorer

    objective = Objective(config.objective, None, RAW)
    smiles = data.held_out if config.data == "zinc" else (*data.smiles, *data.held_out)
    with Scorer(objective, jobs=config.jobs, scheduler=config.scheduler) as scorer:
        values = np.asarray(scorer.values(list(smiles)), dtype=np.float64)
    usable = np.flatnonzero(np.isfinite(values))
    if not len(usable):
        raise UserError(f"no molecule of {config.data} has a value of {config.objective}.")
    scores = turned(values[usable], objective.maximise)
    order = usable[np.argsort(-scores, kind="stable")]
    starts = (canonical(smiles[i]) for i in order)
    return list(islice((s for s in starts if codec.refuses(s) is None), config.molecules))


def _improved(config: ImproveConfig, codec: MoleculeCodec, start: str) -> dict[str, Any]:
    """The best of a search and of random draws for one molecule."""
    from bayesopt.cli.setup import make_task

    options = _options(config, start)
    task = make_task(options, codec=codec)
    try:
        before = float(task.dataset.values[task.dataset.strings.index(start)])
        row: dict[str, Any] = {"start": start, "value": before}
        for strategy in STRATEGIES:
            best = _searched(options, task, strategy, config.seed)
            row[strategy] = _gain(task, before, best)
    finally:
        task.close()
    return row


def _gain(task: Task, before: float, best: pd.DataFrame) -> dict[str, Any]:
    """The best evaluated string, and how much better it is; none is 0."""
    if not len(best):
        return {"string": None, "value": None, "improvement": 0.0, "evaluations": 0}
    value = float(best.value[0])
    gain = value - before if task.maximize else before - value
    return {
        "string": best.string[0],
        "value": value,
        "improvement": max(gain, 0.0),
        "evaluations": len(best),
    }


def _searched(options: RunConfig, task: Task, strategy: str, seed: int) -> pd.DataFrame:
    """Evaluated strings, best first."""
    from bayesopt.cli.setup import make_optimizer

    optimizer = make_optimizer(
        options,
        task,
        iterations=20,
        strategy=strategy,
        held_out=0.0,
        seed=seed,
    )
    best = optimizer.run(task.evaluate, options.budget, vectorized=True).best(options.budget)
    optimizer.close()
    return best


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Mean and standard deviation of the improvements, and the share of molecules improved."""
    import numpy as np

    numbers = {}
    for name in STRATEGIES:
        gains = np.array([row[name]["improvement"] for row in rows])
        numbers[name] = {
            "improvement": float(gains.mean()),
            "deviation": float(gains.std(ddof=1)) if len(gains) > 1 else 0.0,
            "success": float((gains > MEANINGFUL).mean()),
            "evaluations": float(np.mean([row[name]["evaluations"] for row in rows])),
        }
    return numbers


def _line(number: int, total: int, row: dict[str, Any]) -> str:
    best = row["joint"]
    value = "nothing" if best["value"] is None else f"{best['value']:.3f}"
    return f"{number + 1}/{total} {row['value']:.3f} -> {value}  {best['string'] or row['start']}"


def main() -> None:
    """The command."""
    run_command(
        improve,
        ImproveConfig,
        prog="python -m bayesopt.improve",
        description="Improve a property of each of many molecules, keeping them similar.",
    )


if __name__ == "__main__":
    main()
