"""The folder of a campaign, in which only the user measures: its options, store and results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayesopt.cli.options import AskConfig, RunConfig
from gmae_tf.errors import UserError
from gmae_tf.utils.cli import console, parse_config

if TYPE_CHECKING:
    from collections.abc import Callable

    from bayesopt.optimizer import Optimizer
    from bayesopt.storage import TrialStore
    from bayesopt.tasks.base import Task
    from bayesopt.trials.journal import Journal
    from bayesopt.trusted_region import Array

STRATEGY, SEED = RunConfig().strategy, 0
# The folder says which campaign it is.
STORE, KIND = "trials.sqlite", {"kind": "ask"}
KNOWN = "known.json"
"""What was measured before: how many molecules, and the best of them, as of the last ask."""


@dataclass(frozen=True)
class Campaign:
    """A campaign that has begun: its options, and the trials of its store."""

    config: AskConfig
    store: TrialStore
    journal: Journal

    @property
    def value(self) -> str:
        """The name of what is measured."""
        return str(self.config.value_column)


@contextmanager
def opened(folder: Path) -> Iterator[Campaign]:
    """The campaign in a folder; `UserError` if there is none."""
    none = f"{folder} holds no batch: run python -m bayesopt.run ask first."
    if not (folder / "config.yaml").exists():
        raise UserError(none)
    config = recalled(folder, ["--out", str(folder)])
    if not (folder / STORE).exists():
        raise UserError(none)
    from bayesopt.storage import TrialStore
    from bayesopt.trials.journal import Journal

    with TrialStore.open(folder / STORE, KIND) as store:
        journal = Journal(
            encode=_encoder(config),
            store=store,
            strategy=STRATEGY,
            seed=SEED,
            maximize=config.maximize,
            failed=None,
            seen=lambda string: False,
        )
        if not journal.trials():
            raise UserError(none)
        yield Campaign(config, store, journal)


def _encoder(config: AskConfig) -> Callable[[Sequence[str]], Array]:
    """Codes of molecules by the campaign's model, which is loaded only where there are any."""

    def encode(strings: Sequence[str]) -> Array:
        from bayesopt.tasks.molecules import load_codec
        from gmae_tf.utils.devices import select_device

        select_device(config.device)
        return load_codec(config.model).encode(strings)

    return encode


def campaign_optimizer(task: Task, store: TrialStore) -> Optimizer:
    """An optimizer whose surrogate learns anew from all data, as some may come in between."""
    from bayesopt.cli.setup import make_optimizer

    whole = RunConfig(points=0, inducing_points=500, hyper_points=10_000)
    other = {"refit": True, "held_out": 0.0, "winsorized": 0.0, "failed_value": None}
    once = _once(task, store)
    return make_optimizer(whole, task, store, iterations=50, seed=SEED, **once, **other)


def _once(task: Task, store: TrialStore) -> dict[str, Any]:
    """The data set without what was told, which counts once, and then anew where to search."""
    from bayesopt.dataset import turned, without_told

    told = {
        trial.string: turned(trial.score, task.maximize)
        for trial in store.trials(STRATEGY, SEED)
        if trial.string is not None and trial.score is not None
    }
    joined = without_told(task.dataset, told)
    if not joined.told:
        return {}
    screen = console()
    screen.print(f"{joined.told} molecules are told and also in the data: each counts once")
    for conflict in joined.conflicts:
        screen.print(f"  {conflict}; the told value counts", markup=False, soft_wrap=True)
    task.dataset = joined.dataset
    return {"centres": None}


def recalled(folder: Path, arguments: Sequence[str]) -> AskConfig:
    """The options of the campaign in a folder, and of a command line, which win.

    Raises
    ------
    UserError: the folder holds another run, or a campaign in the other direction.
    """
    stored = folder / "config.yaml"
    known = ["--config", str(stored)] if stored.exists() else []
    try:
        before = parse_config(AskConfig, prog="ask", argv=known)
    except UserError as error:
        raise UserError(f"{folder} holds another run ({error}): choose another folder.") from error
    config = parse_config(AskConfig, prog="python -m bayesopt.run ask", argv=[*known, *arguments])
    if known and config.maximize and config.minimize:
        way, other = ("maximises", "minimize") if before.maximize else ("minimises", "maximize")
        raise UserError(
            f"{folder} holds a campaign that {way} {before.value_column}: leave out --{other}, or "
            "choose another folder for a new campaign."
        )
    from bayesopt.cli.checks import model_folder

    return replace(config, out=folder, model=model_folder(config.model))


def batch_path(folder: Path, batch: int) -> Path:
    """Where the CSV file of a batch (from 0) lies."""
    return folder / f"batch-{batch + 1:03d}.csv"
