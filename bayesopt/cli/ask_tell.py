"""Ask and tell: which molecules to make next, where only the user can measure them.

`ask` writes a batch as a CSV file, the user fills in the values, `tell` reads them.  The folder of
the campaign holds the options, the batches and the trial store.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayesopt.cli.options import (
    AskConfig,
    ConstraintOptions,
    TellConfig,
    check_folders,
    check_molecules,
    constraints_of,
    direction,
)
from bayesopt.surrogates.require import require_gpflow
from gmae_tf.errors import UserError
from gmae_tf.utils.cli import console, run_command

if TYPE_CHECKING:
    from bayesopt.optimizer import Optimizer
    from bayesopt.storage import Batch, Trial, TrialStore
    from bayesopt.tasks.molecules import MoleculeTask

STRATEGY, SEED = "turbo", 0
BATCH = 10
# A campaign may get more data and other limits on its way, but not another quantity.
FREE = ("batch_size", "device", "data", *(field.name for field in fields(ConstraintOptions)))
FOLDS = 5


def ask(config: AskConfig) -> None:
    """Write the next batch of molecules to make, and draw it."""
    config = _recalled(config)
    if config.data is None or config.value_column is None:
        raise UserError(
            "ask starts from what you measured: give --data FILE and --value-column NAME."
        )
    if not (config.maximize or config.minimize):
        raise UserError("say which values are better: give --maximize or --minimize.")
    if config.batch_size is not None and config.batch_size < 1:
        raise UserError(f"--batch-size must be 1 or more, not {config.batch_size}")
    require_gpflow()
    check_folders(config.model, config.out)
    check_molecules(config, None, config.data)
    constraints = constraints_of(config, None)
    from gmae_tf.utils.devices import select_device
    from gmae_tf.utils.run_dir import open_run

    select_device(config.device)
    from bayesopt.cli.batch_csv import write_batch
    from bayesopt.tasks.molecules import MoleculeTask
    from molecules.chem.draw import grid

    task = MoleculeTask(
        None,
        constraints=constraints,
        to=config.to,
        maximize=direction(config.maximize, config.minimize),
        data=config.data,
        smiles_column=config.smiles_column,
        value_column=config.value_column,
        model=config.model,
    )
    open_run(config.out, asdict(config), "bayesopt.run ask", may_change=FREE)
    screen = console()
    with _store(config) as store:
        _refuse_unfinished(config, store)
        optimizer = _optimizer(task, store)
        measured = len(optimizer.trials) + len(task.dataset)
        screen.print(f"{measured} measured molecules: {_quality(optimizer)}")
        batch = optimizer.ask(config.batch_size or BATCH)
    if not len(batch):
        raise UserError(
            "no new molecule was found that satisfies the constraints: loosen them, or tell more."
        )
    path = batch_path(config.out, batch.trials[0].batch)
    write_batch(path, batch, str(config.value_column))
    ids = [trial.evaluation for trial in batch.trials]
    legends = [f"{number}:  {mean:.3g}" for number, mean in zip(ids, batch.mean, strict=True)]
    picture = grid(batch[:100], path.with_suffix(".svg"), legends[:100])
    screen.print(_table(batch, task.score_name))
    screen.print(f"molecules to make: {path} (drawn in {picture})")
    screen.print(f"then: python -m bayesopt.run tell --out {config.out} {path}", markup=False)


def tell(config: TellConfig) -> None:
    """Read the measured values of a batch."""
    from bayesopt.cli.batch_csv import read_batch
    from bayesopt.space import turned
    from molecules.codec import canonical_or_none

    asked = _stored_options(config.out)
    if asked is None:
        raise UserError(f"{config.out} holds no batch: run python -m bayesopt.run ask first.")
    with _store(asked) as store:
        trials = {t.evaluation: t for t in store.trials(STRATEGY, SEED)}
        if not trials:
            raise UserError(f"{config.out} holds no batch: run python -m bayesopt.run ask first.")
        values = read_batch(config.measured, trials, str(asked.value_column), canonical_or_none)
        scores = {k: turned(v, asked.maximize) for k, v in values.items() if v is not None}
        _refuse_other_values(config.measured, trials, scores)
        new = {k: v for k, v in scores.items() if trials[k].score is None}
        lost = {k for k, v in values.items() if v is None and trials[k].score is None}
        lost -= store.failed(STRATEGY, SEED)
        if not new and not lost:
            raise UserError(f"{config.measured} was told already: run ask for the next batch.")
        for evaluation, score in new.items():
            store.record(STRATEGY, SEED, evaluation, score)
        store.fail(STRATEGY, SEED, lost)
        left = store.pending(STRATEGY, SEED)
        told = [t for t in store.trials(STRATEGY, SEED) if t.score is not None]
    _print_told(asked, told, new, len(lost), len(left))


def _print_told(
    asked: AskConfig, told: Sequence[Trial], new: dict[int, float], lost: int, left: int
) -> None:
    from bayesopt.space import turned

    screen = console()
    screen.print(
        f"values stored: {len(new)}, marked as not measurable: {lost}, still waited for: {left}"
    )
    fresh = [t for t in told if t.evaluation in new and t.predicted_mean is not None]
    if fresh:
        import numpy as np

        errors = [float(t.score or 0) - float(t.predicted_mean or 0) for t in fresh]
        off = float(np.sqrt(np.mean(np.square(errors))))
        screen.print(f"the predictions for them were off by {off:.3g} (RMSE)")
    if told:
        best = min(told, key=lambda t: float(t.score or 0))
        value = turned(best.score, asked.maximize)
        screen.print(f"best so far: {value:g}  {best.string}", markup=False)
    screen.print(f"next: python -m bayesopt.run ask --out {asked.out}", markup=False)


def batch_path(folder: Path, batch: int) -> Path:
    """Where the CSV file of a batch (from 0) lies."""
    return folder / f"batch-{batch + 1:03d}.csv"


def _stored_options(folder: Path) -> AskConfig | None:
    """The options of the campaign in a folder; None if there is none."""
    import yaml

    path = folder / "config.yaml"
    if not path.exists():
        return None
    names = {field.name: field for field in fields(AskConfig)}
    try:
        stored = yaml.safe_load(path.read_text(encoding="utf-8"))
        if not names.keys() <= stored.keys():
            raise ValueError("its options are not those of ask")
        stored = {name: stored[name] for name in names}
    except (OSError, ValueError, AttributeError, yaml.YAMLError) as error:
        raise UserError(f"{folder} holds another run ({error}): choose another folder.") from error
    for name in ("out", "model"):
        stored[name] = None if stored[name] is None else Path(stored[name])
    return replace(AskConfig(**stored), out=folder)


def _recalled(config: AskConfig) -> AskConfig:
    """Fill options not given from the stored campaign."""
    stored = _stored_options(config.out)
    if stored is None:
        return replace(config, batch_size=BATCH if config.batch_size is None else config.batch_size)
    defaults = AskConfig()
    given = {
        field.name: getattr(config, field.name)
        for field in fields(AskConfig)
        if getattr(config, field.name) != getattr(defaults, field.name)
    }
    return replace(stored, **given)


def _store(config: AskConfig) -> TrialStore:
    from bayesopt.storage import TrialStore

    # The options are checked with the folder; the data may grow, so the store compares the rest.
    meaning = {
        "kind": "ask",
        "value_column": config.value_column,
        "maximize": config.maximize,
        "model": str(config.model),
    }
    return TrialStore.open(config.out / "trials.sqlite", meaning)


def _refuse_unfinished(config: AskConfig, store: TrialStore) -> None:
    """A batch that waits for values is not asked anew, and its file, half filled, not replaced."""
    pending = store.pending(STRATEGY, SEED)
    if pending and (path := batch_path(config.out, pending[0].batch)).exists():
        raise UserError(
            f"{path} still waits for {len(pending)} values: fill them in, leave empty what could "
            "not be made, and tell it first."
        )


def _refuse_other_values(path: Path, trials: dict[int, Trial], told: dict[int, float]) -> None:
    for evaluation, score in told.items():
        known = trials[evaluation].score
        if known is not None and known != score:
            raise UserError(
                f"{path}: id {evaluation} was told as {abs(known):g} and is now {abs(score):g}; a "
                "told value stays, so put it back."
            )


def _optimizer(task: MoleculeTask, store: TrialStore) -> Optimizer:
    from bayesopt.optimizer import Optimizer
    from bayesopt.surrogates.base import SurrogateConfig

    surrogate = SurrogateConfig(
        method="sgpr",
        kernel="matern52",
        points_per_lengthscale=task.points_per_lengthscale,
    )
    return Optimizer(
        task.space,
        task.dataset,
        maximize=task.maximize,
        surrogate=surrogate,
        points=None,
        refit=True,
        centres=task.centres,
        storage=store,
        seed=SEED,
    )


def _quality(optimizer: Optimizer) -> str:
    """Cross-validated error of the surrogate on what was measured, in words."""
    import numpy as np

    points, scores = optimizer.training_points()
    order = np.random.default_rng(SEED).permutation(len(scores))
    mean = np.empty(len(scores))
    for test in np.array_split(order, FOLDS):
        train = np.setdiff1d(order, test)
        gp = optimizer.fitter.new().fit(points[train], scores[train], seed=SEED)
        mean[test] = gp.predict(points[test])[0]
    rmse = float(np.sqrt(np.mean((mean - scores) ** 2)))
    spread = float(scores.std())
    verdict = "it knows something" if rmse < 0.9 * spread else "it is still guessing"
    return (
        f"in {FOLDS}-fold cross-validation the surrogate is off by {rmse:.3g}, and the mean alone "
        f"by {spread:.3g}: {verdict}"
    )


def _table(batch: Batch, score_name: str) -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("id", justify="right")
    table.add_column("molecule", overflow="fold")
    table.add_column(f"predicted {score_name}", justify="right")
    for trial, string, mean, sd in zip(batch.trials, batch, batch.mean, batch.sd, strict=True):
        table.add_row(str(trial.evaluation), Text(string), f"{mean:.3f} ± {sd:.3f}")
    return table


def main(argv: Sequence[str]) -> None:
    """The commands `ask` and `tell`, the first of `argv`."""
    verb, arguments = argv[0], list(argv[1:])
    prog = f"python -m bayesopt.run {verb}"
    if verb == "ask":
        run_command(
            ask,
            AskConfig,
            prog=prog,
            description="Write the next batch of molecules to make, from what was measured so far.",
            argv=arguments,
        )
        return
    run_command(
        tell,
        TellConfig,
        prog=prog,
        description="Read the measured values of a batch that ask wrote: tell --out FOLDER FILE.",
        argv=_with_flag(arguments),
    )


def _with_flag(arguments: Sequence[str]) -> list[str]:
    """`tell FILE` as `tell --measured FILE`."""
    found: list[str] = []
    for i, text in enumerate(arguments):
        before = arguments[i - 1] if i else ""
        is_value = before.startswith("--") and "=" not in before
        found += [text] if text.startswith("-") or is_value else ["--measured", text]
    return found


if __name__ == "__main__":
    main(sys.argv[1:])
