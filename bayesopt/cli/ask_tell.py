"""Ask and tell: which molecules to make next, where only the user can measure them.

`ask` writes a batch as a CSV file, the user fills in the values, `tell` reads them.  The folder of
the campaign holds the options, the batches and the trial store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayesopt.cli.options import AskConfig, ConstraintOptions, RunConfig, TellConfig
from gmae_tf.errors import UserError
from gmae_tf.utils.cli import console, parse_config, run_command
from gmae_tf.utils.rows import tell_rows

if TYPE_CHECKING:
    from bayesopt.optimizer import Optimizer
    from bayesopt.storage import Batch, Trial, TrialStore
    from bayesopt.tasks.base import Task

STRATEGY, SEED = RunConfig().strategy, 0
# A campaign may get more data and other limits on its way, but not another quantity.
FORMS = ("largest_fragment", "standardize", "neutralize")
FREE = (
    *("batch_size", "device", "data", *FORMS),
    *(field.name for field in fields(ConstraintOptions)),
)
FOLDS = 5
DRAWN = 100
# The folder says which campaign it is.
STORE, KIND = "trials.sqlite", {"kind": "ask"}


def ask(config: AskConfig) -> None:
    """Write the next batch of molecules to make, and draw it."""
    _check(config)
    from gmae_tf.utils.devices import select_device
    from gmae_tf.utils.run_dir import open_run

    select_device(config.device)
    from bayesopt.cli.setup import make_task
    from bayesopt.storage import TrialStore

    task = make_task(config)
    open_run(config.out, asdict(config), "bayesopt.run ask", may_change=FREE)
    tell_rows(task.reports, config.out, console())
    with TrialStore.open(config.out / STORE, KIND) as store:
        _refuse_unfinished(config, store)
        optimizer = _optimizer(task, store)
        measured = len(optimizer.trials) + len(task.dataset)
        console().print(f"{measured} measured molecules: {_quality(optimizer)}")
        batch = optimizer.ask(config.batch_size)
    if not batch:
        raise UserError(
            "no new molecule was found that satisfies the constraints: loosen them, or tell more."
        )
    _write(config, batch, task.score_name)


def _check(config: AskConfig) -> None:
    """Refuse by a `UserError`, before any heavy import, what cannot be asked as it is written."""
    if config.data is None or config.value_column is None:
        raise UserError(
            "ask starts from what you measured: give --data FILE and --value-column NAME."
        )
    if not (config.maximize or config.minimize):
        raise UserError("say which values are better: give --maximize or --minimize.")
    if config.batch_size < 1:
        raise UserError(f"--batch-size must be 1 or more, not {config.batch_size}")
    from bayesopt.cli.checks import check_folders, check_molecules, constraints_of
    from bayesopt.tasks.molecule_words import FEWEST

    check_folders(config.model, config.out)
    check_molecules(config, None, config.data, FEWEST)
    constraints_of(config, None)


def _optimizer(task: Task, store: TrialStore) -> Optimizer:
    """An optimizer whose surrogate learns anew from all data, as some may come in between."""
    from bayesopt.cli.setup import make_optimizer

    whole = RunConfig(points=0, inducing_points=500, hyper_points=10_000)
    other = {"refit": True, "held_out": 0.0, "winsorized": 0.0, "failed_value": None}
    optimizer = make_optimizer(
        whole, task, store, iterations=50, seed=SEED, **_once(task, store), **other
    )
    return optimizer


def _once(task: Task, store: TrialStore) -> dict[str, Any]:
    """The data set without what was told, which counts once, and then anew where to search."""
    from bayesopt.dataset import turned, without_told

    trials = [t for t in store.trials(STRATEGY, SEED) if t.string and t.score is not None]
    joined = without_told(
        task.dataset, {str(t.string): turned(float(t.score), task.maximize) for t in trials}
    )
    if not joined.told:
        return {}
    screen = console()
    screen.print(f"{joined.told} molecules are told and also in the data: each counts once")
    for conflict in joined.conflicts:
        screen.print(f"  {conflict}; the told value counts", markup=False, soft_wrap=True)
    task.dataset = joined.dataset
    return {"centres": None}


def _write(config: AskConfig, batch: Batch, score_name: str) -> None:
    """The files of a batch, and the same on the terminal, each molecule whole on its line."""
    from bayesopt.cli.batch_csv import write_batch
    from molecules.chem.draw import grid

    screen, path = console(), batch_path(config.out, batch.trials[0].batch)
    write_batch(path, batch, str(config.value_column))
    rows = list(zip(batch.trials, batch, batch.mean, batch.sd, strict=True))
    legends = [f"{trial.evaluation}:  {mean:.3g}" for trial, _, mean, _ in rows[:DRAWN]]
    picture = grid(batch[:DRAWN], path.with_suffix(".svg"), legends)
    screen.print(f"id, predicted {score_name}, molecule:")
    for trial, smiles, mean, sd in rows:
        line = f"{trial.evaluation:>4}  {mean:8.3f} ± {sd:.3f}  {smiles}"
        screen.print(line, markup=False, soft_wrap=True)
    screen.print(f"molecules to make: {path} (drawn in {picture})")
    screen.print(f"then: python -m bayesopt.run tell --out {config.out} {path}", markup=False)


def _refuse_unfinished(config: AskConfig, store: TrialStore) -> None:
    """A batch that waits for values is not asked anew, and its file, half filled, not replaced."""
    waiting = store.pending(STRATEGY, SEED)
    if waiting and (path := batch_path(config.out, waiting[0].batch)).exists():
        raise UserError(
            f"{path} still waits for {len(waiting)} values: fill them in, leave empty what could "
            "not be made, and tell it first."
        )


def tell(config: TellConfig) -> None:
    """Read the measured values of a batch."""
    from bayesopt.cli.batch_csv import read_batch
    from bayesopt.storage import TrialStore
    from molecules.codec import canonical_or_none

    none = f"{config.out} holds no batch: run python -m bayesopt.run ask first."
    if not (config.out / "config.yaml").exists():
        raise UserError(none)
    asked = recalled(config.out, ["--out", str(config.out)])
    with TrialStore.open(config.out / STORE, KIND) as store:
        trials = {t.evaluation: t for t in store.trials(STRATEGY, SEED)}
        if not trials:
            raise UserError(none)
        values = read_batch(config.measured, trials, str(asked.value_column), canonical_or_none)
        new = _store_values(store, config.measured, trials, values, bool(asked.maximize))
        _print_told(store, new, bool(asked.maximize))
    console().print(f"next: python -m bayesopt.run ask --out {config.out}", markup=False)


def _store_values(
    store: TrialStore,
    path: Path,
    trials: Mapping[int, Trial],
    values: Mapping[int, float | None],
    maximize: bool,
) -> list[int]:
    """Store what is new of the values by id, and give its ids; told values must be as before."""
    from bayesopt.dataset import turned

    for number, value in values.items():
        before = turned(trials[number].score, maximize)
        if None not in (before, value) and before != value:
            raise UserError(
                f"{path}: id {number} was told as {before:g} and is now {value:g}; a told value "
                "stays, so put it back."
            )
    waiting = {k: turned(v, maximize) for k, v in values.items() if trials[k].score is None}
    new = {k: score for k, score in waiting.items() if score is not None}
    lost = [k for k, score in waiting.items() if score is None and not trials[k].failed]
    if not new and not lost:
        raise UserError(f"{path} was told already: run ask for the next batch.")
    for number, score in new.items():
        store.record(STRATEGY, SEED, number, score)
    store.fail(STRATEGY, SEED, lost)
    console().print(
        f"values stored: {len(new)}, marked as not measurable: {len(lost)}, still waited for: "
        f"{len(store.pending(STRATEGY, SEED))}"
    )
    return list(new)


def _print_told(store: TrialStore, new: Sequence[int], maximize: bool) -> None:
    """Print how good the predictions of the new values were, and the best of all."""
    from bayesopt.report.summary import predicted, top, trial_table

    screen, told = console(), trial_table(store.trials(STRATEGY, SEED), maximize)
    errors = predicted(told[told.evaluation.isin(new)]).error
    if len(errors):
        rmse = (errors**2).mean() ** 0.5
        screen.print(f"the predictions for them were off by {rmse:.3g} (RMSE)")
    for best in top(told, maximize, 1).itertuples():
        screen.print(f"best so far: {best.score:g}  {best.string}", markup=False, soft_wrap=True)


def batch_path(folder: Path, batch: int) -> Path:
    """Where the CSV file of a batch (from 0) lies."""
    return folder / f"batch-{batch + 1:03d}.csv"


def recalled(folder: Path, arguments: Sequence[str]) -> AskConfig:
    """The options of the campaign in a folder, and of a command line, which win."""
    stored = folder / "config.yaml"
    try:
        known = ["--config", str(stored)] if stored.exists() else []
        config = parse_config(AskConfig, prog="ask", argv=[*known, *arguments])
    except UserError as error:
        raise UserError(f"{folder} holds another run ({error}): choose another folder.") from error
    return replace(config, out=folder)


def _quality(optimizer: Optimizer) -> str:
    """Cross-validated error of the surrogate on what was measured, in words."""
    import numpy as np

    points, scores = optimizer.training_points()
    order = np.random.default_rng(SEED).permutation(len(scores))
    mean = np.empty(len(scores))
    for test in np.array_split(order, FOLDS):
        train = np.setdiff1d(order, test)
        gp = optimizer.fitter.new().fit(points[train], scores[train], seed=SEED)
        mean[test] = gp.predict_y(points[test])[0]
    rmse = float(np.sqrt(np.mean((mean - scores) ** 2)))
    spread = float(scores.std())
    verdict = "it knows something" if rmse < 0.9 * spread else "it is still guessing"
    return (
        f"in {FOLDS}-fold cross-validation the surrogate is off by {rmse:.3g}, and the mean alone "
        f"by {spread:.3g}: {verdict}"
    )


def main(argv: Sequence[str]) -> None:
    """The commands `ask` and `tell`, the first of `argv`."""
    verb, arguments = argv[0], list(argv[1:])
    if verb == "ask":
        run_command(
            lambda config: ask(recalled(config.out, arguments)),
            AskConfig,
            prog="python -m bayesopt.run ask",
            description="Write the next batch of molecules to make, from what was measured so far.",
            argv=arguments,
        )
        return
    run_command(
        tell,
        TellConfig,
        prog="python -m bayesopt.run tell",
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
