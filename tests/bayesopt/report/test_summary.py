"""Numbers of a report against recomputation with numpy and scipy."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bayesopt.report import summary as results
from bayesopt.report.page import short
from bayesopt.report.summary import trial_table
from bayesopt.storage import SurrogateFit, Trial
from tests.bayesopt.report.records import BATCH, WORST, WordsOnly, record_of


def trial(
    string: str | None,
    score: float | None,
    *,
    seed: int = 0,
    evaluation: int = 1,
    predicted: tuple[float, float] | None = None,
    batch: int = 1,
    known: bool = False,
) -> Trial:
    """A trial with the code that its evaluation number spells."""
    code = np.array([evaluation, seed, 1.0])
    mean, sd = predicted or (None, None)
    return Trial("ei", seed, batch, evaluation, string, score, known, code, code, mean, sd)


def numbers_of(trials: Iterable[Trial], *, maximize: bool = False) -> dict:
    """The summary of trials of one strategy."""
    return results.summary(trial_table(trials, maximize), WordsOnly(maximize=maximize))


few = settings(max_examples=15, deadline=None)  # pandas takes its time for each
scores = st.one_of(st.none(), st.floats(0, WORST), st.just(WORST))
random_trials = st.lists(
    st.tuples(st.none() | st.text("ab", max_size=3), scores, st.integers(0, 2)),
    max_size=30,
).map(lambda rows: [trial(s, v, seed=k, evaluation=i) for i, (s, v, k) in enumerate(rows, start=1)])


def test_top_takes_distinct_strings_by_score_then_by_first_evaluation() -> None:
    trials = [
        trial("late", 0.5, evaluation=9, seed=0),
        trial("early", 0.5, evaluation=2, seed=1),
        trial("twice", 0.1, evaluation=7, seed=1, known=True),
        trial("twice", 0.1, evaluation=4, seed=3, known=True),
        trial("worse", 0.9, evaluation=1),
        trial(None, WORST, evaluation=3),
        trial("waiting", None, evaluation=10),
    ]
    best = numbers_of(trials)["top"]
    assert [row["string"] for row in best] == ["twice", "early", "late"]
    assert best[0] == {
        "string": "twice",
        "score": 0.1,
        "in_training_data": True,
        "evaluation": 4,
        "seed": 3,
        "seeds_that_found_it": 2,
    }


@few
@given(random_trials)
def test_top_is_the_start_of_a_sorted_set(trials: list[Trial]) -> None:
    lowest: dict[str, float] = {}
    for t in trials:
        if t.string is not None and t.score is not None:
            lowest[t.string] = min(t.score, lowest.get(t.string, math.inf))
    assert [row["score"] for row in numbers_of(trials)["top"]] == sorted(lowest.values())[:3]


@few
@given(random_trials)
def test_running_best_ends_at_the_best_of_its_seed(trials: list[Trial]) -> None:
    table = trial_table(trials, maximize=False)
    best, traces = numbers_of(trials), results.running_best(table, maximize=False)
    assert list(traces) == best["seeds"]
    for seed, lowest in zip(best["seeds"], best["best_per_seed"], strict=True):
        known = traces[seed].dropna()
        assert (known.diff().dropna() <= 0).all()
        assert (known.empty and math.isnan(lowest)) or lowest == known.iloc[-1]


@pytest.mark.parametrize("maximize", [False, True])
def test_running_best_is_numpys_running_minimum_by_evaluation(maximize: bool) -> None:
    values = np.random.default_rng(1).uniform(0, 5, 40)
    trials = [trial(f"s{i}", float(v), evaluation=i + 1) for i, v in enumerate(values)]
    traces = results.running_best(trial_table(reversed(trials), maximize), maximize)
    least = np.minimum.accumulate(values)
    np.testing.assert_array_equal(traces[0], -least if maximize else least)


def test_running_best_waits_for_the_first_valid_trial_and_holds_the_last() -> None:
    trials = [
        trial(None, WORST, evaluation=1),
        trial("a", 2.0, evaluation=3),
        trial("b", 1.0, evaluation=4, seed=1),
    ]
    traces = results.running_best(trial_table(trials, maximize=False), maximize=False)
    np.testing.assert_array_equal(traces[0], [np.nan, np.nan, 2.0, 2.0])
    np.testing.assert_array_equal(traces[1], [np.nan, np.nan, np.nan, 1.0])


def test_validity_and_average_are_means_over_seeds() -> None:
    trials = [
        trial("a", 1.0, seed=0, evaluation=1),
        trial("b", WORST, seed=0, evaluation=2),  # a string that cannot be evaluated
        trial(None, WORST, seed=0, evaluation=3),
        trial(None, WORST, seed=0, evaluation=4),
        trial("c", 3.0, seed=1, evaluation=1),
        trial("d", 5.0, seed=1, evaluation=2),
        trial("waiting", None, seed=1, evaluation=3),
    ]
    found = numbers_of(trials)
    assert found["validity"] == pytest.approx(np.mean([0.5, 1.0]))
    assert found["validity_standard_error"] == pytest.approx(stats.sem([0.5, 1.0]))
    assert found["average_score"] == pytest.approx(np.mean([1.0, 4.0]))
    assert found["average_score_standard_error"] == pytest.approx(stats.sem([1.0, 4.0]))
    assert found["evaluations"] == 6
    assert found["evaluations_per_seed"] == [4, 2]
    assert found["best_per_seed"] == [1.0, 3.0]


def test_a_seed_that_found_nothing_counts_as_worst_in_the_median() -> None:
    trials = [trial("a", 1.0, seed=0), trial(None, WORST, seed=1), trial("b", 2.0, seed=2)]
    assert numbers_of(trials)["median_best"] == 2.0


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=12))
def test_mean_and_error_agree_with_scipy(values: list[float]) -> None:
    found = results.mean_and_error("x", [*values, math.nan])
    assert found["x"] == pytest.approx(np.mean(values), abs=1e-12)
    assert found["x_standard_error"] == pytest.approx(stats.sem(values), abs=1e-7)


def test_one_value_has_no_standard_error() -> None:
    one = results.mean_and_error("x", [2.0])
    assert one["x"] == 2.0
    assert math.isnan(one["x_standard_error"])
    assert math.isnan(results.mean_and_error("x", [])["x"])


def test_coverage_of_calibrated_predictions_is_nominal() -> None:
    rng = np.random.default_rng(0)
    n, batch = 4000, 50
    sd = rng.uniform(0.2, 2, n)
    truth = rng.normal(3, 1, n)
    mean = truth + sd * rng.normal(size=n)
    trials = [
        trial("s", t, evaluation=i + 1, predicted=(m, s), batch=i // batch + 1)
        for i, (t, m, s) in enumerate(zip(truth, mean, sd, strict=True))
    ]
    numbers = results.calibration(trial_table(trials, maximize=False))
    assert numbers["coverage"] == pytest.approx(0.9, abs=4 * math.sqrt(0.09 / n))
    assert numbers["rmse"] == pytest.approx(np.sqrt(np.mean((truth - mean) ** 2)))
    low, high = stats.norm(mean[:batch], sd[:batch]).interval(0.9)
    inside = (low <= truth[:batch]) & (truth[:batch] <= high)
    first = numbers["batches"][0]
    assert first["coverage"] == pytest.approx(inside.mean())
    assert first["mean_score"] == pytest.approx(truth[:batch].mean())
    assert len(numbers["batches"]) == n // batch


def test_calibration_counts_validity_per_batch_and_skips_what_has_no_prediction() -> None:
    trials = [
        trial("a", 1.0, evaluation=1, predicted=(1.1, 0.1)),
        trial(None, WORST, evaluation=2, predicted=(0.0, 0.1)),
        trial("b", 1.0, evaluation=3, batch=2),
    ]
    numbers = results.calibration(trial_table(trials, maximize=False))
    assert [row["validity"] for row in numbers["batches"]] == [0.5, 1.0]
    assert [row["predictions"] for row in numbers["batches"]] == [1, 0]
    assert math.isnan(numbers["batches"][1]["coverage"])


def test_surrogate_averages_over_seeds() -> None:
    fits = [
        SurrogateFit(seed, rmse, ll, np.zeros(0), np.zeros(0), np.zeros(0))
        for seed, (rmse, ll) in enumerate([(0.7, -1.1), (0.8, -1.2), (0.72, -1.3)])
    ]
    numbers = results.results_json(record_of(fits=fits))["surrogate"]
    assert numbers["rmse"] == pytest.approx(np.mean([0.7, 0.8, 0.72]))
    assert numbers["rmse_standard_error"] == pytest.approx(stats.sem([0.7, 0.8, 0.72]))
    assert numbers["log_likelihood_standard_error"] == pytest.approx(stats.sem([-1.1, -1.2, -1.3]))
    assert numbers["seeds"] == [0, 1, 2]


def test_sources_have_their_shares_of_the_evaluations_and_of_the_best() -> None:
    rows = [trial(f"s{i}", float(i), evaluation=i + 1) for i in range(20)]
    found = [replace(t, source="latent" if i % 4 else "evolution") for i, t in enumerate(rows)]
    for maximize in (False, True):
        content = results.results_json(record_of(found, task=WordsOnly(maximize=maximize)))
        best = 0.7  # of 0 to 9, of 10 to 19
        assert content["sources"]["latent"] == {"evaluations": 0.75, "best": best}
        assert content["sources"]["evolution"]["evaluations"] == 0.25
    assert results.results_json(record_of(rows))["sources"] == {}


class Weighing(WordsOnly):
    """Strings "a,b" with the objective a + b."""

    def terms(self, strings: Sequence[str]) -> pd.DataFrame:
        return pd.DataFrame([map(float, s.split(",")) for s in strings], columns=["a", "b"])


@pytest.mark.parametrize("maximize", [True, False])
def test_trade_offs_are_the_strings_that_no_other_one_beats(maximize: bool) -> None:
    sign = 1 if maximize else -1
    pairs = [(3, 0), (0, 3), (2, 2), (2, 1), (1, 2), (0, 0), (3, 0)]
    trials = [
        trial(f"{sign * a},{sign * b}", -float(a + b), evaluation=i + 1, seed=i // 6)
        for i, (a, b) in enumerate(pairs)
    ]
    front = results.results_json(record_of(trials, task=Weighing(maximize=maximize)))["trade_offs"]
    assert [row["string"] for row in front] == [
        f"{sign * a},{sign * b}" for a, b in ((2, 2), (3, 0), (0, 3))
    ]
    assert front[0]["a"] == 2.0 * sign
    assert results.results_json(record_of(trials))["trade_offs"] == []


def test_kernels_and_chains_are_summed_up_over_batches() -> None:
    other = {**BATCH, "kernel": {"atoms": 0.8}, "proposed": [0, 0, 10, 0, 0, 0]}
    content = results.results_json(record_of(batches=[BATCH, other, {}]))
    kernel, chains = content["kernel"], content["chains"]
    assert kernel["weights"] == {"atoms": pytest.approx(0.6), "codes": pytest.approx(0.15)}
    assert (kernel["batches"], kernel["with_codes"]) == (2, 1)
    assert kernel["held_out_log_likelihood"] == {"atoms": -0.5, "atoms, codes": -0.3}
    assert chains["temperatures"] == [1.0, 0.3]
    assert chains["candidates"] == {"latent": 100, "evolution": 14}
    assert chains["moves"][2] == {
        "move": "step 0.35",
        "proposed": 40,
        "moved": 60,
        "accepted": 6,
    }
    assert chains["moves"][-1] == {"move": "jump", "proposed": 16, "moved": None, "accepted": 2}
    assert sum(move["proposed"] for move in chains["moves"]) == 60 + 10 + 16


@few
@given(random_trials)
def test_results_are_strict_json_with_the_documented_keys(trials: list[Trial]) -> None:
    config = {"out": Path("x"), "bad": math.nan, "array": np.arange(2), "flag": np.bool_(True)}
    baselines = {"random": [replace(t, strategy="random") for t in trials]}
    content = results.results_json(record_of(trials, config=config, baselines=baselines))
    again = json.loads(json.dumps(content, allow_nan=False))
    assert again == content
    documented = "task objective top surrogate validity average_score evaluations seeds"
    documented += " sources kernel chains best_per_seed baselines config versions calibration"
    assert set(documented.split()) <= again.keys()
    assert again["config"] == {"out": "x", "bad": None, "array": [0, 1], "flag": True}
    assert again["baselines"]["random"]["best_per_seed"] == again["best_per_seed"]
    keys = {"string", "score", "in_training_data", "evaluation", "seed", "seeds_that_found_it"}
    assert all(row.keys() == keys for row in again["top"])


def test_budget_zero_has_unknowns_instead_of_numbers() -> None:
    content = results.results_json(record_of())
    assert content["evaluations"] == 0
    assert content["top"] == content["seeds"] == []
    for key in ("validity", "average_score", "median_best"):
        assert content[key] is None
    assert content["surrogate"]["rmse"] is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0363, "0.0363"),
        (1e-17, "0"),
        (-4.1535, "-4.1535"),
        (None, "–"),
        (math.nan, "–"),
    ],
)
def test_short_numbers(value: float | None, text: str) -> None:
    assert short(value) == text


@few
@given(random_trials)
def test_a_record_that_maximises_shows_the_negatives(trials: list[Trial]) -> None:
    pair = [trial("p", 2.0, seed=9, evaluation=99, predicted=(1.5, 0.1))]
    plain = results.results_json(record_of([*trials, *pair]))
    task = WordsOnly(maximize=True, score_name="logP")
    others = {"b": [replace(t, strategy="b") for t in trials]}
    turned = results.results_json(record_of([*trials, *pair], task=task, baselines=others))

    def negative(value: float | None) -> float | None:
        return None if value is None else -value

    assert (turned["maximise"], turned["score_name"]) == (True, "logP")
    assert [r["string"] for r in turned["top"]] == [r["string"] for r in plain["top"]]
    assert [r["score"] for r in turned["top"]] == [-r["score"] for r in plain["top"]]
    for key in ("average_score", "median_best", "worst_score"):
        assert turned[key] == pytest.approx(negative(plain[key]))
    assert turned["best_per_seed"] == [negative(v) for v in plain["best_per_seed"]]
    for one, other in zip(
        turned["calibration"]["batches"], plain["calibration"]["batches"], strict=True
    ):
        assert one["mean_predicted"] == pytest.approx(negative(other["mean_predicted"]))
        assert one["mean_score"] == pytest.approx(negative(other["mean_score"]))
        assert one["coverage"] == other["coverage"]
    assert turned["calibration"]["rmse"] == pytest.approx(plain["calibration"]["rmse"])
    assert re.search(r"-0\.0(?!\d)", json.dumps(turned)) is None


def test_average_leaves_out_failures_and_nothing_else() -> None:
    trials = [
        trial("failed", WORST, evaluation=1),
        trial("worse than everything known", 9.0, evaluation=2),
        trial("good", -1.0, evaluation=3),
    ]
    assert numbers_of(trials)["average_score"] == pytest.approx(4.0)
