"""python -m bayesopt.improve: make each of many molecules better without making it another one.

The protocol of Jin et al. 2018, section 3.3: the molecules with the lowest scores, a least Tanimoto
similarity to where the search starts, and the mean improvement; what was not improved counts as 0.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gmae_tf.errors import UserError
from gmae_tf.utils.cli import console, run_command
from grammar.errors import GrammarError

if TYPE_CHECKING:
    from bayesopt.storage import Trial
    from bayesopt.tasks.molecule_codec import MoleculeCodec
    from bayesopt.tasks.molecules import MoleculeTask

STRATEGIES = ("turbo", "random")
MEANINGFUL = 1e-9
EVOLUTIONS = 1
"""That from the best: one that begins with any known molecules finds nothing similar."""


@dataclass(frozen=True)
class ImproveConfig:
    """Options of `python -m bayesopt.improve`."""

    data: str = "zinc"
    """What to improve: a .csv, .smi or .sdf file; zinc: test molecules of ZINC 250k; builtin."""
    molecules: int = 80
    """How many of them, those with the worst scores."""
    objective: str = "penalized_logp"
    """What to improve: logp, qed, sa and so on, or a function as package.module:function."""
    min_similarity: float = 0.4
    """Least Tanimoto similarity to the molecule that a search starts from."""
    budget: int = 100
    """Evaluations for each molecule."""
    batch_size: int = 20
    """Evaluations between two updates of the surrogate."""
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
    device: Literal["auto", "cpu", "gpu"] = "auto"
    """Where to compute."""


def improve(config: ImproveConfig) -> None:
    """Improve one molecule after the other, and say how much on average."""
    from gmae_tf.utils.devices import select_device
    from gmae_tf.utils.run_dir import open_run

    if min(config.molecules, config.budget, config.batch_size) < 1:
        raise UserError("--molecules, --budget and --batch-size must be 1 or more.")
    select_device(config.device)
    from bayesopt.tasks.molecules import load_codec

    codec = load_codec(config.model)
    starts = worst(config, codec)
    run = open_run(config.out, asdict(config), "bayesopt.improve", may_change=("jobs", "device"))
    screen = console()
    screen.print(f"{'continuing' if run.continued else 'improving'} in {run.path}")
    state: dict[str, Any] = {}
    rows: list[dict[str, Any]] = []
    for number, start in enumerate(starts):
        path = config.out / f"molecule-{number:03d}.json"
        if path.exists():
            rows.append(json.loads(path.read_text()))
        else:
            rows.append(_improved(config, codec, start, state))
            _write(path, rows[-1])
        screen.print(_line(number, len(starts), rows[-1]), markup=False, highlight=False)
    results = {**summary(rows), "config": {k: str(v) for k, v in asdict(config).items()}}
    _write(config.out / "results.json", {**results, "molecules": rows})
    for name in STRATEGIES:
        found = results[name]
        screen.print(
            f"{name}: improvement {found['improvement']:.2f} ± {found['deviation']:.2f}, "
            f"{100 * found['success']:.4g} % improved"
        )
    screen.print(f"results: {config.out / 'results.json'}")


def worst(config: ImproveConfig, codec: MoleculeCodec) -> list[str]:
    """The molecules with the worst scores that the model can write, worst first."""
    import numpy as np

    from molecules.chem.penalized import RAW
    from molecules.chem.properties import canonical
    from molecules.data.sources import load_molecules
    from molecules.scoring.objective import Objective
    from molecules.scoring.scorer import Scorer

    what = Objective(config.objective, None, RAW)
    found = load_molecules(config.data, data_dir=config.data_dir, n=config.n_data)
    smiles = found.held_out if config.data == "zinc" else (*found.smiles, *found.held_out)
    with Scorer(what, jobs=config.jobs) as scorer:
        values = np.asarray(scorer.values(list(smiles)), dtype=np.float64)
    usable = np.flatnonzero(np.isfinite(values))
    if not len(usable):
        raise UserError(f"no molecule of {config.data} has a value of {config.objective}.")
    order = usable[np.argsort(values[usable] * (1 if what.maximise else -1), kind="stable")]
    starts = (canonical(smiles[i]) for i in order)
    return list(islice((s for s in starts if codec.refuses(s) is None), config.molecules))


def _improved(
    config: ImproveConfig, codec: MoleculeCodec, start: str, state: dict[str, Any]
) -> dict[str, Any]:
    """What the search and random draws made of one molecule."""
    from bayesopt.cli.options import ColumnOptions, ConstraintOptions
    from bayesopt.tasks.molecules import MoleculeTask

    bounds = ConstraintOptions(min_similarity=config.min_similarity, to=start)
    task = MoleculeTask(
        config.objective,
        bounds,
        ColumnOptions(),
        model=config.model,
        data_dir=config.data_dir,
        jobs=config.jobs,
        codec=codec,
    )
    try:
        before = float(task.values[task.known.smiles.index(start)])
        row: dict[str, Any] = {"start": start, "value": before}
        for strategy in STRATEGIES:
            row[strategy] = _gain(task, before, _searched(config, task, strategy, state))
    finally:
        task.close()
    return row


def _gain(task: MoleculeTask, before: float, trials: Sequence[Trial]) -> dict[str, Any]:
    """The best of the trials, in the user's sign, and how much better it is; nothing is 0."""
    done = [(float(t.score), t.string) for t in trials if t.score is not None]
    if not done:
        return {"string": None, "value": None, "improvement": 0.0, "evaluations": 0}
    score, best = min(done)
    value = -score if task.maximise else score
    gain = value - before if task.maximise else before - value
    return {
        "string": best,
        "value": value,
        "improvement": max(gain, 0.0),
        "evaluations": len(done),
    }


def _searched(
    config: ImproveConfig, task: MoleculeTask, strategy: str, state: dict[str, Any]
) -> list[Trial]:
    """Evaluated trials; the first fit of the surrogate is the same for all molecules."""
    from tempfile import TemporaryDirectory

    from bayesopt.acquisition.strategies import NEEDS_SURROGATE
    from bayesopt.optimizer import WINSORISED, Search, SearchConfig
    from bayesopt.storage import TrialStore
    from bayesopt.surrogates.sparse_gp import SurrogateConfig

    surrogate = SurrogateConfig(
        method="sgpr",
        kernel="matern52",
        inducing_points=200,
        subset=2000,
        iterations=20,
        points_per_lengthscale=task.points_per_lengthscale,
    )
    how = SearchConfig(
        strategy,
        config.batch_size,
        points=3000,
        surrogate=surrogate,
        held_out=0.0,
        effort=replace(task.effort, evolutions=EVOLUTIONS),
        features=True,
        winsorised=WINSORISED,
    )
    with TemporaryDirectory() as folder, TrialStore.open(Path(folder) / "trials", {}) as store:
        search = Search(task.problem, store, config.seed, how, task.problem.trusted_region())
        if strategy in NEEDS_SURROGATE:
            key = (strategy, config.seed, 0)
            if state:
                store.save_state(*key, state)
            else:
                state.update(search.fit_surrogate().get_state())
        search.run(config.budget)
        return search.trials


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Mean and standard deviation of the improvements, and the share of molecules improved."""
    import numpy as np

    found = {}
    for name in STRATEGIES:
        gains = np.array([row[name]["improvement"] for row in rows])
        found[name] = {
            "improvement": float(gains.mean()),
            "deviation": float(gains.std(ddof=1)) if len(gains) > 1 else 0.0,
            "success": float((gains > MEANINGFUL).mean()),
            "evaluations": float(np.mean([row[name]["evaluations"] for row in rows])),
        }
    return found


def _line(number: int, total: int, row: dict[str, Any]) -> str:
    best = row["turbo"]
    value = "nothing" if best["value"] is None else f"{best['value']:.3f}"
    return f"{number + 1}/{total} {row['value']:.3f} -> {value}  {best['string'] or row['start']}"


def _write(path: Path, content: dict[str, Any]) -> None:
    from gmae_tf.utils.files import write_atomic

    write_atomic(path, json.dumps(content, indent=2) + "\n")


def main() -> None:
    """The command."""
    run_command(
        improve,
        ImproveConfig,
        prog="python -m bayesopt.improve",
        description="Improve a property of each of many molecules, keeping them similar.",
        user_errors=(GrammarError,),
    )


if __name__ == "__main__":
    main()
