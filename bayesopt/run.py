"""python -m bayesopt.run: search a latent space, and report the best three that were found."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gmae_tf.command import console, parse_seeds, run_command
from gmae_tf.errors import UserError
from grammar.errors import GrammarError

if TYPE_CHECKING:
    from bayesopt.loop import Search, SearchConfig
    from bayesopt.results import SearchRecord
    from bayesopt.tasks.expr import ExprTask
    from bayesopt.trials import TrialStore

BASELINES = ("random", "prior")
ITERATIONS = 30
"""Of L-BFGS on the surrogate's hyper-parameters; more gain little in the search."""
FREE = ("budget", "seeds", "baselines", "device")
"""Options that a continued run may change: more of the same, not something else."""


@dataclass(frozen=True)
class RunConfig:
    """Options of `python -m bayesopt.run`."""

    task: Literal["expr"] = "expr"
    """What to search for: an expression that fits data."""
    out: Path = Path("runs/expr")
    """Folder of the run; the same command continues an interrupted run in it."""
    target: str | None = None
    """An expression in x to find, on 1,000 points from -10 to 10, instead of the benchmark's."""
    target_csv: Path | None = None
    """Data to fit: a CSV file with columns x and y."""
    strategy: Literal["turbo", "ei", "random", "prior"] = "turbo"
    """Trust region with Thompson sampling, the paper's expected improvement, or a baseline."""
    budget: int = 250
    """Evaluations for each seed; 0 only fits and tests the surrogate."""
    batch_size: int = 50
    """Evaluations between two updates of the surrogate."""
    seeds: str = "0"
    """Repetitions, such as 0-9 or 0,3,5."""
    baselines: bool = True
    """Also run random and prior sampling with the same budget."""
    model: Path | None = None
    """Folder of grammar.train; the pretrained model by default."""
    data: str | None = None
    """Known strings: official (the 100,000 of Grammar VAE), generated, or a text file; by default
    official for arithmetic, and generated for a model of another grammar."""
    n_data: int | None = None
    """Use only so many of them, drawn at random."""
    data_dir: Path | None = None
    """Folder with downloaded data; GMAE_DATA_DIR by default."""
    exclude_better_than: float | None = None
    """Hide known strings that score this or less; 0.0363 for the benchmark, -1 hides nothing."""
    revisit: bool = False
    """Let known strings be proposed, as the published searches do; else only new ones are."""
    points: int = 10_000
    """Training points of the surrogate: the 1,000 best known and a random choice; 0 for all."""
    hyper_points: int = 5000
    """Training points on which its hyper-parameters are found."""
    inducing_points: int = 500
    """Inducing points of the sparse Gaussian process."""
    surrogate: Literal["sgpr", "svgp"] = "sgpr"
    """Collapsed bound, or stochastic bound with natural gradients, on all training points."""
    kernel: Literal["squared_exponential", "matern52", "matern32"] = "matern52"
    """Its kernel, with one lengthscale for each dimension."""
    device: Literal["auto", "cpu", "gpu"] = "auto"
    """Where to compute."""


def search(config: RunConfig) -> None:
    """Run every seed, continue what is unfinished, and write the report."""
    from gmae_tf.devices import select_device
    from gmae_tf.runs import open_run

    seeds = parse_seeds(config.seeds)
    _check(config)
    select_device(config.device)
    from bayesopt.report import print_report, write_report
    from bayesopt.tasks.expr import ExprTask
    from bayesopt.trials import TrialStore

    # Before the folder: a wrong target or model must not leave a folder that claims to be a run.
    task = ExprTask(
        target=config.target,
        target_csv=config.target_csv,
        model=config.model,
        data=config.data,
        n_data=config.n_data,
        data_dir=config.data_dir,
        exclude_better_than=config.exclude_better_than,
    )
    run = open_run(config.out, asdict(config), "bayesopt.run", may_change=FREE)
    screen = console()
    screen.print(f"{'continuing' if run.continued else 'searching'} in {run.path}")
    with TrialStore.open(config.out / "trials.sqlite", _fingerprint(config)) as store:
        _run_all(config, task, store, seeds)
        record = build_record(config, task, store, seeds)
    print_report(record, screen)
    best = _best(record)
    page = write_report(record, config.out, task.plots(list(best), list(best.values())))
    screen.print(f"report: {page}")


def _check(config: RunConfig) -> None:
    least = {"budget": 0, "batch_size": 1, "points": 0, "hyper_points": 2, "inducing_points": 1}
    for name, minimum in least.items():
        if getattr(config, name) < minimum:
            flag = name.replace("_", "-")
            raise UserError(f"--{flag} must be {minimum} or more, not {getattr(config, name)}")


def _run_all(config: RunConfig, task: ExprTask, store: TrialStore, seeds: tuple[int, ...]) -> None:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from bayesopt.loop import Search
    from bayesopt.problem import TrustedRegion

    trusted = TrustedRegion(task.problem.codes)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), transient=True) as progress:
        for seed in seeds:
            for strategy in _strategies(config):
                search = Search(
                    task.problem, store, seed, _search_config(config, strategy), trusted
                )
                bar = progress.add_task(f"seed {seed} {strategy}", total=config.budget)
                search.run(config.budget, partial(progress.advance, bar))
                progress.remove_task(bar)
                if strategy == config.strategy:
                    _print_seed(progress.console, search)


def _print_seed(screen: Any, search: Search) -> None:
    scores = [trial.score for trial in search.trials if trial.score is not None]
    found = f"best {min(scores):.4f} in {len(scores)} evaluations" if scores else "no evaluations"
    fits = [fit for fit in search.store.load_fits() if fit.seed == search.seed]
    quality = "".join(f", GP RMSE {f.rmse:.3f}, LL {f.log_likelihood:.3f}" for f in fits)
    screen.print(f"seed {search.seed} {search.config.strategy}: {found}{quality}")


def build_record(
    config: RunConfig, task: ExprTask, store: TrialStore, seeds: tuple[int, ...]
) -> SearchRecord:
    """Everything that the report shows, from the store."""
    import numpy as np

    from bayesopt.results import SearchRecord
    from gmae_tf.runs import versions

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
        config={k: str(v) if isinstance(v, Path) else v for k, v in asdict(config).items()},
        versions=versions(),
        notes=task.notes,
        data_protocol=f"{task.data_protocol} {_points_sentence(config)}",
        command="python -m bayesopt.run " + shlex.join(sys.argv[1:]),
    )


def _points_sentence(config: RunConfig) -> str:
    if config.points == 0:
        return "The surrogate learns from 90 % of them and is tested on the others."
    return f"The surrogate learns from {config.points:,} of them and is tested on others."


def _best(record: SearchRecord) -> dict[str, float]:
    from bayesopt.results import top

    return {row["string"]: row["score"] for row in top(record.trials)}


def _strategies(config: RunConfig) -> tuple[str, ...]:
    others = [name for name in BASELINES if config.baselines and name != config.strategy]
    return (config.strategy, *others)


def _search_config(config: RunConfig, strategy: str) -> SearchConfig:
    from bayesopt.loop import SearchConfig
    from bayesopt.surrogate import SurrogateConfig

    surrogate = SurrogateConfig(
        method=config.surrogate,
        inducing_points=config.inducing_points,
        kernel=config.kernel,
        subset=config.hyper_points,
        iterations=ITERATIONS,
    )
    return SearchConfig(
        strategy,
        config.batch_size,
        config.points or None,
        revisit=config.revisit,
        surrogate=surrogate,
    )


def _fingerprint(config: RunConfig) -> dict[str, Any]:
    """What the stored trials depend on."""
    free = {*FREE, "out", "strategy"}
    return {k: str(v) for k, v in asdict(config).items() if k not in free}


def main(argv: Sequence[str] | None = None) -> None:
    """The command; `argv` are its arguments, those of the process by default."""
    run_command(
        search,
        RunConfig,
        prog="python -m bayesopt.run",
        description="Search the latent space of a trained autoencoder for the best string.",
        argv=argv,
        user_errors=(GrammarError,),
    )


if __name__ == "__main__":
    main()
