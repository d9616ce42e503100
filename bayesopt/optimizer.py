"""The loop: ask a strategy for a batch, evaluate, tell; every step is on disk before the next."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from bayesopt.acquisition.candidates import Effort, View
from bayesopt.acquisition.strategies import NEEDS_SURROGATE, STRATEGIES, Proposal
from bayesopt.space import Array, Problem, TrustedRegion, split_rows
from bayesopt.storage import SurrogateFit, Trial, TrialStore
from bayesopt.surrogates.base import Surrogate, new_surrogate
from bayesopt.surrogates.composite import MisfitTrend
from bayesopt.surrogates.linear_trend import LinearTrend, TrendGP
from bayesopt.surrogates.sparse_gp import SurrogateConfig
from bayesopt.surrogates.training import Progress
from gmae_tf.errors import UserError

WINSORISED = 0.05
"""Usual share of the worst known scores that are not told apart."""
RECENT = 200
"""Evaluations from which the misfit of the surrogate is taken; half of them for shares."""
UNDECIDED, LEAST = 10, 0.1
"""Strings that count as half decoded, half evolved before any is known; the least share of each."""


@dataclass(frozen=True)
class SearchConfig:
    """How to search.

    points : surrogate training points, None for all; `best` of them are the best known.
    revisit : known strings may be proposed and cost an evaluation, as in the published searches.
    held_out : share of the known strings that tests the surrogate and does not train it.
    effort : how hard the trust region looks for candidates.
    from_scratch : fit the surrogate anew for each batch, where the data are few and may change.
    features : the surrogate reads the problem's features of strings, if it has any, with a linear
        trend in those that count parts; else it reads codes, as the acquisition ei does in any
        case.
    winsorised : share of the worst known scores that count as equally bad, as does what is found
        and worse.  What is far below all others would bend the surrogate where it is good.
    """

    strategy: str = "turbo"
    batch_size: int = 50
    points: int | None = 10_000
    best: int = 1_000
    revisit: bool = False
    surrogate: SurrogateConfig = field(default_factory=SurrogateConfig)
    held_out: float = 0.1
    effort: Effort = field(default_factory=Effort)
    from_scratch: bool = False
    features: bool = False
    winsorised: float = 0.0


class Search:
    """One strategy and one seed, as ask and tell; its memory is the trial store.

    A new object on the same store continues where the last one stopped: what was told is known
    again, and what was asked but never told is asked again, not proposed anew.
    """

    def __init__(
        self,
        problem: Problem,
        store: TrialStore,
        seed: int,
        config: SearchConfig,
        trusted: TrustedRegion,
        progress: Progress | None = None,
    ) -> None:
        self.problem = problem
        self.store = store
        self.seed = seed
        self.config = config
        self.trusted = trusted
        self.progress = progress
        self.split = split_rows(problem.scores, seed, config.points, config.best, config.held_out)
        self._gp: Surrogate | None = None
        # The acquisition of the papers climbs in the codes, where there are no strings to read.
        reads = config.features and config.strategy != "ei"
        self.features = problem.features if reads else None

    @cached_property
    def _known_keys(self) -> frozenset[Hashable]:
        return frozenset(self.problem.keys(self.problem.strings))

    @property
    def trials(self) -> list[Trial]:
        """Evaluated trials in order."""
        stored = self.store.trials(self.config.strategy, self.seed)
        return [trial for trial in stored if trial.score is not None]

    def ask(self, n: int) -> list[Trial]:
        """The next n strings to evaluate (fewer if the strategy finds no more), in the store.

        Trials that an interrupted run left without a score come first, alone.
        """
        pending = self.store.pending(self.config.strategy, self.seed)
        if pending:
            return pending
        stored = self.store.trials(self.config.strategy, self.seed)
        batch = stored[-1].batch + 1 if stored else 0
        view = self._view(stored)
        if self.config.strategy in NEEDS_SURROGATE:
            view.gp = self._surrogate(view, batch)
            done = self.trials
            truth = self._held_down(np.array([t.score for t in done], dtype=np.float64))
            view.misfit = misfit(done, truth, view.gp.noise_variance)
            view.evolved = evolved_share(done)
        rng = np.random.default_rng([self.seed, batch])
        proposals = STRATEGIES[self.config.strategy](view, n, rng)
        trials = [
            self._trial(proposal, batch, len(stored) + i)
            for i, proposal in enumerate(proposals, start=1)
        ]
        self.store.propose(trials)
        return trials

    def known(self) -> tuple[Array, Array]:
        """What the surrogate of the next batch reads [N, P], and scores [N]."""
        view = self._view(self.store.trials(self.config.strategy, self.seed))
        return view.points(view.strings, view.codes), self._held_down(view.scores)

    def tell(self, trials: list[Trial], scores: Array) -> None:
        """Record the scores [n] of asked trials."""
        for trial, score in zip(trials, scores, strict=True):
            self.store.record(trial.strategy, trial.seed, trial.evaluation, float(score))

    def evaluate(self, trials: list[Trial]) -> Array:
        """Scores of trials by the problem's objective; what the store knows is not paid twice."""
        scores = np.full(len(trials), self.problem.worst_score)
        cached = [self.store.cached_score(t.string) if t.string else None for t in trials]
        for i, score in enumerate(cached):
            if score is not None:
                scores[i] = score
        todo = [i for i, t in enumerate(trials) if t.string is not None and cached[i] is None]
        if todo:
            strings = [trials[i].string or "" for i in todo]
            scores[todo] = self.problem.score(strings)
        return scores

    def run(self, budget: int, advance: Callable[[int], None] = lambda n: None) -> None:
        """Ask, evaluate and tell until `budget` trials are evaluated or nothing new is found."""
        if self.config.strategy in NEEDS_SURROGATE and not self.trials:
            self.fit_surrogate()
        advance(len(self.trials))
        while (left := budget - len(self.trials)) > 0:
            trials = self.ask(min(left, self.config.batch_size))
            if not trials:
                return
            self.tell(trials, self.evaluate(trials))
            advance(len(trials))

    def _trial(self, proposal: Proposal, batch: int, evaluation: int) -> Trial:
        string = proposal.string
        return Trial(
            strategy=self.config.strategy,
            seed=self.seed,
            batch=batch,
            evaluation=evaluation,
            string=string,
            score=None,
            in_training_data=string is not None and self.problem.in_training_data(string),
            proposed_code=proposal.proposed_code,
            code=proposal.code,
            predicted_mean=proposal.predicted_mean,
            predicted_sd=proposal.predicted_sd,
        )

    def _view(self, stored: list[Trial]) -> View:
        rows = self.split.train
        done = [trial for trial in stored if trial.score is not None]
        known_strings = self.problem.strings

        def joined(rows: NDArray[np.int64]) -> tuple[list[str], Array, Array]:
            strings = [known_strings[row] for row in rows] + [str(t.string) for t in done]
            return strings, *_joined(self.problem.codes[rows], self.problem.scores[rows], done)

        tried = [trial.string for trial in stored if trial.string is not None]
        known = set(self.problem.keys(tried))
        remembered, informed = {}, self.config.strategy in NEEDS_SURROGATE
        if informed:
            if self.config.revisit:
                own = [known_strings[row] for row in rows]
                remembered = dict(zip(own, self.problem.scores[rows], strict=True))
            else:
                known.update(self._known_keys)
        first = float(self.problem.scores[rows].min(initial=np.inf))
        length = trust_length(done, first, self.config.effort.lengths)
        near = self.problem.centres
        centres = None if near is None else joined(near)
        novel = self.problem.novel and informed and not self.config.revisit
        return View(
            self.problem,
            self.trusted,
            None,
            *joined(rows),
            known,
            length,
            remembered,
            centres,
            novel,
            self.config.effort,
            self.features,
        )

    def fit_surrogate(self) -> Surrogate:
        """The surrogate of what was known before the search; fitted and tested once."""
        key = (self.config.strategy, self.seed, 0)
        state = self.store.load_state(*key)
        if state is not None:
            return self._restored(state, *self._training())
        gp = self.new_surrogate()
        points, scores = self._training()
        gp.fit(points, scores, seed=self.seed, progress=self.progress)
        if len(self.split.test):
            test = self._known_points(self.split.test), self.problem.scores[self.split.test]
            self.store.save_fit(surrogate_fit(gp, *test, self.seed))
        self.store.save_state(*key, gp.get_state())
        return gp

    def _training(self) -> tuple[Array, Array]:
        rows = self.split.train
        return self._known_points(rows), self._held_down(self.problem.scores[rows])

    def _held_down(self, scores: Array) -> Array:
        """Scores as the surrogate learns them."""
        if not self.config.winsorised:
            return scores
        known = self.problem.scores[self.split.train]
        return np.minimum(scores, np.quantile(known, 1 - self.config.winsorised))

    def _known_points(self, rows: NDArray[np.int64]) -> Array:
        if self.features is None:
            return self.problem.codes[rows]
        return self.features([self.problem.strings[row] for row in rows])

    def _restored(self, state: Mapping[str, Array], points: Array, scores: Array) -> Surrogate:
        return self.new_surrogate().set_state(state).attach(points, scores)

    def new_surrogate(self) -> Surrogate:
        """A surrogate of the configuration, to be fitted."""
        if self.features is None:
            return new_surrogate(self.config.surrogate, self.problem.represent)
        gp, wholes = new_surrogate(self.config.surrogate), self.problem.wholes
        form = MisfitTrend if self.problem.misfit else LinearTrend
        return gp if wholes is None else TrendGP(gp, wholes, form)

    def _surrogate(self, view: View, batch: int) -> Surrogate:
        """The surrogate for `batch`: the one of the batch before, adapted to what was found.

        Every state is stored, so that a resumed search proposes what an uninterrupted one would.
        """
        points, scores = view.points(view.strings, view.codes), self._held_down(view.scores)
        if self.config.from_scratch:
            return self.new_surrogate().fit(points, scores, seed=self.seed + batch)
        if batch == 0:
            self._gp = self.fit_surrogate()
            return self._gp
        load, key = self.store.load_state, (self.config.strategy, self.seed)
        if (ready := load(*key, batch)) is not None:
            self._gp = self._restored(ready, points, scores)
            return self._gp
        if self._gp is None:
            before = load(*key, batch - 1)
            if before is None:
                raise UserError(
                    f"{self.store.path} lacks the surrogate of batch {batch} of seed {self.seed}: "
                    "start again in another folder"
                )
            self._gp = self._restored(before, points, scores)
        self._gp.update(points, scores, seed=self.seed + batch)
        self.store.save_state(*key, batch, self._gp.get_state())
        return self._gp


def _joined(codes: Array, scores: Array, done: list[Trial]) -> tuple[Array, Array]:
    if not done:
        return codes, scores
    found = np.stack([trial.code for trial in done])
    values = np.array([trial.score for trial in done], dtype=np.float64)
    return np.concatenate([codes, found]), np.concatenate([scores, values])


def misfit(done: list[Trial], truth: Array, noise: float) -> float:
    """Variance of scores [N] about the surrogate's f, from what was predicted of them before.

    A score is exact, so what the surrogate takes for noise is what it cannot express, and may be
    as good as it may be bad.  Before anything was predicted it is the noise variance; then such
    that 90 % of the recent scores lie in their 90 % interval.
    """
    pairs = zip(truth[-RECENT:], done[-RECENT:], strict=True)
    errors = [abs(score - t.predicted_mean) for score, t in pairs if t.predicted_mean is not None]
    return float(np.quantile(errors, 0.9) / norm.ppf(0.95)) ** 2 if errors else noise


def evolved_share(done: list[Trial]) -> float:
    """Share of a batch for evolved strings: theirs among the best of the recent evaluations.

    What was decoded has a code of its own beside the one it came from.  Both get something always.
    """
    recent = sorted(done[-RECENT // 2 :], key=lambda t: float(t.score or 0.0))
    best = recent[: max(len(recent) // 4, 1)]
    evolved = sum(np.array_equal(t.proposed_code, t.code) for t in best)
    share = (evolved + UNDECIDED / 2) / (len(best) + UNDECIDED)
    return float(np.clip(share, LEAST, 1 - LEAST))


def trust_length(done: list[Trial], start: float, lengths: tuple[float, float, float]) -> float:
    """Largest step from a centre (see `TrustedRegion.step`), replayed from the trials.

    A batch that improves on everything before doubles it, one that does not halves it.
    """
    (length, least, greatest), best = lengths, start
    for batch in sorted({trial.batch for trial in done}):
        values = [trial.score for trial in done if trial.batch == batch and trial.score is not None]
        improved = min(values) < best
        best = min(best, *values)
        length = min(max(length * (2.0 if improved else 0.5), least), greatest)
    return length


def surrogate_fit(gp: Surrogate, points: Array, truth: Array, seed: int) -> SurrogateFit:
    """Test a surrogate on held-out points: RMSE and log likelihood in units of the score."""
    rmse, log_likelihood = gp.score(points, truth)
    mean, variance = gp.predict_y(points)
    return SurrogateFit(seed, rmse, log_likelihood, truth, mean, np.sqrt(variance))
