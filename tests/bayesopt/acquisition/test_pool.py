"""Batches by joint expected improvement, and how far evolution follows the surrogate."""

from __future__ import annotations

import numpy as np
import pytest

from bayesopt.acquisition.candidates import SearchState
from bayesopt.acquisition.pool import Judge, greedy_improvement, spread, trusted_generations
from tests.bayesopt.toy import ExactGP, GridCodec, grid_data, grid_space

DATA = grid_data()
CODES = GridCodec().encode(DATA.strings)


def state(**parts):
    given = {"strings": DATA.strings, "codes": CODES, "scores": DATA.values, "start_codes": CODES}
    gp = ExactGP().fit(CODES, DATA.values)
    return SearchState(space=grid_space(), surrogate=gp, reads="codes", **(given | parts))


def test_the_first_of_a_batch_has_the_greatest_expected_improvement(rng):
    samples = rng.normal([0.0, -1.0, 0.5], [1.0, 0.1, 3.0], size=(200_000, 3))
    gains = np.maximum(0.0 - samples, 0.0).mean(axis=0)
    assert greedy_improvement(samples, 0.0, 1) == [int(np.argmax(gains))]


def test_a_batch_is_diverse(rng):
    """Two columns are the same but for a trifle: the second brings nothing that is new."""
    one, other = rng.standard_normal((2, 5000))
    samples = np.column_stack([one - 0.1, one - 0.09, other])
    assert greedy_improvement(samples, 0.0, 2) == [0, 2]
    assert sorted(greedy_improvement(samples, 0.0, 9)) == [0, 1, 2]


def test_what_cannot_improve_fills_a_batch_all_the_same():
    assert len(greedy_improvement(np.ones((10, 5)), 0.0, 3)) == 3


def test_generations_grow_while_predictions_hold():
    good, bad = np.zeros(10), np.full(10, 3.0)
    assert trusted_generations([], 5) == 1
    assert trusted_generations([good, good], 5) == 3
    assert trusted_generations([good] * 9, 5) == 5
    assert trusted_generations([good, good, bad], 5) == 2
    assert trusted_generations([bad] * 9, 5) == 1
    assert trusted_generations([-bad], 5) == 2  # better than was predicted


def test_intervals_cover_nine_of_ten_recent_scores(rng):
    assert spread([]) == 1.0
    batches, factor = [], 1.0
    for _ in range(20):  # deviations are three times what the surrogate says
        batches.append(3 * rng.standard_normal(50) / factor)
        factor = spread(batches)
    assert factor == pytest.approx(3.0, rel=0.2)
    assert np.mean(np.abs(np.concatenate(batches[10:])) < 1.645) == pytest.approx(0.9, abs=0.04)


def test_a_judge_judges_once_and_refuses_what_is_known():
    searched = state(excluded=set(DATA.strings))
    judge, asked = Judge(searched), []
    inputs = searched.inputs
    searched.inputs = lambda strings: asked.extend(strings) or inputs(strings)
    judge(DATA.strings[:2], None)
    first = judge(["7,-3", None, "6,-3", DATA.strings[0], DATA.strings[5]], "latent")
    second = judge(["7,-3", "5,-3"], "evolution")
    assert asked == [*DATA.strings[:2], "7,-3", "6,-3", "5,-3"]
    assert first[0] == second[0] > judge.values[DATA.strings[1]]
    assert first[1] == first[4] == -np.inf
    assert np.isfinite(first[3])  # known, judged before as a parent
    assert judge.sources == {"7,-3": "latent", "6,-3": "latent", "5,-3": "evolution"}
    best = judge.best(["5,-3", DATA.strings[5], "7,-3"], 9)
    assert best == sorted(["5,-3", "7,-3"], key=lambda s: -judge.values[s])


def test_better_strings_are_more_often_starts():
    strings, codes, weights = state().best()
    assert [DATA.values[DATA.strings.index(s)] for s in strings] == sorted(DATA.values)[:100]
    assert codes == pytest.approx(GridCodec().encode(strings))
    assert weights.sum() == pytest.approx(1.0)
    assert (np.diff(weights) < 0).all()
