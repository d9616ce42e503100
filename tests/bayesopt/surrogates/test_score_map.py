"""The map of scores before they are learnt, and moments back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from bayesopt.surrogates.score_map import ScoreMap

FINITE = st.floats(-1e6, 1e6).map(lambda x: round(x, 3))


@given(st.lists(FINITE, min_size=2, max_size=30))
def test_order_is_kept_and_equal_scores_stay_equal(scores):
    values = np.array(scores)
    mapped = ScoreMap.of(values).forward(values)
    order = np.argsort(values)
    assert (np.diff(mapped[order]) >= 0).all()
    assert ((np.diff(values[order]) == 0) == (np.diff(mapped[order]) == 0)).all()


def test_scores_become_the_mean_of_normal_and_standard_scores():
    scores = np.exp(np.linspace(-5, 5, 1001))
    mapped = ScoreMap.of(scores).forward(scores)
    normal = norm.ppf((np.arange(1001) + 0.5) / 1001)
    standard = (scores - scores.mean()) / scores.std()
    assert mapped == pytest.approx((normal + standard) / 2)


def test_unit_and_origin_of_scores_do_not_matter(rng):
    scores = rng.standard_normal(50)
    one, other = (ScoreMap.of(s).forward(s) for s in (scores, 3 * scores - 7))
    assert other == pytest.approx(one)


def test_small_differences_among_the_best_are_seen():
    scores = np.concatenate([np.linspace(0.80, 0.82, 20), np.linspace(5, 9, 200)])
    mapped = ScoreMap.of(scores).forward(scores)
    standard = (scores - scores.mean()) / scores.std()
    assert np.ptp(mapped[:20]) > 20 * np.ptp(standard[:20])


def test_beyond_the_best_the_map_goes_on(rng):
    found = ScoreMap.of(np.linspace(0, 1, 101))
    assert found.forward(np.array([-0.1]))[0] < found.forward(np.array([0.0]))[0]
    mean, _ = found.moments(np.array([-4.0]), np.array([0.0]))
    assert -0.5 < mean[0] < 0.0


def test_moments_of_a_linear_map_are_those_of_the_normal():
    scores = norm.ppf((np.arange(2001) + 0.5) / 2001)
    mean, variance = ScoreMap.of(5 + 2 * scores).moments(np.array([0.3]), np.array([0.04]))
    assert mean[0] == pytest.approx(5.6, abs=1e-3)
    assert variance[0] == pytest.approx(0.16, rel=1e-2)


def test_moments_without_variance_invert_the_map(rng):
    scores = rng.gamma(2.0, size=40)
    found = ScoreMap.of(scores)
    mean, variance = found.moments(found.forward(scores), np.zeros(40))
    assert mean == pytest.approx(scores)
    assert variance == pytest.approx(0.0, abs=1e-12)


def test_one_score_for_all_is_no_error():
    found = ScoreMap.of(np.full(5, 3.0))
    assert found.forward(np.array([3.0, 4.0])).tolist() == [0.0, 1.0]
