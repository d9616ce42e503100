"""Trials as a table: what was proposed, what was predicted of it, and what came."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from bayesopt.dataset import turned
from bayesopt.storage import Trial


def results_table(trials: Iterable[Trial], maximize: bool) -> pd.DataFrame:
    """All trials in order, a row each, values and predictions in the user's sign.

    Columns: id (number of the evaluation, from 1), batch (from 0, -1: told without being asked),
    string, value, noise (standard deviation of the measurement), predicted_mean and predicted_sd
    (before the evaluation), deviation (value minus prediction), source (who proposed it), status
    (told, failed or waiting).  NaN where a number is not known.
    """
    rows = list(trials)
    table = pd.DataFrame(
        {
            "id": [t.evaluation for t in rows],
            "batch": [t.batch for t in rows],
            "string": [t.string for t in rows],
            "value": turned(_numbers(t.score for t in rows), maximize),
            "noise": _numbers(t.noise for t in rows),
            "predicted_mean": turned(_numbers(t.predicted_mean for t in rows), maximize),
            "predicted_sd": _numbers(t.predicted_sd for t in rows),
            "source": [t.source for t in rows],
            "status": [_status(t) for t in rows],
        }
    )
    table.insert(7, "deviation", table.value - table.predicted_mean)
    return table


def _status(trial: Trial) -> str:
    if trial.score is not None:
        return "told"
    return "failed" if trial.failed else "waiting"


def _numbers(values: Iterable[float | None]) -> np.ndarray:
    return np.array([np.nan if v is None else v for v in values], dtype=np.float64)
