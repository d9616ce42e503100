"""python -m bayesopt.run: search a latent space, and report the best that were found."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayesopt.cli.options import RunConfig, as_published, chosen
from gmae_tf.errors import UserError
from gmae_tf.utils.cli import console, parse_seeds, run_command
from gmae_tf.utils.locks import lock_run
from gmae_tf.utils.rows import tell_rows

if TYPE_CHECKING:
    from rich.console import Console

    from bayesopt.optimizer import Optimizer
    from bayesopt.report.summary import SearchRecord
    from bayesopt.storage import Trial, TrialStore
    from bayesopt.tasks.base import Task

BASELINES = ("random", "prior")
STOPS = ("target_score", "seconds", "patience")
FREE = (
    "budget",
    "seeds",
    "baselines",
    "device",
    "time_limit",
    "memory_limit",
    "jobs",
    "scheduler",
    "top",
    *STOPS,
)
"""Options that a continued run may change: more of the same, not something else."""


def fits_table(config: RunConfig) -> bool:
    """Whether formulas are fitted to a table, of which nothing is kept before its end."""
    return config.task == "expr" and config.target_csv is not None and config.model is None


def search(config: RunConfig) -> None:
    """Run every seed, continue what is unfinished, and write the report."""
    if fits_table(config):
        from bayesopt.regression.command import fit_table

        fit_table(config)
        return
    from bayesopt.cli.checks import check_run, model_folder

    config = as_published(replace(config, model=model_folder(config.model)))
    seeds = parse_seeds(config.seeds)
    options = chosen(config)
    out = options["out"] = config.out or Path("runs") / config.task
    lock_run(out)
    check_run(config)
    from gmae_tf.utils.devices import select_device
    from gmae_tf.utils.run_dir import open_run

    select_device(config.device)
    from bayesopt.cli.setup import make_task
    from bayesopt.report.figures import standard_pictures
    from bayesopt.report.files import write_results
    from bayesopt.report.page import print_report, write_report
    from bayesopt.report.summary import results_json
    from bayesopt.storage import TrialStore

    # Before the folder: a wrong target or model must not leave a folder that claims to be a run.
    task = make_task(config)
    run = open_run(out, options, "bayesopt.run", may_change=FREE)
    screen = console()
    tell_rows(task.reports, run.path, screen)
    screen.print(f"{'continuing' if run.continued else 'searching'} in {run.path}")
    # The options on which the stored trials depend.
    meaning = {k: str(v) for k, v in options.items() if k not in (*FREE, "out", "strategy")}
    with TrialStore.open(out / "trials.sqlite", meaning) as store:
        reasons = _run_all(config, task, store, seeds, screen)
        record = _record(config, options, task, store, seeds, reasons)
        tried = [trial for seed in seeds for trial in _tried(store, config, seed)]
        files = write_results(store.trials(config.strategy), task, out)
    results = results_json(record)
    print_report(results, screen)
    top = results["top"]
    own = task.pictures([row["string"] for row in top], [row["score"] for row in top])
    page = write_report(results, out, [*own, *standard_pictures(record)])
    screen.print(f"all evaluations: {' and '.join(map(str, files))}")
    screen.print(f"report: {page}")
    if tried and all(trial.failed for trial in tried):
        raise UserError(
            f"{config.objective} gave no value to any of {len(tried)} {task.noun}s (the note "
            "above says why): mend it and choose a new folder, for none of them is tried again."
        )


def _tried(store: TrialStore, config: RunConfig, seed: int) -> list[Trial]:
    """The evaluated trials of a seed within the budget, with those that failed."""
    return [
        trial
        for trial in store.trials(config.strategy, seed)
        if trial.evaluation <= config.budget
        and (trial.failed or trial.score is not None or trial.string is None)
    ]


def _strategies(config: RunConfig) -> tuple[str, ...]:
    others = [name for name in BASELINES if config.baselines and name != config.strategy]
    return (config.strategy, *others)


def _run_all(
    config: RunConfig, task: Task, store: TrialStore, seeds: tuple[int, ...], screen: Console
) -> dict[int, str]:
    """Every seed of every strategy; why the search stopped early, by seed."""
    from bayesopt.cli.progress import progress
    from bayesopt.cli.setup import make_optimizer

    goal = task.optimum if config.target_score is None else config.target_score
    stopped: dict[int, str] = {}
    with progress(screen) as shown:
        for seed in seeds:
            for strategy in _strategies(config):
                optimizer = make_optimizer(
                    config,
                    task,
                    store,
                    strategy=strategy,
                    seed=seed,
                    progress=shown.stages(f"seed {seed} surrogate"),
                )
                advance = shown.evaluations(f"seed {seed} {strategy}", config.budget)
                optimizer.run(
                    task.evaluate,
                    config.budget,
                    vectorized=True,
                    advance=partial(_advance, advance, optimizer),
                    target=goal,
                    seconds=config.seconds,
                    patience=config.patience,
                )
                if strategy == config.strategy:
                    _print_seed(screen, optimizer)
                    if optimizer.stopped is not None:
                        stopped[seed] = optimizer.stopped
    return stopped


def _advance(show: Callable[[int, float | None], None], optimizer: Optimizer, n: int) -> None:
    best = optimizer.best(1)
    show(n, best.value[0] if len(best) else None)


def _print_seed(screen: Any, optimizer: Optimizer) -> None:
    done, best = len(optimizer.trials), optimizer.best(1)
    found = f"best {best.value[0]:.4f} in {done} evaluations" if len(best) else "no evaluations"
    fits = [fit for fit in optimizer.store.load_fits() if fit.seed == optimizer.seed]
    quality = "".join(f", GP RMSE {f.rmse:.3f}, LL {f.log_likelihood:.3f}" for f in fits)
    why = "" if optimizer.stopped is None else f"; stopped, for {optimizer.stopped}"
    screen.print(f"seed {optimizer.seed} {optimizer.strategy}: {found}{quality}{why}")


def _record(
    config: RunConfig,
    options: dict[str, Any],
    task: Task,
    store: TrialStore,
    seeds: tuple[int, ...],
    reasons: dict[int, str],
) -> SearchRecord:
    """Everything that the report shows, from the store."""
    from bayesopt.report.summary import SearchRecord, trial_table
    from gmae_tf.utils.run_dir import versions

    strategy, *baselines = _strategies(config)
    table = trial_table(store.trials(), task.maximize)
    table = table[table.seed.isin(seeds) & (table.evaluation <= config.budget)]
    done = {seed: len(_tried(store, config, seed)) for seed in seeds}
    stopped = [
        f"Seed {seed} stopped after {n} of {config.budget} evaluations, for "
        f"{reasons.get(seed, f'it found no new {task.noun} that may be evaluated')}."
        for seed, n in done.items()
        if n < config.budget
    ]
    about = {
        "data_protocol": f"{task.data_protocol} {_points_sentence(config, task)}",
        "command": "python -m bayesopt.run " + shlex.join(sys.argv[1:]),
        "config": options,
        "versions": versions(),
        "notes": (*task.notes, *stopped),
    }
    fits = [fit for fit in store.load_fits() if fit.seed in seeds]
    batches = [batch for seed in seeds for batch in store.descriptions(strategy, seed)]
    return SearchRecord(task, strategy, table, fits, baselines, batches, about, shown=config.top)


def _points_sentence(config: RunConfig, task: Task) -> str:
    from bayesopt.cli.setup import training_points

    known, reads, points = len(task.dataset), ".", training_points(config, task)
    if not known:
        return "The surrogate learns from what was evaluated."
    if config.reads != "codes" and config.strategy == "joint":
        reads = ", and reads what they are made of, not their codes alone as the published ones."
    few = points is not None and points < known
    text = f"The surrogate learns from {f'{points:,} of them' if few else 'them'}{reads} "
    if config.reads == "counts":
        return f"{text}One that learns from 90 % of these is tested on the others."
    return f"{text}A tenth of these is left out for a test."


def main(argv: Sequence[str] | None = None) -> None:
    """The command; `argv` are its arguments, those of the process by default."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] in (["ask"], ["tell"], ["status"], ["predict"]):
        from bayesopt.cli.ask_tell import main as ask_or_tell

        ask_or_tell(arguments)
        return
    run_command(
        search,
        RunConfig,
        prog="python -m bayesopt.run",
        description="Search the latent space of a trained autoencoder for the best string. Where "
        "only you can measure, `ask` names what to make next, `tell` reads the values, `status` "
        "says how a campaign stands, `predict` rates a file: python -m bayesopt.run ask --help.",
        argv=argv,
        continues=lambda config: not fits_table(config),
    )


if __name__ == "__main__":
    main()
