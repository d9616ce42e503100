"""python -m bayesopt.run: search a latent space, and report the best three that were found."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayesopt.cli.options import RunConfig, as_published, check, chosen, constraints_of, direction
from gmae_tf.utils.cli import console, parse_seeds, run_command

if TYPE_CHECKING:
    from bayesopt.optimizer import Optimizer
    from bayesopt.report.summary import SearchRecord
    from bayesopt.storage import TrialStore
    from bayesopt.tasks.expressions import ExprTask
    from bayesopt.tasks.molecules import MoleculeTask

    Task = ExprTask | MoleculeTask

BASELINES = ("random", "prior")
ITERATIONS = 30
"""Of L-BFGS on the surrogate's hyper-parameters; more gain little in the search."""
FREE = ("budget", "seeds", "baselines", "device", "time_limit", "jobs")
"""Options that a continued run may change: more of the same, not something else."""


def search(config: RunConfig) -> None:
    """Run every seed, continue what is unfinished, and write the report."""
    config = as_published(config)
    seeds = parse_seeds(config.seeds)
    options = chosen(config)
    out = options["out"] = config.out or Path("runs") / config.task
    check(config)
    from gmae_tf.utils.devices import select_device
    from gmae_tf.utils.run_dir import open_run

    select_device(config.device)
    from bayesopt.report.page import print_report, write_report
    from bayesopt.storage import TrialStore

    # Before the folder: a wrong target or model must not leave a folder that claims to be a run.
    task = make_task(config)
    run = open_run(out, options, "bayesopt.run", may_change=FREE)
    screen = console()
    screen.print(f"{'continuing' if run.continued else 'searching'} in {run.path}")
    with TrialStore.open(out / "trials.sqlite", _fingerprint(options)) as store:
        _run_all(config, task, store, seeds)
        record = build_record(config, options, task, store, seeds)
    print_report(record, screen)
    best = _best(record)
    page = write_report(record, out, task.plots(list(best), list(best.values())))
    screen.print(f"report: {page}")


def make_task(config: RunConfig) -> Task:
    """The task of the options, ready to be searched."""
    if config.task == "molecules":
        from bayesopt.tasks.molecules import DEFAULT_OBJECTIVE, MoleculeTask

        objective = config.objective or DEFAULT_OBJECTIVE
        return MoleculeTask(
            objective,
            constraints=constraints_of(config, objective),
            to=config.to,
            maximize=direction(config.maximize, config.minimize),
            data=config.data,
            smiles_column=config.smiles_column,
            value_column=config.value_column,
            model=config.model,
            n_data=config.n_data,
            data_dir=config.data_dir,
            time_limit=config.time_limit,
            jobs=config.jobs,
        )
    from bayesopt.tasks.expressions import ExprTask

    return ExprTask(
        target=config.target,
        target_csv=config.target_csv,
        model=config.model,
        data=config.data,
        n_data=config.n_data,
        data_dir=config.data_dir,
        exclude_better_than=config.exclude_better_than,
        squared_error=False if config.reads == "codes" else config.composite,
    )


def make_optimizer(
    config: RunConfig,
    task: Task,
    store: TrialStore,
    *,
    strategy: str | None = None,
    seed: int = 0,
    progress: Any = None,
) -> Optimizer:
    """The optimizer that the options describe, on the task's space and data."""
    from bayesopt.fitter import WINSORIZED
    from bayesopt.optimizer import Optimizer
    from bayesopt.surrogates.base import SurrogateConfig

    features = config.reads == "features"
    surrogate = SurrogateConfig(
        method=config.surrogate,
        inducing_points=config.inducing_points,
        kernel=config.kernel,
        neighbours=config.neighbours,
        subset=config.hyper_points,
        iterations=ITERATIONS,
        points_per_lengthscale=task.points_per_lengthscale,
    )
    candidates = task.space.candidates
    exact = task.space.objective_form == "squared_error"
    return Optimizer(
        task.space,
        task.dataset,
        maximize=task.maximize,
        strategy=strategy or config.strategy,  # type: ignore[arg-type]
        batch_size=config.batch_size,
        surrogate=surrogate,
        points=config.points or None,
        held_out=0.1,
        refit=False,
        read_features=features,
        # Where the form of the scores is known, none of them is hard to learn.
        winsorized=WINSORIZED if features and not exact else 0.0,
        revisit=config.revisit,
        candidates=candidates if config.recombine else replace(candidates, recombined=0),
        centres=task.centres,
        failed_value=task.failed_value,
        storage=store,
        seed=seed,
        progress=progress,
    )


def _run_all(config: RunConfig, task: Task, store: TrialStore, seeds: tuple[int, ...]) -> None:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), transient=True) as progress:
        for seed in seeds:
            for strategy in _strategies(config):
                fitting = _fit_bars(progress, seed)
                optimizer = make_optimizer(
                    config, task, store, strategy=strategy, seed=seed, progress=fitting
                )
                bar = progress.add_task(f"seed {seed} {strategy}", total=config.budget)
                advance = partial(progress.advance, bar)
                optimizer.run(task.evaluate, config.budget, vectorized=True, advance=advance)
                progress.remove_task(bar)
                if strategy == config.strategy:
                    _print_seed(progress.console, optimizer)


def _fit_bars(progress: Any, seed: int) -> Any:
    """A callback that shows each stage of fitting a surrogate in a bar, until it is done."""
    bars: dict[str, Any] = {}

    def show(stage: str, done: int, total: int) -> None:
        if stage not in bars:
            bars[stage] = progress.add_task(f"seed {seed} surrogate, {stage}")
        progress.update(bars[stage], completed=done, total=total, visible=done < total)

    return show


def _print_seed(screen: Any, optimizer: Optimizer) -> None:
    done, best = len(optimizer.trials), optimizer.best(1)
    found = f"best {best.value[0]:.4f} in {done} evaluations" if len(best) else "no evaluations"
    fits = [fit for fit in optimizer.store.load_fits() if fit.seed == optimizer.seed]
    quality = "".join(f", GP RMSE {f.rmse:.3f}, LL {f.log_likelihood:.3f}" for f in fits)
    screen.print(f"seed {optimizer.seed} {optimizer.strategy}: {found}{quality}")


def build_record(
    config: RunConfig,
    options: dict[str, Any],
    task: Task,
    store: TrialStore,
    seeds: tuple[int, ...],
) -> SearchRecord:
    """Everything that the report shows, from the store."""
    import numpy as np

    from bayesopt.report.summary import SearchRecord
    from bayesopt.space import turned
    from gmae_tf.utils.run_dir import versions

    data = task.dataset
    shown = np.random.default_rng(0).permutation(len(data))[:4000]
    codes = task.space.encode(data.strings) if data.codes is None else data.codes

    def trials(strategy: str) -> tuple[Any, ...]:
        kept = [t for t in store.trials(strategy) if t.seed in seeds]
        return tuple(t for t in kept if t.evaluation <= config.budget)

    return SearchRecord(
        task=task.name,
        objective=task.objective,
        strategy=config.strategy,
        trials=trials(config.strategy),
        fits=tuple(fit for fit in store.load_fits() if fit.seed in seeds),
        baselines={name: trials(name) for name in _strategies(config)[1:]},
        training_codes=codes[shown],
        training_scores=turned(data.values[shown], task.maximize),
        worst_score=turned(task.failed_value, task.maximize),
        known_rows=task.published,
        config={k: str(v) if isinstance(v, Path) else v for k, v in options.items()},
        versions=versions(),
        notes=(*task.notes, *_stopped(config, task, trials(config.strategy), seeds)),
        data_protocol=f"{task.data_protocol} {_points_sentence(config, task)}",
        command="python -m bayesopt.run " + shlex.join(sys.argv[1:]),
        maximize=task.maximize,
        score_name=task.score_name,
        noun=task.noun,
    )


def _stopped(
    config: RunConfig, task: Task, trials: tuple[Any, ...], seeds: tuple[int, ...]
) -> list[str]:
    """A sentence for each seed that found nothing more to evaluate."""
    done = {seed: sum(t.seed == seed and t.score is not None for t in trials) for seed in seeds}
    return [
        f"Seed {seed} stopped after {n} of {config.budget} evaluations, for it found no new "
        f"{task.noun} that may be evaluated."
        for seed, n in done.items()
        if n < config.budget
    ]


def _points_sentence(config: RunConfig, task: Task) -> str:
    known, reads = len(task.dataset), "."
    if config.reads == "features" and config.strategy == "turbo":
        reads = ", and reads what they are made of or do, not their codes as the published ones."
        if task.space.objective_form == "squared_error":
            reads += " It knows that a score is a mean of squares, but not of distances to what."
    if config.points == 0 or config.points >= 0.9 * known:
        return f"The surrogate learns from 90 % of them and is tested on the others{reads}"
    return f"The surrogate learns from {config.points:,} of them and is tested on others{reads}"


def _best(record: SearchRecord) -> dict[str, float]:
    from bayesopt.report.summary import top

    return {row["string"]: record.shown(row["score"]) for row in top(record.trials)}


def _strategies(config: RunConfig) -> tuple[str, ...]:
    others = [name for name in BASELINES if config.baselines and name != config.strategy]
    return (config.strategy, *others)


def _fingerprint(options: dict[str, Any]) -> dict[str, Any]:
    """The options on which the stored trials depend."""
    free = {*FREE, "out", "strategy"}
    return {k: str(v) for k, v in options.items() if k not in free}


def main(argv: Sequence[str] | None = None) -> None:
    """The command; `argv` are its arguments, those of the process by default."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] in (["ask"], ["tell"]):
        from bayesopt.cli.ask_tell import main as ask_or_tell

        ask_or_tell(arguments)
        return
    run_command(
        search,
        RunConfig,
        prog="python -m bayesopt.run",
        description="Search the latent space of a trained autoencoder for the best string. Where "
        "only you can measure, `ask` names what to make next and `tell` reads the values: "
        "python -m bayesopt.run ask --help.",
        argv=argv,
    )


if __name__ == "__main__":
    main()
