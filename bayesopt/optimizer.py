"""Bayesian optimisation by ask and tell; every step is in the trial store before the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayesopt.acquisition.candidates import Reads, SearchState
from bayesopt.acquisition.strategies import NEEDS_SURROGATE, STRATEGIES, prior_samples
from bayesopt.dataset import Dataset, checked_values, turned
from bayesopt.fitter import FEWEST, SURROGATE, SurrogateFitter, distinct_rows, split_rows
from bayesopt.space import CandidateConfig, SearchSpace
from bayesopt.storage import Batch, Trial, TrialStore, source_shares
from bayesopt.surrogates.base import Progress, Surrogate, SurrogateConfig
from bayesopt.surrogates.require import require_gpflow
from bayesopt.trials.journal import UNASKED, Journal, noise_of, prediction_errors
from bayesopt.trials.settings import check_settings
from bayesopt.trials.stopping import StopRule
from bayesopt.trusted_region import Array
from gmae_tf.errors import UserError
from gmae_tf.utils.arrays import check_int

if TYPE_CHECKING:
    import pandas as pd

    from bayesopt.space import LatentCodec


class Optimizer:
    """Bayesian optimisation over a `SearchSpace`, by ask and tell or with an objective function.

    Values have the user's sign everywhere outside; inside, scores are minimised.  A new object on
    the same `storage` continues where the last one stopped: trials that were proposed and never
    told are proposed again.

    Parameters
    ----------
    space : what may be proposed.
    dataset : strings with known values, which are not proposed again; None: there are none, and
        the first batches are samples of the model's prior.
    maximize : higher values are better.
    strategy : "joint" (the greatest joint expected improvement among candidates of all sources),
        "ei" (that of Kusner et al. 2017 by codes), or the baselines "random" and "prior".
    sources : who proposes candidates of "joint": Markov chains in the latent space, "latent", and
        recombination of known strings, "evolution".
    batch_size : strings of a batch in `run`.
    surrogate : by default a Gaussian process on counts of the parts of strings and on codes
        (`bayesopt.surrogates.counts_gp`); or settings of one on codes or features, or a function
        that makes a surrogate (`bayesopt.surrogates.base.Surrogate`).
    reads : what another surrogate reads: the space's "features", if any, or "codes", as ei does.
    points : surrogate training points, None for all; `best` of them are the best known.
    held_out : share of the data set that tests the surrogate and does not train it.
    refit : fit another surrogate anew for each batch; by default where there are few data.
    winsorized : share of the worst known scores that are held down to one value, as is what is
        found and worse: outliers would bend the surrogate where it is good.
    revisit : known strings may be proposed again, as in the published searches; not by "joint".
    candidates : how hard to look for candidates; by default as the space says.
    centres : rows of the data set around which to search; by default `SearchSpace.centre_rows`.
    failed_value : value recorded for a string whose evaluation fails (NaN); None: no value, and
        the string is not proposed again.
    storage : path of an SQLite file that keeps every proposal and value, or an open `TrialStore`;
        None: in memory.
    seed : of every random choice.
    progress : called as progress(stage, done, total) while the surrogate is fitted.

    Raises
    ------
    UserError: TensorFlow or GPflow are missing, data that the model cannot encode, constraints
        that no known string satisfies, or a storage of another search.

    Examples
    --------
    >>> import numpy as np
    >>> from bayesopt import Dataset, Optimizer, SearchSpace
    >>> class Points:  # "3,4" <-> its code [0.3, 0.4]
    ...     latent_dim = 2
    ...     def encode(self, strings):
    ...         return np.array([[float(x) for x in s.split(",")] for s in strings]) / 10
    ...     def decode(self, codes):
    ...         return [f"{a},{b}" for a, b in np.rint(10 * np.asarray(codes)).astype(int)]
    >>> def value(string):
    ...     a, b = map(int, string.split(","))
    ...     return float(-((a - 7) ** 2) - (b + 3) ** 2)
    >>> known = [f"{a},{b}" for a in range(-8, 9, 4) for b in range(-8, 9, 4)]
    >>> data = Dataset(known, [value(s) for s in known])
    >>> opt = Optimizer(SearchSpace(Points()), data, maximize=True)
    >>> batch = opt.ask(5)
    >>> opt.tell(batch, [value(s) for s in batch])
    >>> list(opt.best(2).columns)
    ['string', 'value', 'predicted_mean', 'predicted_sd', 'batch']
    >>> bool(opt.best(1).value[0] > data.values.max())
    True
    """

    def __init__(
        self,
        space: SearchSpace | LatentCodec,
        dataset: Dataset | None = None,
        *,
        maximize: bool,
        strategy: Literal["joint", "ei", "random", "prior"] = "joint",
        sources: Sequence[str] | None = None,
        batch_size: int = 10,
        surrogate: SurrogateConfig | Callable[[], Surrogate] | None = None,
        reads: Reads | None = None,
        points: int | None = 10_000,
        best: int = 1_000,
        held_out: float = 0.0,
        refit: bool | None = None,
        winsorized: float = 0.0,
        revisit: bool = False,
        candidates: CandidateConfig | None = None,
        centres: NDArray[np.int64] | None = None,
        failed_value: float | None = None,
        storage: str | Path | TrialStore | None = None,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> None:
        check_settings(locals())
        space = space if isinstance(space, SearchSpace) else SearchSpace(space)
        self._informed = strategy in NEEDS_SURROGATE
        if surrogate is None and strategy == "ei":
            surrogate = SURROGATE
        if self._informed and isinstance(surrogate, SurrogateConfig | None):
            require_gpflow()
        dataset = Dataset((), ()) if dataset is None else dataset
        self.maximize, self.strategy, self.seed = maximize, strategy, seed
        self.batch_size, self.revisit = batch_size, revisit
        self.candidates = candidates or space.candidates
        if sources is not None:
            self.candidates = replace(self.candidates, sources=sources)
        self.reads: Reads = "counts"
        if surrogate is not None:
            # The acquisition of the papers climbs in the codes, where there are no strings to read.
            features = reads != "codes" and strategy != "ei" and space.features is not None
            self.reads = "features" if features else "codes"
        known = dataset.strings
        self.strings = known if dataset.codes is not None else tuple(space.normalized(known))
        self.space = space = space.widened(self.strings)
        self.codes = space.encode(self.strings) if dataset.codes is None else dataset.codes
        if self.codes.shape[1:] != (space.codec.latent_dim,):
            raise UserError(
                f"the data set has codes {list(self.codes.shape)} and the model "
                f"{space.codec.latent_dim} latent dimensions: encode it with this model."
            )
        self.scores: Array = turned(dataset.values, maximize)
        if centres is None:
            centres = space.centre_rows(self.strings, self.codes, self.scores)
        self._centres = centres
        self._known = frozenset(self.strings)
        about = {"maximize": maximize, "latent_dim": space.codec.latent_dim}
        if not isinstance(storage, TrialStore):
            storage = TrialStore.of_dataset(storage, self.strings, self.scores, **about)
        self.store = storage
        self.journal = Journal(
            encode=space.encode,
            store=storage,
            strategy=strategy,
            seed=seed,
            maximize=maximize,
            failed=None if failed_value is None else float(turned(failed_value, maximize)),
            seen=self._is_training_data,
        )
        self.stopped: str | None = None
        self._keys = space.keys(self.strings)
        rows = distinct_rows(self.strings, self._keys) if strategy == "joint" else None
        self.split = split_rows(self.scores, seed, points, best, held_out, rows)
        self.fitter = SurrogateFitter(
            config=surrogate,
            space=space,
            store=self.store,
            strategy=strategy,
            seed=seed,
            strings=self.strings,
            codes=self.codes,
            scores=self.scores,
            split=self.split,
            reads=self.reads,
            refit=refit,
            winsorized=winsorized,
            progress=progress,
        )

    def close(self) -> None:
        """Close the storage; every value is in it already."""
        self.store.close()

    @property
    def trials(self) -> list[Trial]:
        """Evaluated trials in order, with scores (lower is better)."""
        return self.journal.evaluated()

    @property
    def pending(self) -> Batch:
        """Proposed strings whose values are still to come, and their predictions."""
        return self.journal.batch(self.journal.pending())

    def ask(self, n: int | None = None, *, more: bool = False) -> Batch:
        """The next n strings to evaluate (fewer if no more are found), `batch_size` by default.

        While proposed strings wait for their values, these are returned again, and nothing new; or,
        with `more`, n others, for which the surrogate believes its predictions of the waiting ones
        (the kriging believer of Ginsbourger et al. 2010), so that they lie elsewhere.
        """
        n = self.batch_size if n is None else check_int(n, "the number of strings", 1)
        stored, waiting = self.journal.trials(), self.journal.pending()
        if waiting and not more:
            return self.journal.batch(waiting)
        batch = max((trial.batch for trial in stored), default=-1) + 1
        state = self._state(stored)
        propose = STRATEGIES[self.strategy]
        if self._informed and len(state.scores) < FEWEST:
            propose = prior_samples
        elif self._informed:
            state.surrogate = self.fitter.for_batch(state, batch)
            state = self.fitter.believing(state, waiting, batch)
        found = propose(state, n, np.random.default_rng([self.seed, batch]))
        return self.journal.batch(self.journal.propose(found, batch))

    def tell(
        self,
        batch: Sequence[str | None],
        values: ArrayLike,
        *,
        noise: ArrayLike | None = None,
        replace: bool = False,
    ) -> None:
        """Record the values [N] of strings, of a batch of `ask` or any others; NaN: it failed.

        Parameters
        ----------
        noise : standard deviations [N] of the values, NaN where unknown: a surrogate of counts
            trusts the values as much as they say.
        replace : the values are right where strings were told before with others.

        Raises
        ------
        UserError: another number of values, or another value for a string that has one; then
            nothing is recorded.
        """
        if not isinstance(batch, Batch):
            checked_values(batch, values)
            batch = self.space.normalized([str(string) for string in batch])
        self.journal.tell(batch, values, noise, replace=replace)

    def best(self, n: int = 10) -> pd.DataFrame:
        """The n best evaluated strings, best first.

        Columns: string, value, predicted_mean and predicted_sd (before the evaluation; NaN where
        nothing was predicted), batch (-1: told without being asked).
        """
        return self.journal.best(check_int(n, "n"))

    def results(self) -> pd.DataFrame:
        """All trials in order, a row each, see `bayesopt.trials.table.results_table`."""
        return self.journal.table()

    def predict(self, strings: Sequence[str]) -> pd.DataFrame:
        """Predictions of the surrogate, fitted to all that is known, of N strings.

        Columns: string (in the model's spelling), predicted_mean, predicted_sd (of a measurement).

        Raises
        ------
        UserError: fewer than ten known values, a strategy without a surrogate, or strings that the
            model cannot encode.
        """
        import pandas as pd

        checked_values(strings, np.zeros(np.shape(strings)))
        state, spelt = self._state(self.journal.trials()), self.space.normalized(list(strings))
        if not self._informed or len(state.scores) < FEWEST:
            raise UserError(
                f"a prediction needs the strategy joint or ei and {FEWEST} known values: this "
                f"search has the strategy {self.strategy} and {len(state.scores)} values."
            )
        mean, sd = self.fitter.predict(state, spelt, len(state.errors))
        columns = {"string": spelt, "predicted_mean": turned(mean, self.maximize)}
        return pd.DataFrame({**columns, "predicted_sd": sd})

    def shares(self, best: int = 10) -> dict[str, dict[str, float]]:
        """Of each source: its share of the evaluations, and of the best ones."""
        asked = [t for t in self.trials if t.batch != UNASKED]
        return source_shares(
            [t.source for t in asked], [float(t.score or 0.0) for t in asked], best
        )

    def run(
        self,
        objective: Callable[..., Any],
        budget: int,
        *,
        vectorized: bool = False,
        advance: Callable[[int], None] = lambda n: None,
        target: float | None = None,
        seconds: float | None = None,
        patience: int | None = None,
    ) -> Optimizer:
        """Ask, evaluate and tell until `budget` strings are evaluated or nothing new is found.

        Parameters
        ----------
        objective : a string -> its value, NaN where it has none; with `vectorized` N strings ->
            values [N].
        advance : called with the number of strings evaluated since the last call.
        target, seconds, patience : stop earlier, at a value, after a time, or after so many
            evaluations without a new best (`bayesopt.trials.stopping.StopRule`); `stopped` then
            says why.

        Raises
        ------
        ObjectiveError: the objective raised an error; what was evaluated before is recorded.
        """
        rule = StopRule(target, seconds, patience)
        # Fitted before the first batch, so that a search without a budget tests its surrogate.
        if self._informed and not self.trials and self.fitter.tested:
            self.fitter.first()
        values = self.journal.values()
        advance(len(values))
        self.stopped = rule.reason(values, maximize=self.maximize)
        while len(values) < budget and self.stopped is None:
            batch = self.ask(min(budget - len(values), self.batch_size))
            if not len(batch):
                break
            parts = [batch] if vectorized else [self.journal.batch([t]) for t in batch.trials]
            for part in parts:
                found = self.journal.evaluate(part, objective, vectorized)
                self.journal.tell(part, found)
                values += found.tolist()
                advance(len(part))
                self.stopped = rule.reason(values, maximize=self.maximize)
                if self.stopped is not None:
                    break
        return self

    def _is_training_data(self, string: str) -> bool:
        trained = self.space.training_strings
        return string in self._known or (trained is not None and string in trained)

    def _state(self, stored: list[Trial]) -> SearchState:
        rows = self.fitter.rows
        done = [trial for trial in stored if trial.score is not None]
        excluded = set(self.space.keys([t.string for t in stored if t.string is not None]))
        if self._informed and not self.revisit:
            excluded.update(self._keys)
        strings, codes, scores = self._joined(rows, done)
        return SearchState(
            space=self.space,
            strings=strings,
            codes=codes,
            scores=scores,
            start=self.strings or strings,
            start_codes=self.codes if len(self.codes) else codes,
            excluded=excluded,
            is_training_data=self._is_training_data,
            centres=None if self._centres is None else self._joined(self._centres, done),
            novel=self.space.novel and self._informed and not self.revisit,
            candidates=self.candidates,
            reads=self.reads,
            errors=prediction_errors(done),
            noise=noise_of(len(rows), done),
        )

    def _joined(
        self, rows: NDArray[np.int64], done: Sequence[Trial]
    ) -> tuple[list[str], Array, Array]:
        """Strings, codes and scores of rows of the data set and of evaluated trials."""
        strings = [self.strings[row] for row in rows] + [str(t.string) for t in done]
        codes, scores = self.codes[rows], self.scores[rows]
        if done:
            codes = np.concatenate([codes, np.stack([trial.code for trial in done])])
            values = np.array([trial.score for trial in done], dtype=np.float64)
            scores = np.concatenate([scores, values])
        return strings, codes, scores

    def training_points(self) -> tuple[Any, Array]:
        """Inputs of N points and scores [N] from which the surrogate of the next batch learns."""
        state = self._state(self.journal.trials())
        return state.training_inputs(), self.fitter.winsorize(state.scores)
