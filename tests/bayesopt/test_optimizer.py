"""Strategies and the loop on a problem whose optimum is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bayesopt.acquisition.candidates import Effort
from bayesopt.acquisition.strategies import _in_turns
from bayesopt.optimizer import (
    Search,
    SearchConfig,
    evolved_share,
    misfit,
    trust_length,
)
from bayesopt.space import Problem, TrustedRegion
from bayesopt.storage import Trial, TrialStore
from bayesopt.surrogates.sparse_gp import SurrogateConfig
from tests.bayesopt.toy import GridCodec, grid_problem

SURROGATE = SurrogateConfig(inducing_points=40, iterations=15)


@pytest.fixture(scope="module")
def problem() -> Problem:
    return grid_problem()


def make_search(problem, path, strategy="turbo", seed=0, batch=10) -> Search:
    store = TrialStore.open(path, {"test": 1})
    config = SearchConfig(strategy, batch, points=None, surrogate=SURROGATE)
    return Search(problem, store, seed, config, TrustedRegion(problem.codes))


def rows(search):
    return [(t.evaluation, t.batch, t.string, t.score, t.predicted_mean) for t in search.trials]


@pytest.mark.parametrize("strategy", ["turbo", "ei", "random", "prior"])
def test_strategy_proposes_distinct_strings_with_their_own_codes(problem, tmp_path, strategy):
    search = make_search(problem, tmp_path / "t.sqlite", strategy)
    trials = search.ask(8)
    strings = [t.string for t in trials]
    assert len(strings) == len(set(strings)) == 8
    codes = GridCodec().encode(strings)
    assert np.array([t.code for t in trials]) == pytest.approx(codes)
    assert [t.evaluation for t in trials] == list(range(1, 9))
    if strategy in ("turbo", "ei"):
        assert not set(strings) & set(problem.strings)
        assert all(t.predicted_sd > 0 for t in trials)
        origins = np.array([t.proposed_code for t in trials])
        assert TrustedRegion(problem.codes).contains(origins).all()


@pytest.mark.parametrize("strategy", ["turbo", "ei"])
def test_surrogate_strategies_find_the_hidden_optimum(problem, tmp_path, strategy):
    search = make_search(problem, tmp_path / "t.sqlite", strategy)
    search.run(40)
    assert len(search.trials) == 40
    best = min(search.trials, key=lambda t: t.score)
    assert (best.string, best.score) == ("7,-3", 0.0)


def test_random_strings_do_not_find_what_is_not_among_them(problem, tmp_path):
    search = make_search(problem, tmp_path / "t.sqlite", "random")
    search.run(40)
    assert min(t.score for t in search.trials) > 20
    assert all(t.in_training_data for t in search.trials)


def test_resumed_search_equals_an_uninterrupted_one(problem, tmp_path):
    whole = make_search(problem, tmp_path / "whole.sqlite")
    whole.run(30)
    first = make_search(problem, tmp_path / "cut.sqlite")
    first.run(10)
    asked = first.ask(10)  # stopped here: proposed, never scored
    first.store.close()
    second = make_search(problem, tmp_path / "cut.sqlite")
    again = second.ask(10)
    assert [t.string for t in again] == [t.string for t in asked]
    second.run(30)
    assert rows(second) == rows(whole)


def test_finished_search_evaluates_nothing_more(problem, tmp_path):
    search = make_search(problem, tmp_path / "t.sqlite")
    search.run(10)
    problem.score.asked.clear()
    make_search(problem, tmp_path / "t.sqlite").run(10)
    assert problem.score.asked == []


def test_strings_scored_by_another_strategy_are_not_paid_again(problem, tmp_path):
    make_search(problem, tmp_path / "t.sqlite", "random", seed=1).run(30)
    problem.score.asked.clear()
    other = make_search(problem, tmp_path / "t.sqlite", "random", seed=2)
    other.run(60)
    asked, known = problem.score.asked, {t.string for t in other.store.trials("random", 1)}
    assert asked
    assert not set(asked) & known
    assert len(asked) == len(set(asked))


def test_codes_that_decode_to_nothing_score_worst(problem, tmp_path):
    search = make_search(problem, tmp_path / "t.sqlite")
    trial = Trial("turbo", 0, 0, 1, None, None, False, np.zeros(2), np.zeros(2))
    assert search.evaluate([trial]) == pytest.approx([problem.worst_score])


def test_no_budget_only_fits_and_tests_the_surrogate(problem, tmp_path):
    search = make_search(problem, tmp_path / "t.sqlite")
    search.run(0)
    (fit,) = search.store.load_fits()
    assert search.trials == []
    residual = fit.truth - fit.mean
    assert fit.rmse == pytest.approx(np.sqrt(np.mean(residual**2)))
    assert fit.rmse < fit.truth.std()


def test_trust_region_grows_with_success_and_shrinks_without():
    def trial(batch, score):
        return Trial("turbo", 0, batch, 1, "s", score, False, np.zeros(1), np.zeros(1))

    lengths = (0.6, 0.25, 1.0)
    assert trust_length([], 1.0, lengths) == 0.6
    assert trust_length([trial(0, 0.5)], 1.0, lengths) == 1.0
    failed = [trial(batch, 2.0) for batch in range(9)]
    assert trust_length(failed[:1], 1.0, lengths) == 0.3
    assert trust_length(failed, 1.0, lengths) == 0.25


def even(strings):
    return np.array([int(s.split(",")[0]) % 2 == 0 for s in strings])


@pytest.mark.parametrize("strategy", ["turbo", "ei", "random", "prior"])
def test_what_violates_a_constraint_is_never_evaluated(problem, tmp_path, strategy):
    limited = replace(problem, feasible=even)
    search = make_search(limited, tmp_path / "t.sqlite", strategy)
    search.run(20)
    assert search.trials
    assert even([t.string for t in search.trials]).all()


def test_impossible_constraints_end_the_search(problem, tmp_path):
    limited = replace(problem, feasible=lambda strings: np.zeros(len(strings), dtype=bool))
    search = make_search(limited, tmp_path / "t.sqlite")
    search.run(10)
    assert search.trials == []


def test_constraints_are_asked_of_each_string_once(problem, tmp_path):
    asked: list[str] = []

    def feasible(strings):
        asked.extend(strings)
        return even(strings)

    make_search(replace(problem, feasible=feasible), tmp_path / "t.sqlite").ask(5)
    assert len(asked) == len(set(asked))
    assert not set(asked) & set(problem.strings)


def test_novel_problems_propose_nothing_from_the_training_data(problem, tmp_path):
    hidden = {f"{a},{b}" for a in range(-50, 51) for b in range(-50, 51) if a > b}
    novel = replace(problem, novel=True, in_training_data=hidden.__contains__)
    search = make_search(novel, tmp_path / "t.sqlite")
    search.run(20)
    assert search.trials
    assert not any(t.in_training_data for t in search.trials)


def test_candidates_surround_the_given_centres(problem, tmp_path):
    row = int(np.argmax(problem.scores))  # the worst known string
    centred = replace(problem, centres=np.array([row]))
    trials = make_search(centred, tmp_path / "a.sqlite").ask(10)
    spread = np.linalg.norm(np.array([t.code for t in trials]) - problem.codes[row], axis=1)
    free = make_search(problem, tmp_path / "b.sqlite").ask(10)
    others = np.linalg.norm(np.array([t.code for t in free]) - problem.codes[row], axis=1)
    assert spread.mean() < others.mean()


def test_failed_trials_are_neither_waited_for_nor_asked_again(problem, tmp_path):
    search = make_search(problem, tmp_path / "t.sqlite")
    first = search.ask(4)
    search.tell(first[:2], np.array([1.0, 2.0]))
    search.store.fail("turbo", 0, [t.evaluation for t in first[2:]])
    second = search.ask(4)
    assert [t.evaluation for t in second] == [5, 6, 7, 8]
    assert {t.batch for t in second} == {1}
    assert not {t.string for t in second} & {t.string for t in first}


def test_surrogate_from_scratch_takes_all_points_and_needs_no_state(problem, tmp_path):
    store = TrialStore.open(tmp_path / "t.sqlite", {"test": 1})
    config = SearchConfig(
        "turbo", points=None, surrogate=SURROGATE, held_out=0.0, from_scratch=True
    )
    search = Search(problem, store, 0, config, problem.trusted_region())
    assert len(search.known()[1]) == len(problem.strings)
    search.tell(search.ask(5), np.arange(5.0))
    assert len(search.known()[1]) == len(problem.strings) + 5
    assert len(search.ask(5)) == 5
    assert store.load_fits() == []


def test_screening_decodes_less_and_still_finds_the_optimum(problem, tmp_path):
    decoded = []

    class Counting(GridCodec):
        def decode(self, codes):
            decoded.append(len(codes))
            return super().decode(codes)

    store = TrialStore.open(tmp_path / "t.sqlite", {"test": 1})
    effort = Effort(draws=60, enough=20, attempts=3, centres=20, screen=10)
    config = SearchConfig("turbo", 10, points=None, surrogate=SURROGATE, effort=effort)
    counted = replace(problem, codec=Counting())
    search = Search(counted, store, 0, config, problem.trusted_region())
    search.run(40)
    assert min(t.score for t in search.trials) == 0.0
    assert max(decoded) <= 60 + 20
    assert sum(decoded) < 2000  # what one attempt decodes without it


def test_prior_is_the_last_resort(problem, tmp_path):
    far = {"40,40", "41,40"}  # outside of the trusted region
    limited = replace(
        problem,
        feasible=lambda strings: np.array([s in far for s in strings]),
        sample_prior=lambda n, rng: GridCodec().encode(["40,40"] * n),
    )
    store = TrialStore.open(tmp_path / "t.sqlite", {"test": 1})
    config = SearchConfig("turbo", points=None, surrogate=SURROGATE, effort=Effort(anywhere=True))
    search = Search(limited, store, 0, config, problem.trusted_region())
    assert [t.string for t in search.ask(3)] == ["40,40"]


def coordinates(strings):
    """Features of grid points: their coordinates, not their codes."""
    return np.array([[float(n) for n in s.split(",")] for s in strings]).reshape(-1, 2)


def neighbours(parents, rng):
    """Children of grid points: a step of one in each direction."""
    points = coordinates(parents) + rng.integers(-1, 2, size=(len(parents), 2))
    return [f"{int(a)},{int(b)}" for a, b in points] + [None]


EVOLVING = Effort(draws=20, enough=40, attempts=1, recombined=30, generations=8, evolutions=2)


def evolving(problem, path, **changes) -> Search:
    store = TrialStore.open(path, {"test": 1})
    config = SearchConfig("turbo", 10, None, surrogate=SURROGATE, effort=EVOLVING, features=True)
    return Search(
        replace(problem, recombine=neighbours, **changes),
        store,
        0,
        config,
        TrustedRegion(problem.codes),
    )


def test_evolution_reaches_what_no_decode_reaches(problem, tmp_path):
    class Blind(GridCodec):
        def decode(self, codes):
            return [None] * len(codes)

    search = evolving(problem, tmp_path / "t.sqlite", codec=Blind(), features=coordinates)
    search.run(40)
    assert min(t.score for t in search.trials) == 0.0
    strings = [t.string for t in search.trials]
    assert len(set(strings)) == len(strings) == 40
    assert not set(strings) & set(problem.strings)


def test_every_other_evolution_begins_with_any_of_the_known(problem, tmp_path):
    begun = []

    def spied(parents, rng):
        begun.append(parents)
        return []

    search = evolving(problem, tmp_path / "t.sqlite", features=coordinates)
    effort = replace(search.config.effort, centres=5, generations=1, recombined=200)
    search.config = replace(search.config, effort=effort)
    search.problem = replace(search.problem, recombine=spied)
    trials = search.ask(10)
    search.tell(trials, np.full(len(trials), -100.0))
    begun.clear()
    search.ask(10)
    found = {t.string for t in trials}
    assert set(begun[0]) & found
    assert not set(begun[1]) & found
    best = {problem.strings[i] for i in np.argsort(problem.scores)[:20]}
    assert len(begun) == EVOLVING.evolutions == 2
    assert len(set(begun[1])) == 5
    assert not set(begun[1]) <= best


def test_the_others_are_judged_by_an_optimistic_bound(problem, tmp_path):
    class Known:
        def predict(self, points):
            return np.array([1.0, 3.0, 2.0]), np.array([0.0, 4.0, 0.25])

    search = evolving(problem, tmp_path / "t.sqlite", features=coordinates)
    view = search._view([])
    view.gp = Known()
    assert view.bound()(np.zeros((3, 2))).tolist() == [1.0, -1.0, 1.0]


def test_evolutions_take_turns_with_their_best(rng):
    evolutions = np.array([-1, 0, 0, 0, 2, 5, 5])
    found = _in_turns(evolutions, rng)
    assert [set(found[:3]), set(found[3:5]), found[5:]] == [{1, 4, 5}, {2, 6}, [3]]
    assert len({tuple(_in_turns(evolutions, rng)[:3]) for _ in range(100)}) == 6
    assert _in_turns(np.array([-1, -1]), rng) == []


def test_half_of_a_batch_is_decoded_and_half_is_evolved(problem, tmp_path):
    evolved = []

    def spied(parents, rng):
        children = neighbours(parents, rng)
        evolved.extend(children)
        return children

    search = evolving(problem, tmp_path / "t.sqlite", features=coordinates)
    search.problem = replace(search.problem, recombine=spied)
    trials = search.ask(10)
    decoded = [t for t in trials if not np.array_equal(t.proposed_code, t.code)]
    assert len(trials) == 10
    assert 3 <= len(decoded) <= 5  # a decoded code may be exactly that of its string
    assert {t.string for t in trials if t not in decoded} & set(evolved)


def test_what_the_surrogate_reads_is_features_where_there_are_any(problem, tmp_path):
    read = []

    def spied(strings):
        read.extend(strings)
        return coordinates(strings)

    search = evolving(problem, tmp_path / "a.sqlite", features=spied)
    search.run(10)
    assert set(problem.strings) <= set(read)
    points, scores = search.known()
    found = [t.string for t in search.trials]
    known = [problem.strings[row] for row in search.split.train]
    assert points == pytest.approx(coordinates([*known, *found]))
    assert len(scores) == len(points)
    plain = evolving(problem, tmp_path / "b.sqlite")
    plain.run(10)
    codes = problem.codes[plain.split.train]
    assert plain.known()[0][: len(codes)] == pytest.approx(codes)


def test_strings_of_one_key_are_evaluated_once(problem, tmp_path):
    search = evolving(
        problem,
        tmp_path / "t.sqlite",
        features=coordinates,
        same=lambda strings: [int(s.split(",")[0]) for s in strings],  # only the first matters
    )
    known = {int(s.split(",")[0]) for s in problem.strings}
    search.run(20)
    firsts = [int(t.string.split(",")[0]) for t in search.trials]
    assert len(firsts) == len(set(firsts)) > 0
    assert not set(firsts) & known


def test_resumed_evolution_equals_an_uninterrupted_one(problem, tmp_path):
    whole = evolving(problem, tmp_path / "whole.sqlite", features=coordinates)
    whole.run(30)
    evolving(problem, tmp_path / "cut.sqlite", features=coordinates).run(10)
    second = evolving(problem, tmp_path / "cut.sqlite", features=coordinates)
    second.run(30)
    assert rows(second) == rows(whole)


def told(score, mean, sd):
    return Trial("turbo", 0, 0, 1, "s", score, False, np.zeros(1), np.zeros(1), mean, sd)


def test_misfit_covers_nine_of_ten_recent_scores():
    assert misfit([], np.empty(0), 0.3) == 0.3
    assert misfit([told(1.0, None, None)], np.ones(1), 0.3) == 0.3
    rng = np.random.default_rng(0)
    old = [told(100.0, 0.0, 1.0)] * 50  # long ago, no longer counted
    recent = [told(2.0 * e, 0.0, 0.1) for e in rng.standard_normal(200)]
    scores = np.array([t.score for t in old + recent])
    assert misfit(old + recent, scores, 0.3) == pytest.approx(4.0, rel=0.3)


def test_the_better_source_gets_more_of_the_next_batch():
    decoded = [replace(told(s, 0.0, 1.0), proposed_code=np.ones(1)) for s in range(50)]
    assert evolved_share([]) == pytest.approx(0.5)
    assert evolved_share(decoded + [told(-1.0 - s, 0.0, 1.0) for s in range(50)]) > 0.8
    assert evolved_share(decoded + [told(50.0 + s, 0.0, 1.0) for s in range(50)]) < 0.2
    assert 0.1 <= evolved_share(decoded * 10) <= 0.5


def test_the_worst_scores_are_not_told_apart(problem, tmp_path):
    store = TrialStore.open(tmp_path / "t.sqlite", {"test": 1})
    config = SearchConfig("turbo", 10, None, surrogate=SURROGATE, winsorised=0.2)
    search = Search(problem, store, 0, config, TrustedRegion(problem.codes))
    search.run(10)
    known = problem.scores[search.split.train]
    _, scores = search.known()
    assert scores.max() == pytest.approx(np.quantile(known, 0.8))
    assert np.mean(scores[: len(known)] == scores.max()) == pytest.approx(0.2, abs=0.02)
    kept = known < scores.max()
    assert scores[: len(known)][kept] == pytest.approx(known[kept])


def test_an_exhausted_source_leaves_its_turns_to_the_other(problem, tmp_path):
    def lonely(parents, rng):
        return ["6,-3"]

    search = evolving(problem, tmp_path / "t.sqlite", features=coordinates)
    search.problem = replace(search.problem, recombine=lonely)
    trials = search.ask(10)
    strings = [t.string for t in trials]
    assert len(set(strings)) == len(strings) == 10
    assert "6,-3" in strings
    # In the turns of the exhausted source the best of the others are taken, not just any.
    others = [t.predicted_mean for t in trials if t.string != "6,-3"]
    assert max(others) < np.median(problem.scores)
