"""Codes against the prior."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from gmae_tf.density import LatentDensity
from gmae_tf.errors import UserError
from gmae_tf.metrics.latent import (
    absolute_correlation,
    active_dimensions,
    mean_log_likelihood,
    prior_terms,
)
from gmae_tf.prior import GaussianMixture

PRIOR = GaussianMixture.one_hot(3, 4, 3.0)


def test_correlation_is_the_double_loop(rng: np.random.Generator):
    z = rng.normal(size=(500, 4)) @ rng.normal(size=(4, 4))
    found = absolute_correlation(z)
    pairs = [(i, j) for i in range(4) for j in range(4) if i != j]
    correlations = [abs(stats.pearsonr(z[:, i], z[:, j])[0]) for i, j in pairs]
    covariances = [abs(np.cov(z[:, i], z[:, j])[0, 1]) for i, j in pairs]
    assert found.correlation == pytest.approx(np.mean(correlations))
    assert found.covariance == pytest.approx(np.mean(covariances))
    assert found.correlation_gap == pytest.approx(found.correlation)
    assert found.active == 4


def test_independent_codes_reach_the_floor(rng: np.random.Generator):
    found = absolute_correlation(rng.normal(size=(1000, 60)))
    assert found.floor == pytest.approx(0.0252, abs=5e-5)
    assert found.correlation == pytest.approx(found.floor, rel=0.05)


def test_the_prior_itself_is_correlated_and_that_is_taken_off(rng: np.random.Generator):
    found = absolute_correlation(PRIOR.sample(100_000, rng), PRIOR)
    sigma = PRIOR.covariance()
    expected = np.abs(sigma[~np.eye(4, dtype=bool)]).mean()
    assert found.covariance == pytest.approx(expected, rel=0.05)
    assert found.correlation > 5 * found.correlation_gap
    assert found.correlation_gap < 2 * found.floor
    assert found.covariance_gap < 0.1 * expected


def test_dead_dimensions_are_left_out(rng: np.random.Generator):
    z = rng.normal(size=(400, 3))
    dead = np.concatenate([z, np.full((400, 1), 0.3), 1e-3 * z[:, :1]], axis=1)
    np.testing.assert_array_equal(active_dimensions(dead), [True, True, True, False, False])
    assert absolute_correlation(dead).correlation == absolute_correlation(z).correlation
    assert absolute_correlation(dead).active == 3


def test_with_a_prior_the_measure_of_active_is_its_variance(rng: np.random.Generator):
    z = rng.normal(size=(400, 2)) * 0.01
    assert active_dimensions(z).all()
    found = absolute_correlation(z, GaussianMixture.standard_normal(2))
    assert (found.active, found.correlation) == (0, 0.0)


def test_prior_samples_give_terms_of_one(rng: np.random.Generator):
    terms = prior_terms(PRIOR.sample(3000, rng), PRIOR, batch_size=50)
    assert set(terms) == {"ks", "covariance", "sliced"}
    for value in terms.values():
        assert value == pytest.approx(1, abs=0.25)


def test_terms_see_what_is_wrong(rng: np.random.Generator):
    z = PRIOR.sample(500, rng)
    shifted, stretched = prior_terms(z + 1, PRIOR), prior_terms(z * 1.5, PRIOR)
    assert shifted["ks"] > 5
    assert shifted["covariance"] < 1.5
    assert stretched["covariance"] > 5


def test_the_ks_term_is_that_of_scipy(rng: np.random.Generator):
    """N L + 1/(12 N) is the Cramer-von Mises statistic, with the midpoint target."""
    z, n = rng.normal(size=(50, 1)) + 0.4, 50
    term = prior_terms(z, GaussianMixture.standard_normal(1), batch_size=n, midpoint=True)["ks"]
    statistic = stats.cramervonmises(z[:, 0], "norm").statistic
    expected = (statistic - 1 / (12 * n)) / n / ((2 * n - 1) / (12 * n * n))
    assert term == pytest.approx(expected, rel=1e-4)


def test_batches_depend_on_the_seed_and_few_codes_make_one(rng: np.random.Generator):
    z = PRIOR.sample(300, rng)
    assert prior_terms(z, PRIOR, seed=1) == prior_terms(z, PRIOR, seed=1)
    assert prior_terms(z, PRIOR, seed=1)["ks"] != prior_terms(z, PRIOR, seed=2)["ks"]
    assert prior_terms(z[:40], PRIOR)["ks"] == pytest.approx(
        prior_terms(z[:40], PRIOR, batch_size=40, seed=5)["ks"], rel=1e-5
    )


def test_log_likelihood_is_per_code(rng: np.random.Generator):
    z = rng.normal(size=(1000, 2))
    expected = stats.multivariate_normal(np.zeros(2)).logpdf(z).mean()
    standard = GaussianMixture.standard_normal(2)
    assert mean_log_likelihood(standard, z) == pytest.approx(expected)
    fitted = LatentDensity("gaussian").fit(z)
    assert mean_log_likelihood(fitted, z) == pytest.approx(expected, abs=0.01)


def test_bad_codes_are_refused(rng: np.random.Generator):
    with pytest.raises(UserError, match="dimensions"):
        prior_terms(rng.normal(size=(100, 3)), PRIOR)
    with pytest.raises(UserError, match="finite"):
        absolute_correlation(np.full((5, 2), np.nan))
