"""When a search stops before its budget is spent."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from gmae_tf.errors import UserError
from gmae_tf.utils.arrays import check_int, check_number

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class StopRule:
    """Stops a search at a target value, after a time, or without progress.

    Attributes
    ----------
    target : a value that is good enough, in the user's sign.
    seconds : time from the making of the rule, after which no further string is evaluated.
    patience : so many evaluations in a row without a new best value.

    Examples
    --------
    >>> from bayesopt.trials.stopping import StopRule
    >>> rule = StopRule(target=0.9, patience=3)
    >>> rule.reason([0.5, 0.7, 0.6], maximize=True)
    >>> rule.reason([0.5, 0.7, 0.6, 0.1, 0.7], maximize=True)
    'no progress in the last 3 evaluations'
    >>> rule.reason([0.5, 0.95], maximize=True)
    'the target 0.9 is reached'
    """

    target: float | None = None
    seconds: float | None = None
    patience: int | None = None
    begun: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        if self.target is not None:
            check_number(self.target, "target")
        if self.seconds is not None:
            check_number(self.seconds, "seconds", positive=True)
        if self.patience is not None:
            check_int(self.patience, "patience", 1)

    def reason(self, values: Sequence[float], *, maximize: bool) -> str | None:
        """Why to stop after these values, in order, NaN for failures; None: go on."""
        scores = np.asarray(values, dtype=np.float64) * (-1.0 if maximize else 1.0)
        scores = np.where(np.isnan(scores), np.inf, scores)
        if self.target is not None:
            goal = -self.target if maximize else self.target
            if (scores <= goal).any():
                return f"the target {self.target:g} is reached"
        if self.patience is not None and len(scores) - self._last(scores) >= self.patience:
            return f"no progress in the last {self.patience} evaluations"
        if self.seconds is not None and time.monotonic() - self.begun >= self.seconds:
            return f"{self.seconds:g} s are over"
        return None

    @staticmethod
    def _last(scores: np.ndarray) -> int:
        """Number of the evaluation that found the best score first, from 1; 0: none did."""
        return int(np.argmin(scores)) + 1 if np.isfinite(scores).any() else 0


class ObjectiveError(UserError):
    """The user's function raised an error; `found` has what was evaluated before, best first."""

    def __init__(self, sentence: str, found: pd.DataFrame) -> None:
        super().__init__(sentence)
        self.found = found
