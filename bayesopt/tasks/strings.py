"""The task of finding strings of any grammar by a function of the user's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bayesopt.dataset import Dataset
from bayesopt.space import SearchSpace
from bayesopt.tasks.base import PublishedRow, Task
from bayesopt.trusted_region import Array
from gmae_tf.errors import UserError
from gmae_tf.utils.plotting import Picture
from grammar.autoencoder.model import GrammarAutoencoder
from grammar.files import read_measured
from grammar.sampling.counting import Derivations
from grammar.sampling.uniform import sample_strings
from molecules.scoring.objective import Objective
from molecules.scoring.scorer import Score, Scorer

POOL = 10_000
"""Strings of the grammar, each equally likely, from which the baseline "random" draws."""


class StringTask(Task):
    """The task of `--task strings`: the strings of a grammar model, and a function that rates them.

    Parameters
    ----------
    objective : the user's function as `package.module:function`, string -> number.
    model : folder of a trained grammar model.
    data : file of known strings, one a line or in a table, see `grammar.files.read_measured`.
    value_column : column of such a table with values; by default "value", if there is one.  What
        has no value there is rated by the function.
    maximize : whether higher is better.
    time_limit, jobs, scheduler : of `molecules.Scorer`.
    """

    name = "strings"
    noun = "string"
    points_per_lengthscale = 20
    failed_value = None

    def __init__(
        self,
        objective: str,
        *,
        model: Path,
        data: str | None = None,
        value_column: str | None = None,
        n_data: int | None = None,
        maximize: bool | None = None,
        time_limit: float = 30.0,
        memory_limit: float | None = None,
        jobs: int | None = None,
        scheduler: str | None = None,
    ) -> None:
        self.score_name = objective.rpartition(":")[2]
        self.maximize = maximize is not False
        self.model = GrammarAutoencoder.load(model)
        self._data, self._failures = data, list[Score]()
        self._scorer = Scorer(
            Objective(objective),
            jobs=jobs,
            time_limit=time_limit,
            memory_limit=memory_limit,
            molecules=False,
            scheduler=scheduler,
        )
        strings, values, limits = self._known(data, value_column, n_data)
        unknown = np.flatnonzero(np.isnan(values))
        values[unknown] = self.evaluate([strings[i] for i in unknown])
        if strings and np.isnan(values).all():
            reason = self._failures[0].reason.rstrip(".")
            raise UserError(f"{objective} rates none of the strings of {data}: {reason}.")
        self.dataset = Dataset(
            strings, values, self.model.encode(strings) if strings else None, limits
        )
        rules, length = self.model.grammar, self.model.max_length
        n = min(POOL, Derivations(rules, length).total)
        self.space = SearchSpace(self.model, pool=sample_strings(rules, n, length))

    def _known(
        self, data: str | None, value_column: str | None, n: int | None
    ) -> tuple[list[str], Array, NDArray[np.int8]]:
        """Strings of the file, their values and which of these are limits."""
        if data is None:
            return [], np.empty(0), np.empty(0, np.int8)
        strings, measured, report = read_measured(
            data, self.model.codec.parser, value_column=value_column
        )
        self.reports = (report,)
        rows = np.arange(len(strings))
        if n is not None and n < len(strings):
            rows = np.sort(np.random.default_rng(0).choice(len(strings), n, replace=False))
        return [strings[row] for row in rows], measured.values[rows], measured.censoring[rows]

    def evaluate(self, strings: Sequence[str]) -> Array:
        """Values [N] of the function, NaN for a failure."""
        scores = self._scorer.score(list(strings))
        self._failures.extend(score for score in scores if not score.ok)
        return np.array([score.value for score in scores], dtype=np.float64)

    @property
    def objective(self) -> str:
        """The function and its direction, in words."""
        return f"{self.score_name}, {'maximised' if self.maximize else 'minimised'}"

    @property
    def data_protocol(self) -> str:
        """What the search may see, in words."""
        if not len(self.dataset):
            return "No string is known to the search, which begins with samples of the prior."
        return (
            f"{len(self.dataset):,} strings are known to the search ({self._data}); none of them "
            "is proposed."
        )

    @property
    def published(self) -> tuple[PublishedRow, ...]:
        """The best known strings."""
        if not len(self.dataset):
            return ()
        ranked = np.sort(self.dataset.values)[:: -1 if self.maximize else 1]
        source = f"computed: {self._data}"
        return (PublishedRow("best known before", {"top": ranked[:3].tolist()}, source),)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the report must know besides."""
        if not self._failures:
            return ()
        first = self._failures[0]
        return (
            f"{len(self._failures):,} strings got no value (the first, {first.smiles}: "
            f"{first.reason.rstrip('.')}).",
        )

    def pictures(self, top: Sequence[str], scores: Sequence[float]) -> list[Picture]:
        """None: a string of any grammar has no drawing."""
        return []

    def close(self) -> None:
        """End the processes that score."""
        self._scorer.close()
