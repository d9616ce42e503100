"""The surrogate in the course of a search: split of the data, first fit, updates, stored states."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesopt.acquisition.candidates import Reads, SearchState
from bayesopt.acquisition.pool import spread
from bayesopt.space import SearchSpace
from bayesopt.storage import SurrogateFit, Trial, TrialStore
from bayesopt.surrogates.base import Progress, Surrogate, SurrogateConfig
from bayesopt.surrogates.factory import new_surrogate, surrogate_of_features
from bayesopt.trusted_region import Array
from gmae_tf.errors import UserError

WINSORIZED = 0.05
"""Usual share of the worst known scores that are held down to one value."""
SURROGATE = SurrogateConfig(
    "sgpr",
    inducing_points=300,
    kernel="matern52",
    subset=5_000,
    iterations=30,
    points_per_lengthscale=20,
)
"""Settings of the surrogate by default."""
FEWEST = 10
"""Evaluated strings before a surrogate is fitted; until then samples of the prior are proposed."""
FEW = 2_000
"""Up to so many points, the surrogate is fitted anew for each batch unless said otherwise."""


@dataclass(frozen=True)
class Split:
    """Row numbers of a seed: what the surrogate learns from, and what tests it."""

    train: NDArray[np.int64]
    test: NDArray[np.int64]


def split_rows(
    scores: Array,
    seed: int,
    points: int | None,
    best: int,
    held_out: float = 0.1,
    rows: NDArray[np.int64] | None = None,
) -> Split:
    """90 % for training and 10 % for the test, at random by seed (Kusner et al. 2017).

    `held_out` is the share of the test, 0 for none.  With fewer `points`, both are of the `best`
    best rows and a random choice of the others, so many in all: the surrogate must be sharp where
    the search looks and right elsewhere.  `rows` are all that count, by default every one.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(scores) if rows is None else rows)
    if points is not None and points < len(order):
        ranked = order[np.argsort(scores[order], kind="stable")]
        best = min(best, points)
        others = rng.choice(ranked[best:], points - best, replace=False)
        order = rng.permutation(np.concatenate([ranked[:best], others]))
    test, train = np.split(order, [int(len(order) * held_out)])
    return Split(np.sort(train), np.sort(test))


def distinct_rows(strings: Sequence[str], keys: Sequence[Hashable]) -> NDArray[np.int64]:
    """Rows of the shortest of N strings of each of their keys (`SearchSpace.keys`), in order.

    A value that is known under many names would count as often, and a surrogate that learns some of
    the names and is tested on others would be sure of itself.
    """
    first: dict[Hashable, int] = {}
    for row in sorted(range(len(strings)), key=lambda row: len(strings[row])):
        first.setdefault(keys[row], row)
    return np.sort(np.array(list(first.values()), dtype=np.int64))


@dataclass
class SurrogateFitter:
    """Fits the surrogate to what is known, updates it for each batch, and stores its states.

    Every state is stored, so that a resumed search proposes what an uninterrupted one would.

    Attributes
    ----------
    config : settings, or a function that makes an untrained surrogate; None: `CountsGP`.
    strings, codes, scores : the data set before the search, [N], [N, D], [N] (lower is better).
    split : its rows for training and test.
    reads : what the surrogate reads.
    refit : fit anew for each batch; None: up to `FEW` points.  A surrogate of counts always is.
    winsorized : share of the worst training scores that are held down to one value.
    """

    config: SurrogateConfig | Callable[[], Surrogate] | None
    space: SearchSpace
    store: TrialStore
    strategy: str
    seed: int
    strings: Sequence[str]
    codes: Array
    scores: Array
    split: Split
    reads: Reads
    refit: bool | None
    winsorized: float
    progress: Progress | None
    _current: Surrogate | None = None

    def winsorize(self, scores: Array) -> Array:
        """Scores held down to the quantile of the training scores, [N] -> [N]."""
        if not self.winsorized:
            return scores
        known = self.scores[self.split.train]
        return np.minimum(scores, np.quantile(known, 1 - self.winsorized))

    def new(self) -> Any:
        """An untrained surrogate of the settings."""
        if self.config is None:
            from bayesopt.surrogates.counts_gp import CountsGP

            return CountsGP()
        if not isinstance(self.config, SurrogateConfig):
            return self.config()
        if self.reads == "features":
            return surrogate_of_features(self.config, self.space)
        return new_surrogate(self.config, self.space.represent)

    def first(self) -> Any:
        """The surrogate of the data set alone; fitted, tested and stored once."""
        key = (self.strategy, self.seed, 0)
        rows, test = self.split.train, self.split.test
        points, scores = self._inputs(rows), self.winsorize(self.scores[rows])
        if (state := self.store.load_state(*key)) is not None:
            return self._restored(state, points, scores)
        gp = self.new()
        gp.fit(points, scores, seed=self.seed, progress=self.progress)
        if len(test):
            self.store.save_fit(surrogate_fit(gp, self._inputs(test), self.scores[test], self.seed))
        if self.config is not None:
            self.store.save_state(*key, gp.get_state())
        return gp

    @property
    def rows(self) -> NDArray[np.int64]:
        """Rows of the data set that a search learns from: what is fitted anew needs no test."""
        if self.config is None:
            return np.union1d(self.split.train, self.split.test)
        return self.split.train

    @property
    def tested(self) -> bool:
        """Whether the surrogate of the data set alone is fitted, for a test or for all batches."""
        n = len(self.split.train)
        if self.config is None:
            return n >= FEWEST and len(self.split.test) > 0
        return not self.refits(n)

    def refits(self, n: int) -> bool:
        """Whether the surrogate of n points is fitted anew for each batch."""
        refit = n <= FEW if self.refit is None else self.refit
        return refit or self.config is None or len(self.split.train) < FEWEST

    def for_batch(self, state: SearchState, batch: int) -> Any:
        """The surrogate for `batch`: the one of the batch before, adapted to what was found."""
        points = state.training_inputs()
        scores = self.winsorize(state.scores)
        if self.refits(len(scores)):
            return self.new().fit(points, scores, seed=self.seed + batch)
        load, key = self.store.load_state, (self.strategy, self.seed)
        if batch == 0:
            self._current = self.first()
            told = len(scores) > len(self.split.train)
            return self._current.update(points, scores, seed=self.seed) if told else self._current
        if (ready := load(*key, batch)) is not None:
            self._current = self._restored(ready, points, scores)
            return self._current
        if self._current is None:
            before = load(*key, batch - 1)
            if before is None:
                raise UserError(
                    f"{self.store.path} lacks the surrogate of batch {batch} of seed {self.seed}: "
                    "start again in another folder"
                )
            self._current = self._restored(before, points, scores)
        self._current.update(points, scores, seed=self.seed + batch)
        self.store.save_state(*key, batch, self._current.get_state())
        return self._current

    def predict(
        self, state: SearchState, strings: Sequence[str], batch: int
    ) -> tuple[Array, Array]:
        """Mean [N] and standard deviation [N] of scores to come, by a surrogate fitted anew.

        Deviations are widened by the errors of the predictions so far, as those of `ask` are.
        """
        points = state.training_inputs()
        scores = self.winsorize(state.scores)
        state.surrogate = self.new().fit(points, scores, seed=self.seed + batch)
        mean, variance = state.surrogate.predict_y(state.inputs(strings))
        return mean, np.sqrt(variance) * spread(state.errors)

    def believing(self, state: SearchState, waiting: Sequence[Trial], batch: int) -> SearchState:
        """The state with waiting strings, whose predicted means the surrogate takes for scores."""
        rows = [trial for trial in waiting if trial.string is not None]
        if not rows:
            return state
        strings, codes = [str(t.string) for t in rows], np.stack([t.code for t in rows])
        mean, _ = state.fitted().predict_y(state.inputs(strings, codes))
        believed = replace(
            state,
            strings=[*state.strings, *strings],
            codes=np.concatenate([state.codes, codes]),
            scores=np.concatenate([state.scores, mean]),
            noise=None if state.noise is None else np.append(state.noise, np.zeros(len(rows))),
        )
        points = believed.training_inputs()
        gp = self.new().fit(points, self.winsorize(believed.scores), seed=self.seed + batch)
        return replace(believed, surrogate=gp)

    def _inputs(self, rows: NDArray[np.int64]) -> Any:
        strings = [self.strings[row] for row in rows]
        if self.reads == "features" and self.space.features is not None:
            return self.space.features(strings)
        if self.reads == "counts":
            return self.space.inputs(strings, self.codes[rows])
        return self.codes[rows]

    def _restored(self, state: Mapping[str, Array], points: Array, scores: Array) -> Surrogate:
        return self.new().set_state(state).attach(points, scores)


def surrogate_fit(gp: Any, points: Any, truth: Array, seed: int) -> SurrogateFit:
    """Test a surrogate on held-out points: RMSE and log likelihood in units of the score."""
    rmse, log_likelihood = gp.score(points, truth)
    mean, variance = gp.predict_y(points)
    return SurrogateFit(seed, rmse, log_likelihood, truth, mean, np.sqrt(variance))
