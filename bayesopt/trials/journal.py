"""The trials of one search: proposed, evaluated, failed, or waiting for their values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from bayesopt.acquisition.candidates import Candidates
from bayesopt.dataset import checked_values, turned
from bayesopt.storage import IN_MEMORY, Batch, Trial, TrialStore
from bayesopt.trials.stopping import ObjectiveError
from bayesopt.trusted_region import Array
from gmae_tf.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

UNASKED = -1
"""Batch number of strings that were told without having been proposed."""


@dataclass
class Journal:
    """Trials of one (strategy, seed) in a store; values have the user's sign.

    Attributes
    ----------
    encode : strings [N] -> their codes [N, D].
    failed : score recorded for a string whose evaluation fails; None: no score.
    seen : whether model or surrogate know a string.
    """

    encode: Callable[[Sequence[str]], Array]
    store: TrialStore
    strategy: str
    seed: int
    maximize: bool
    failed: float | None
    seen: Callable[[str], bool]

    def trials(self) -> list[Trial]:
        """All trials in order, with scores (lower is better)."""
        return self.store.trials(self.strategy, self.seed)

    def evaluated(self) -> list[Trial]:
        """Those with a score."""
        return [trial for trial in self.trials() if trial.score is not None]

    def pending(self) -> list[Trial]:
        """Those whose value is still to come."""
        return self.store.pending(self.strategy, self.seed)

    def values(self) -> list[float]:
        """Values of what is evaluated or has failed (NaN), in order."""
        over = [t for t in self.trials() if t.score is not None or t.failed]
        return [float("nan") if t.score is None else turned(t.score, self.maximize) for t in over]

    def propose(self, found: Candidates, batch: int) -> list[Trial]:
        """Store candidates as the trials of a batch, before they are evaluated."""
        key: dict[str, Any] = {"strategy": self.strategy, "seed": self.seed, "batch": batch}
        first = len(self.trials()) + 1
        trials = [
            Trial(
                **key,
                **row,
                score=None,
                evaluation=first + i,
                in_training_data=row["string"] is not None and self.seen(row["string"]),
            )
            for i, row in enumerate(found.rows())
        ]
        self.store.propose(trials)
        if found.about:
            self.store.describe(self.strategy, self.seed, batch, found.about)
        return trials

    def batch(self, trials: Sequence[Trial]) -> Batch:
        """Trials with their predictions in the user's sign."""
        means = [np.nan if t.predicted_mean is None else t.predicted_mean for t in trials]
        sds = [np.nan if t.predicted_sd is None else t.predicted_sd for t in trials]
        mean = turned(np.array(means, dtype=np.float64), self.maximize)
        return Batch(tuple(trials), mean, np.array(sds, dtype=np.float64))

    def table(self) -> pd.DataFrame:
        """All trials, see `bayesopt.trials.table.results_table`."""
        from bayesopt.trials.table import results_table

        return results_table(self.trials(), self.maximize)

    def best(self, n: int) -> pd.DataFrame:
        """The n best evaluated strings, see `Optimizer.best`."""
        found = self.table().dropna(subset=["string", "value"])
        found = found.sort_values("value", ascending=not self.maximize, kind="stable")
        columns = ["string", "value", "predicted_mean", "predicted_sd", "batch"]
        return found[columns].head(n).reset_index(drop=True)

    def evaluate(self, batch: Batch, objective: Callable[..., Any], vectorized: bool) -> Array:
        """Values [N]; what the store knows is not paid twice, and what is no string fails."""
        values = np.full(len(batch), np.nan)
        todo = []
        for i, string in enumerate(batch.strings):
            known = None if string is None else self.store.cached_score(string)
            if known is not None:
                values[i] = turned(known, self.maximize)
            elif string is not None:
                todo.append(i)
        if todo:
            strings = [batch[i] for i in todo]
            try:
                found = objective(strings) if vectorized else [objective(s) for s in strings]
            except Exception as error:
                raise self._objective_error(error, strings) from error
            values[todo] = checked_values(strings, found)
        return values

    def _objective_error(self, error: Exception, strings: Sequence[str]) -> ObjectiveError:
        """The error of a user's function, with what was evaluated before."""
        found = self.best(len(self.values()))
        kept = "as the attribute found of this error"
        if self.store.path != Path(IN_MEMORY):
            kept = f"in {self.store.path}, with which as storage the same call goes on"
        sentence = (
            f"the objective raised {type(error).__name__} ({error}) for {strings[0]!r}: return NaN "
            f"where there is no value. {len(found)} values from before are kept {kept}."
        )
        return ObjectiveError(sentence, found)

    def tell(
        self,
        batch: Sequence[str | None],
        values: ArrayLike,
        noise: ArrayLike | None = None,
        *,
        replace: bool = False,
    ) -> None:
        """Store values [N] of strings in the model's spelling; see `Optimizer.tell`."""
        numbers = checked_values(batch, values)
        sds = np.full(len(numbers), np.nan) if noise is None else checked_values(batch, noise)
        if (sds < 0).any():
            raise UserError(f"noise is {sds.min():g}: a standard deviation is 0 or more.")
        if isinstance(batch, Batch):
            trials = list(batch.trials)
        else:
            known = self._by_string()
            self._refuse_other([known.get(s) for s in batch], numbers, replace)
            trials = self._trials_of([str(s) for s in batch], known)
        self._refuse_other(trials, numbers, replace)
        for trial, value, sd in zip(trials, numbers, sds, strict=True):
            key = (self.strategy, self.seed, trial.evaluation)
            score = self.failed if np.isnan(value) else float(turned(value, self.maximize))
            if score is None:
                self.store.fail(*key[:2], [trial.evaluation], replace=replace)
            else:
                spread = None if np.isnan(sd) else float(sd)
                self.store.record(*key, score, noise=spread, replace=replace)

    def _refuse_other(self, trials: Sequence[Trial | None], values: Array, replace: bool) -> None:
        """Refuse, before anything is stored, another value for a string that has one."""
        scores = self.store.scores(self.strategy, self.seed)
        for trial, value in zip(trials, values, strict=True):
            score = None if trial is None else scores[trial.evaluation]
            before = turned(score, self.maximize)
            if trial is None or before is None or np.isnan(value) or value == before or replace:
                continue
            raise UserError(
                f"{trial.string} was told as {before:g} and is now {value:g}: tell it with "
                "replace=True if the new value is right."
            )

    def _by_string(self) -> dict[str | None, Trial]:
        """The trial of each string, a waiting one first."""
        return {t.string: t for t in sorted(self.trials(), key=lambda t: t.score is None)}

    def _trials_of(self, strings: Sequence[str], known: dict[str | None, Trial]) -> list[Trial]:
        """The trial of each string, or a new one."""
        new = [string for string in dict.fromkeys(strings) if string not in known]
        codes = self.encode(new)
        added = self.propose(Candidates(strings=new, origins=codes, codes=codes), UNASKED)
        trials = {**known, **{trial.string: trial for trial in added}}
        return [trials[string] for string in strings]


def noise_of(n: int, trials: Sequence[Trial]) -> Array | None:
    """Standard deviations of n known values and of those of trials, 0 if unknown; None: all are."""
    told = [trial.noise or 0.0 for trial in trials]
    return np.concatenate([np.zeros(n), told]) if any(told) else None


def prediction_errors(trials: Sequence[Trial]) -> list[Array]:
    """Scores minus predictions in standard deviations, [n] for each batch, in order."""
    found: dict[int, list[float]] = {}
    for t in trials:
        if t.score is not None and t.predicted_mean is not None and t.predicted_sd:
            error = (t.score - t.predicted_mean) / t.predicted_sd
            found.setdefault(t.batch, []).append(error)
    return [np.array(errors) for _, errors in sorted(found.items())]
