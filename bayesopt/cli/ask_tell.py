"""Ask: which molecules to make next, where only the user can measure them.

`ask` writes a batch as a CSV file, the user fills in the values, `tell` reads them
(`bayesopt.cli.told`).  The folder of the campaign holds the options, the batches and the trial
store (`bayesopt.cli.campaign`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesopt.cli.campaign import (
    KIND,
    KNOWN,
    SEED,
    STORE,
    STRATEGY,
    batch_path,
    campaign_optimizer,
    recalled,
)
from bayesopt.cli.options import (
    AskConfig,
    ConstraintOptions,
    PredictConfig,
    StatusConfig,
    TellConfig,
)
from gmae_tf.errors import UserError
from gmae_tf.utils.cli import console, run_command
from gmae_tf.utils.json import write_json
from gmae_tf.utils.locks import lock_run
from gmae_tf.utils.rows import tell_rows

if TYPE_CHECKING:
    from bayesopt.optimizer import Optimizer
    from bayesopt.storage import Batch
    from bayesopt.tasks.base import Task

# A campaign may get more data and other limits on its way, but not another quantity.
FORMS = ("largest_fragment", "standardize", "neutralize")
FREE = (
    *("batch_size", "device", "data", *FORMS),
    *(field.name for field in fields(ConstraintOptions)),
)
FOLDS = 5
DRAWN = 100
BEST = 10
"""Of so many of the best molecules in the data a campaign takes notice."""
SWITCHES = ("--replace", "--no-replace")


def ask(config: AskConfig) -> None:
    """Write the next batch of molecules to make, and draw it."""
    lock_run(config.out)
    _check(config)
    _refuse_unfinished(config)
    from gmae_tf.utils.devices import select_device
    from gmae_tf.utils.run_dir import open_run

    select_device(config.device)
    from bayesopt.cli.setup import make_task
    from bayesopt.storage import TrialStore

    task = make_task(config)
    options = {name: value for name, value in asdict(config).items() if name != "more"}
    open_run(config.out, options, "bayesopt.run ask", may_change=FREE)
    tell_rows(task.reports, config.out, console())
    with TrialStore.open(config.out / STORE, KIND) as store:
        known = _known(task)
        optimizer = campaign_optimizer(task, store)
        measured = len(optimizer.trials) + len(task.dataset)
        console().print(f"{measured} measured molecules: {_quality(optimizer)}")
        batch = _unwritten(config, optimizer) or optimizer.ask(config.batch_size, more=config.more)
        write_json(config.out / KNOWN, known)
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


def _known(task: Task) -> dict[str, Any]:
    """What was measured before: how many molecules, and the best of them."""
    from bayesopt.dataset import turned

    data = task.dataset
    rows = np.argsort(turned(data.values, task.maximize), kind="stable")[:BEST]
    best = [{"string": data.strings[row], "value": float(data.values[row])} for row in rows]
    return {"measured": len(data), "best": best}


def _refuse_unfinished(config: AskConfig) -> None:
    """While values are waited for, another batch is asked only if that is said."""
    if config.more or not (config.out / STORE).exists():
        return
    from bayesopt.storage import TrialStore

    with TrialStore.open(config.out / STORE, KIND) as store:
        waiting = store.pending(STRATEGY, SEED)
    paths = dict.fromkeys(batch_path(config.out, trial.batch) for trial in waiting)
    if waiting and all(path.exists() for path in paths):
        verb, n = ("waits" if len(paths) == 1 else "wait"), len(waiting)
        values = "a value: fill it in" if n == 1 else f"{n} values: fill them in"
        raise UserError(
            f"{' and '.join(map(str, paths))} still {verb} for {values}, write failed for what "
            "could not be made, and tell; or add --more for a further batch beside it."
        )


def _unwritten(config: AskConfig, optimizer: Optimizer) -> Batch | None:
    """A batch that was proposed and whose file was never written, as after a kill."""
    waiting = optimizer.journal.pending()
    lost = [t for t in waiting if not batch_path(config.out, t.batch).exists()]
    first = [trial for trial in lost if trial.batch == lost[0].batch]
    return optimizer.journal.batch(first) if first else None


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


def _quality(optimizer: Optimizer) -> str:
    """Cross-validated error of the surrogate on what was measured, in words."""
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
    """The commands `ask`, `tell`, `status` and `predict`, the first of `argv`."""
    verb, arguments = argv[0], list(argv[1:])
    prog = f"python -m bayesopt.run {verb}"
    if verb == "ask":
        run_command(
            lambda config: ask(recalled(config.out, arguments)),
            AskConfig,
            prog=prog,
            description="Write the next batch of molecules to make, from what was measured so far.",
            argv=arguments,
        )
        return
    from bayesopt.cli import told

    if verb == "status":
        run_command(
            told.status,
            StatusConfig,
            prog=prog,
            description="Say what is out, what was told, and the best of all.",
            argv=arguments,
            continues=False,
        )
        return
    if verb == "predict":
        from bayesopt.cli.predict import predict

        run_command(
            predict,
            PredictConfig,
            prog=prog,
            description="Predict the values of molecules of a file by the surrogate of a campaign: "
            "predict --out FOLDER FILE.",
            argv=_with_flag(arguments, "--molecules"),
            continues=False,
        )
        return
    run_command(
        told.tell,
        TellConfig,
        prog=prog,
        description="Read measured values of a batch that ask wrote, or of other molecules: tell "
        "--out FOLDER FILE.",
        argv=_with_flag(arguments),
    )


def _with_flag(arguments: Sequence[str], flag: str = "--measured") -> list[str]:
    """`tell FILE` as `tell --measured FILE`."""
    found: list[str] = []
    for i, text in enumerate(arguments):
        before = arguments[i - 1] if i else ""
        is_value = before.startswith("--") and "=" not in before and before not in SWITCHES
        found += [text] if text.startswith("-") or is_value else [flag, text]
    return found
