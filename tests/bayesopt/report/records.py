"""Records of searches that never ran."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from bayesopt.dataset import Dataset
from bayesopt.report.summary import SearchRecord, trial_table
from bayesopt.storage import SurrogateFit, Trial
from bayesopt.tasks.base import PublishedRow, Task

WORST = math.log(1001)
BATCH = {
    "kernel": {"atoms": 0.4, "codes": 0.3},
    "noise": 0.01,
    "calibration": 0.8,
    "held_out_log_likelihood": {"atoms": -0.5, "atoms, codes": -0.3},
    "temperatures": [1.0, 0.3],
    "proposed": [10, 20, 30, 0, 0, 0],
    "moved": [5, 5, 30, 0, 0, 0],
    "accepted": [1, 2, 3, 0, 0, 0],
    "jumps": 8,
    "jumps_accepted": 1,
    "latent_candidates": 50,
    "evolution_candidates": 7,
}
"""What a search says of a batch."""
ABOUT = {"command": "", "config": {}, "versions": {}, "notes": ()}


class WordsOnly(Task):
    """A task that can only be reported; `known` are training codes [N, D] and values [N]."""

    name = "expr"
    objective = "log(1 + MSE) <against> the target"
    data_protocol = "Everything is visible."
    published = ()

    def __init__(
        self,
        *,
        maximize: bool = False,
        score_name: str = "score",
        noun: str = "string",
        published: Sequence[PublishedRow] = (),
        known: tuple[Any, Any] | None = None,
    ) -> None:
        self.maximize, self.score_name, self.noun = maximize, score_name, noun
        self.failed_value = -WORST if maximize else WORST
        self.published = tuple(published)
        codes, values = known or (np.zeros((0, 4)), np.zeros(0))
        self.dataset = Dataset([str(i) for i in range(len(values))], values, codes)

    def evaluate(self, strings):
        raise NotImplementedError

    def pictures(self, top, scores):
        return []


def record_of(
    trials: Iterable[Trial] = (),
    *,
    task: Task | None = None,
    baselines: Mapping[str, Iterable[Trial]] | None = None,
    fits: Sequence[SurrogateFit] = (),
    batches: Sequence[Mapping[str, Any]] = (),
    **about: Any,
) -> SearchRecord:
    """The record of trials (lower scores are better) of one strategy and of baselines."""
    task, trials = task or WordsOnly(), list(trials)
    others = {name: list(rows) for name, rows in (baselines or {}).items()}
    every = [*trials, *(t for rows in others.values() for t in rows)]
    return SearchRecord(
        task=task,
        strategy=trials[0].strategy if trials else "ei",
        trials=trial_table(every, task.maximize),
        fits=fits,
        baselines=tuple(others),
        batches=batches,
        about={**ABOUT, "data_protocol": task.data_protocol, **about},
    )
