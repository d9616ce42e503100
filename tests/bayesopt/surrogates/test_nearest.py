"""The nearest-neighbour Gaussian process against scikit-learn's exact one, and in a search."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern

from bayesopt.surrogates.base import SurrogateConfig
from bayesopt.surrogates.nearest import NearestGP
from gmae_tf.errors import UserError
from tests.bayesopt.toy import CountingScore, grid_data, grid_search

CONFIG = SurrogateConfig(method="nearest", kernel="matern52", neighbours=80, iterations=40)
QUICK = replace(CONFIG, neighbours=20, iterations=5)


def toy(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    codes = rng.normal(2.0, 3.0, (n, 3))
    return codes, 5 * np.sin(codes[:, 0]) + codes[:, 1] + 0.3 * rng.normal(size=n)


@pytest.fixture(scope="module")
def fitted() -> NearestGP:
    return NearestGP(CONFIG).fit(*toy(80), seed=0)


def test_with_all_points_as_neighbours_it_is_the_exact_process(fitted):
    codes, scores = toy(80)
    scale, variance, noise = np.exp(fitted.get_state()["parameters"])
    mean, unit = scores.mean(), scores.std()
    kernel = ConstantKernel(variance) * Matern(scale, nu=2.5)
    exact = GaussianProcessRegressor(kernel, alpha=noise + 1e-6, optimizer=None)
    x = (codes - codes.mean(axis=0)) / codes.std(axis=0)
    exact.fit(x, (scores - mean) / unit)
    new, _ = toy(20, seed=1)
    expected, sd = exact.predict((new - codes.mean(axis=0)) / codes.std(axis=0), return_std=True)
    found, found_variance = fitted.predict(new)
    np.testing.assert_allclose(found, mean + unit * expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(found_variance, (unit * sd) ** 2, rtol=1e-4, atol=1e-8)


def test_far_from_all_data_it_knows_nothing(fitted):
    _, scores = toy(80)
    mean, variance = fitted.predict(np.full((1, 3), 1e4))
    assert mean[0] == pytest.approx(scores.mean())
    assert variance[0] > 0.3 * scores.var()


@pytest.mark.slow
def test_more_data_predict_better():
    test = toy(300, seed=9)
    errors = [NearestGP(CONFIG).fit(*toy(n), seed=0).score(*test)[0] for n in (60, 2000)]
    assert errors[1] < 0.6 * errors[0]
    assert errors[1] < 0.25 * test[1].std()


def test_the_likelihood_is_that_of_the_predictions(fitted):
    codes, scores = toy(50, seed=3)
    mean, variance = fitted.predict_y(codes)
    expected = np.mean(-0.5 * np.log(2 * np.pi * variance) - (scores - mean) ** 2 / variance / 2)
    assert fitted.score(codes, scores)[1] == pytest.approx(expected)


def test_a_restored_state_with_its_data_predicts_the_same(fitted):
    new, _ = toy(10, seed=5)
    again = NearestGP(CONFIG).set_state(fitted.get_state()).attach(*toy(80))
    for one, other in zip(fitted.predict(new), again.predict(new), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_foreign_state_is_refused(fitted):
    state = {**fitted.get_state(), "parameters": np.ones(5)}
    with pytest.raises(UserError, match="does not fit this configuration"):
        NearestGP(CONFIG).set_state(state)


def test_samples_have_the_posterior_moments(fitted, rng):
    new, _ = toy(4, seed=6)
    mean, variance = fitted.predict(new)
    draws = fitted.sample(new, 20_000, rng)
    np.testing.assert_allclose(draws.mean(axis=0), mean, atol=4 * np.sqrt(variance / 20_000).max())
    np.testing.assert_allclose(draws.var(axis=0), variance, rtol=0.06)


def test_a_search_with_it_resumes_as_if_it_had_not_stopped(tmp_path):
    score = CountingScore()
    whole = grid_search(None, QUICK).run(score, 10, vectorized=True)
    for budget in (5, 10):
        parts = grid_search(tmp_path / "parts.sqlite", QUICK)
        parts.run(score, budget, vectorized=True)
    assert [t.string for t in parts.trials] == [t.string for t in whole.trials]
    assert whole.best(1).value[0] < np.median(grid_data().values)


def test_expected_improvement_is_refused_for_want_of_covariances():
    with pytest.raises(UserError, match="--strategy ei needs covariances"):
        grid_search(None, QUICK, strategy="ei").ask(5)
