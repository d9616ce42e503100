"""From options to the objects of a search: its task and its optimizer."""

from __future__ import annotations

from typing import Any

from bayesopt.cli.checks import constraints_of, direction
from bayesopt.cli.options import AskConfig, RunConfig, given_to
from bayesopt.fitter import WINSORIZED
from bayesopt.optimizer import Optimizer
from bayesopt.storage import TrialStore
from bayesopt.surrogates.base import SurrogateConfig
from bayesopt.tasks.base import Task

ITERATIONS = 30
"""Of L-BFGS on the surrogate's hyper-parameters; more gain little in the search."""
OTHER_POINTS = 5_000
"""Training points of surrogates that do not read counts."""


def make_task(config: RunConfig | AskConfig, **more: Any) -> Task:
    """The task of the options, ready to be searched; `more` go to it as they are."""
    if config.task == "molecules":
        from bayesopt.tasks.molecule_words import DEFAULT_OBJECTIVE
        from bayesopt.tasks.molecules import MoleculeTask

        objective = None
        if isinstance(config, RunConfig):
            objective = config.objective or DEFAULT_OBJECTIVE
        derived = {
            "objective": objective,
            "constraints": constraints_of(config, objective),
            "maximize": direction(config),
        }
        return MoleculeTask(**{**given_to(MoleculeTask, config), **derived, **more})
    if config.task == "strings":
        from bayesopt.tasks.strings import StringTask

        chosen = {"objective": str(config.objective), "maximize": direction(config)}
        return StringTask(**{**given_to(StringTask, config), **chosen, **more})
    from bayesopt.tasks.expressions import ExprTask

    return ExprTask(**given_to(ExprTask, config), **more)


def training_points(config: RunConfig, task: Task) -> int | None:
    """How many known strings the surrogate learns from; None: all."""
    if config.points is not None:
        return config.points or None
    counts = config.reads == "counts" and config.strategy != "ei"
    return task.training_points if counts else OTHER_POINTS


def make_optimizer(
    config: RunConfig,
    task: Task,
    store: TrialStore | None = None,
    *,
    iterations: int = ITERATIONS,
    **more: Any,
) -> Optimizer:
    """The optimizer that the options describe, on the task's space and data."""
    surrogate = None
    if config.reads != "counts" or config.strategy == "ei":
        surrogate = SurrogateConfig(
            **{
                **given_to(SurrogateConfig, config),
                "method": config.surrogate,
                "subset": config.hyper_points,
                "iterations": iterations,
                "points_per_lengthscale": task.points_per_lengthscale,
            }
        )
    settings = {
        **given_to(Optimizer, config),
        "surrogate": surrogate,
        "sources": config.sources.split(","),
        "points": training_points(config, task),
        "held_out": 0.1,
        "refit": False,
        "reads": config.reads,
        "winsorized": WINSORIZED if config.reads == "features" else 0.0,
        "maximize": task.maximize,
        "centres": task.centres,
        "failed_value": task.failed_value,
        "storage": store,
    }
    return Optimizer(task.space, task.dataset, **{**settings, **more})
