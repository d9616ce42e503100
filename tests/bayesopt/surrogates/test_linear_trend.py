"""The surrogate with a linear trend: what it learns, how far it sees, and that it comes back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import BayesianRidge

from bayesopt.surrogates.base import SurrogateConfig
from bayesopt.surrogates.linear_trend import LinearTrend, TrendGP
from bayesopt.surrogates.sparse_gp import SparseGP
from gmae_tf.errors import UserError

CONFIG = SurrogateConfig(inducing_points=40, iterations=10)


def linear(n: int, rng: np.random.Generator, noise: float = 0.1):
    """Counts of three parts and a column that never varies; two parts matter."""
    features = rng.poisson(3.0, size=(n, 4)).astype(float)
    features[:, 3] = 1.0
    return features, features @ [2.0, -1.0, 0.0, 0.0] + noise * rng.standard_normal(n)


@pytest.fixture(scope="module")
def fitted():
    features, scores = linear(150, np.random.default_rng(0))
    return TrendGP(SparseGP(CONFIG), 0).fit(features, scores, seed=0), features, scores


def test_the_trend_is_scikit_learns_bayesian_regression(rng):
    features, scores = linear(80, rng)
    trend = LinearTrend.fit(features, scores)
    centred = features - features.mean(axis=0)
    ridge = BayesianRidge().fit(centred, scores)
    mean, variance = trend.predict(features)
    expected, sd = ridge.predict(centred, return_std=True)
    assert mean == pytest.approx(expected)
    assert variance == pytest.approx(sd**2 - 1 / ridge.alpha_, abs=1e-9)


def test_what_was_never_seen_is_as_uncertain_as_the_prior(rng):
    features, scores = linear(300, rng)
    features[:, 3] = 0.0
    trend = LinearTrend.fit(features, scores)
    known, unseen = np.zeros((2, 4)) + features.mean(axis=0)
    known[0] += 5.0
    unseen[3] += 5.0
    _, (sure, unsure) = trend.predict(np.stack([known, unseen]))
    ridge = BayesianRidge().fit(features - features.mean(axis=0), scores)
    assert unsure == pytest.approx(25.0 / ridge.lambda_, rel=1e-6)
    assert sure < 0.01 * unsure


def test_draws_of_the_trend_have_its_moments(rng):
    features, scores = linear(20, rng, noise=1.0)
    trend = LinearTrend.fit(features, scores)
    samples = trend.draw(40_000, rng)(features[:5])
    mean, variance = trend.predict(features[:5])
    assert samples.mean(axis=0) == pytest.approx(mean, abs=0.05)
    assert samples.var(axis=0) == pytest.approx(variance, rel=0.05)


def test_it_goes_on_where_no_point_was(fitted):
    gp, features, scores = fitted
    far = np.array([[40.0, 0.0, 3.0, 1.0]])  # thirteen times the largest seen so far on average
    mean, variance = gp.predict(far)
    assert abs(mean[0] - 80.0) < 4.0
    assert variance[0] > gp.predict(features[:1])[1][0]
    plain = SparseGP(CONFIG).fit(features, scores, seed=0)
    assert plain.predict(far)[0][0] < 40.0  # a kernel alone returns to the mean


def test_the_rest_is_left_to_the_gaussian_process(rng):
    # The first column is about the whole, and the trend does not read it.
    features = rng.uniform(-2, 2, size=(200, 2))
    scores = 3 * features[:, 1] + np.sin(4 * features[:, 0])
    gp = TrendGP(SparseGP(CONFIG), 1).fit(features[:150], scores[:150], seed=0)
    rmse, _ = gp.score(features[150:], scores[150:])
    assert rmse < 0.1 < np.std(np.sin(4 * features))


def test_a_score_that_has_a_limit_is_read_off_the_trend(rng):
    counts = rng.poisson(2.0, size=(300, 3)).astype(float)
    scores = np.minimum(counts @ [1.0, 2.0, 1.0], 9.0)
    gp = TrendGP(SparseGP(CONFIG), 0).fit(counts[:200], scores[:200], seed=0)
    rmse, _ = gp.score(counts[200:], scores[200:])
    mean, _ = LinearTrend.fit(counts[:200], scores[:200]).predict(counts[200:])
    assert rmse < 0.5 * np.sqrt(np.mean((mean - scores[200:]) ** 2))


def test_a_draw_is_one_trend_for_all_that_is_asked(fitted):
    gp, _, _ = fitted
    one = gp.draw(np.random.default_rng(3))
    far = np.array([[40.0, 0.0, 0.0, 1.0], [40.0, 0.0, 0.0, 1.0]])
    first, second = one(far)
    many = [gp.draw(np.random.default_rng(i))(far[:1])[0] for i in range(200)]
    assert abs(first - second) < 3 * np.std(many)
    mean, variance = gp.predict(far[:1])
    assert np.mean(many) == pytest.approx(mean[0], abs=4 * np.sqrt(variance[0] / 200))


def test_joint_samples_have_the_posteriors_moments(fitted, rng):
    gp, features, _ = fitted
    samples = gp.sample(features[:4], 20_000, rng)
    mean, variance = gp.predict(features[:4])
    assert samples.mean(axis=0) == pytest.approx(mean, abs=0.05)
    assert samples.var(axis=0) == pytest.approx(variance, rel=0.1, abs=1e-4)


def test_new_points_move_the_trend(fitted):
    gp, features, scores = fitted
    gp = TrendGP(SparseGP(CONFIG), 0).set_state(gp.get_state()).attach(features, scores)
    far = np.array([[0.0, 30.0, 0.0, 1.0]])
    before = gp.predict(far)[0][0]
    gp.update(np.concatenate([features, far]), np.append(scores, 30.0))
    assert gp.predict(far)[0][0] > before + 20


def test_state_comes_back_bit_for_bit(fitted):
    gp, features, _ = fitted
    again = TrendGP(SparseGP(CONFIG), 0).set_state(gp.get_state())
    for one, other in zip(gp.predict(features), again.predict(features), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_state_of_another_surrogate_is_refused(fitted):
    _, features, scores = fitted
    plain = SparseGP(replace(CONFIG, iterations=0)).fit(features, scores, seed=0)
    with pytest.raises(UserError, match="no trend"):
        TrendGP(SparseGP(CONFIG), 0).set_state(plain.get_state())


def test_the_state_of_other_features_is_refused(fitted):
    gp, features, scores = fitted
    again = TrendGP(SparseGP(CONFIG), 0).set_state(gp.get_state())
    with pytest.raises(UserError, match="reads 4 counts of parts, this version of GMAE makes 3"):
        again.attach(features[:, :3], scores)
