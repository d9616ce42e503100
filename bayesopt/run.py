"""python -m bayesopt.run: search a latent space, and report the best three that were found."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayesopt.cli.options import RunConfig, as_published, check, chosen
from gmae_tf.utils.cli import console, parse_seeds, run_command
from grammar.errors import GrammarError

if TYPE_CHECKING:
    from bayesopt.optimizer import Search, SearchConfig
    from bayesopt.report.summary import SearchRecord
    from bayesopt.storage import TrialStore
    from bayesopt.tasks.base import Task

BASELINES = ("random", "prior")
ITERATIONS = 30
"""Of L-BFGS on the surrogate's hyper-parameters; more gain little in the search."""
FREE = ("budget", "seeds", "baselines", "device", "time_limit", "jobs")
"""Options that a continued run may change: more of the same, not something else."""


def search(config: RunConfig) -> None:
    """Run every seed, continue what is unfinished, and write the report."""
    from gmae_tf.utils.devices import select_device
    from gmae_tf.utils.run_dir import open_run

    config = as_published(config)
    seeds = parse_seeds(config.seeds)
    check(config)
    options = chosen(config)
    out = options["out"] = config.out or Path("runs") / config.task
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
        from bayesopt.tasks.molecules import MoleculeTask

        return MoleculeTask.of(config)
    from bayesopt.tasks.expressions import ExprTask

    return ExprTask(
        target=config.target,
        target_csv=config.target_csv,
        model=config.model,
        data=config.data,
        n_data=config.n_data,
        data_dir=config.data_dir,
        exclude_better_than=config.exclude_better_than,
        composite=False if config.reads == "codes" else config.composite,
    )


def _run_all(config: RunConfig, task: Task, store: TrialStore, seeds: tuple[int, ...]) -> None:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from bayesopt.optimizer import Search

    trusted = task.problem.trusted_region()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), transient=True) as progress:
        for seed in seeds:
            for strategy in _strategies(config):
                how = search_config(config, task, strategy)
                fitting = _fit_bars(progress, seed)
                search = Search(task.problem, store, seed, how, trusted, fitting)
                bar = progress.add_task(f"seed {seed} {strategy}", total=config.budget)
                search.run(config.budget, partial(progress.advance, bar))
                progress.remove_task(bar)
                if strategy == config.strategy:
                    _print_seed(progress.console, task, search)


def _fit_bars(progress: Any, seed: int) -> Any:
    """What shows the stages of fitting a surrogate, each in a bar that goes when it is done."""
    bars: dict[str, Any] = {}

    def show(stage: str, done: int, total: int) -> None:
        if stage not in bars:
            bars[stage] = progress.add_task(f"seed {seed} surrogate, {stage}")
        progress.update(bars[stage], completed=done, total=total, visible=done < total)

    return show


def _print_seed(screen: Any, task: Task, search: Search) -> None:
    scores = [trial.score for trial in search.trials if trial.score is not None]
    best = min(scores, default=0.0) * (-1 if task.maximise else 1)
    found = f"best {best:.4f} in {len(scores)} evaluations" if scores else "no evaluations"
    fits = [fit for fit in search.store.load_fits() if fit.seed == search.seed]
    quality = "".join(f", GP RMSE {f.rmse:.3f}, LL {f.log_likelihood:.3f}" for f in fits)
    screen.print(f"seed {search.seed} {search.config.strategy}: {found}{quality}")


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
    from gmae_tf.utils.run_dir import versions

    problem = task.problem
    shown = np.random.default_rng(0).permutation(len(problem.scores))[:4000]

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
        training_codes=problem.codes[shown],
        training_scores=problem.scores[shown],
        worst_score=problem.worst_score,
        known_rows=task.published,
        config={k: str(v) if isinstance(v, Path) else v for k, v in options.items()},
        versions=versions(),
        notes=(*task.notes, *_stopped(config, task, trials(config.strategy), seeds)),
        data_protocol=f"{task.data_protocol} {_points_sentence(config, task)}",
        command="python -m bayesopt.run " + shlex.join(sys.argv[1:]),
        maximise=task.maximise,
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
    known, reads = len(task.problem.scores), "."
    if config.reads == "features" and config.strategy == "turbo":
        reads = ", and reads what they are made of or do, not their codes as the published ones."
        if task.problem.misfit:
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


def search_config(config: RunConfig, task: Task, strategy: str) -> SearchConfig:
    """How the options want a strategy to search."""
    from bayesopt.optimizer import WINSORISED, SearchConfig
    from bayesopt.surrogates.sparse_gp import SurrogateConfig

    reads = config.reads == "features"
    surrogate = SurrogateConfig(
        method=config.surrogate,
        inducing_points=config.inducing_points,
        kernel=config.kernel,
        neighbours=config.neighbours,
        subset=config.hyper_points,
        iterations=ITERATIONS,
        points_per_lengthscale=task.points_per_lengthscale,
    )
    return SearchConfig(
        strategy,
        config.batch_size,
        config.points or None,
        revisit=config.revisit,
        surrogate=surrogate,
        effort=task.effort if config.recombine else replace(task.effort, recombined=0),
        features=reads,
        # Where the form of the scores is known, none of them is hard to learn.
        winsorised=WINSORISED if reads and not task.problem.misfit else 0.0,
    )


def _fingerprint(options: dict[str, Any]) -> dict[str, Any]:
    """What the stored trials depend on."""
    free = {*FREE, "out", "strategy"}
    return {k: str(v) for k, v in options.items() if k not in free}


def main(argv: Sequence[str] | None = None) -> None:
    """The command; `argv` are its arguments, those of the process by default."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] in (["ask"], ["tell"]):
        from bayesopt.cli.ask_tell import main as assist

        assist(arguments)
        return
    run_command(
        search,
        RunConfig,
        prog="python -m bayesopt.run",
        description="Search the latent space of a trained autoencoder for the best string. Where "
        "only you can measure, `ask` names what to make next and `tell` reads the values: "
        "python -m bayesopt.run ask --help.",
        argv=argv,
        user_errors=(GrammarError,),
    )


if __name__ == "__main__":
    main()
