"""Densities fitted after training."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from gmae_tf.density import LatentDensity
from gmae_tf.errors import UserError
from gmae_tf.prior import GaussianMixture

KINDS = ["gaussian", "mixture", "kde"]
MODES = GaussianMixture([[-4.0, 0.0], [4.0, 1.0]], 0.5, [0.3, 0.7])


@pytest.fixture
def codes(rng: np.random.Generator) -> np.ndarray:
    return MODES.sample(2000, rng)


def test_one_gaussian_is_that_of_scipy(codes: np.ndarray):
    density = LatentDensity("gaussian").fit(codes)
    expected = stats.multivariate_normal(codes.mean(axis=0), np.cov(codes.T, bias=True))
    np.testing.assert_allclose(density.log_prob(codes), expected.logpdf(codes), rtol=1e-4)


def test_a_mixture_finds_the_density_that_made_the_codes(
    codes: np.ndarray, rng: np.random.Generator
):
    fresh = MODES.sample(5000, rng)
    truth = MODES.log_prob(fresh).mean()
    mixture = LatentDensity(n_components=2).fit(codes).log_prob(fresh).mean()
    gaussian = LatentDensity("gaussian").fit(codes).log_prob(fresh).mean()
    assert mixture == pytest.approx(truth, abs=0.02)
    assert gaussian < truth - 0.5


@pytest.mark.parametrize("kind", KINDS)
def test_samples_follow_the_density(kind: str, codes: np.ndarray, rng: np.random.Generator):
    density = LatentDensity(kind).fit(codes)
    drawn = density.sample(3000, rng)
    assert drawn.shape == (3000, 2)
    np.testing.assert_allclose(drawn.mean(axis=0), codes.mean(axis=0), atol=0.3)
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(codes.T), rtol=0.15, atol=0.3)
    # Not in the order of components: any stretch of samples is a sample.
    assert abs(drawn[:500, 0].mean() - drawn[-500:, 0].mean()) < 0.8


@pytest.mark.parametrize("kind", KINDS)
def test_samples_repeat_with_the_generator_and_move_on_with_it(kind: str, codes: np.ndarray):
    density = LatentDensity(kind).fit(codes[:200])
    rng = np.random.default_rng(7)
    first, second = density.sample(10, rng), density.sample(10, rng)
    np.testing.assert_array_equal(first, density.sample(10, np.random.default_rng(7)))
    assert not np.array_equal(first, second)


def test_the_kernel_density_has_modes_where_codes_are(codes: np.ndarray):
    density = LatentDensity("kde").fit(codes)
    here, between = density.log_prob([[4.0, 1.0], [0.0, 0.5]])
    assert here > between + 2


def test_few_codes_make_fewer_components(rng: np.random.Generator):
    density = LatentDensity("mixture", n_components=10).fit(rng.normal(size=(4, 2)))
    assert np.isfinite(density.log_prob([[0.0, 0.0]])).all()


def test_many_codes_are_thinned_by_the_seed(codes: np.ndarray):
    point = [[0.0, 0.0]]
    whole = LatentDensity("gaussian").fit(codes)
    thinned = [LatentDensity("gaussian", max_codes=500).fit(codes, s).log_prob(point)
               for s in (0, 0, 1)]  # fmt: skip
    assert thinned[0] == thinned[1] != thinned[2]
    assert thinned[0] == pytest.approx(whole.log_prob(point), abs=0.5)


def test_an_unknown_kind_is_refused():
    with pytest.raises(UserError, match="gausian"):
        LatentDensity("gausian")  # type: ignore[arg-type]


def test_an_unfitted_density_is_refused(rng: np.random.Generator):
    for question in (lambda d: d.sample(3, rng), lambda d: d.log_prob([[0.0]])):
        with pytest.raises(UserError, match="fit"):
            question(LatentDensity())


@pytest.mark.parametrize("kind", ["gaussian", "mixture"])
def test_parameters_are_the_same_density(kind: str, codes: np.ndarray):
    density = LatentDensity(kind, 3).fit(codes)
    np.testing.assert_allclose(density.parameters().log_prob(codes), density.log_prob(codes))


def test_a_kernel_density_has_no_parameters(codes: np.ndarray):
    with pytest.raises(UserError, match="fit a mixture"):
        LatentDensity("kde").fit(codes).parameters()


def test_the_published_mixture_is_the_default(codes: np.ndarray):
    estimator = LatentDensity().fit(codes)._estimator
    assert (estimator.n_components, estimator.covariance_type) == (10, "full")
    assert (estimator.max_iter, estimator.tol) == (2000, 1e-3)


def test_the_kernel_density_is_that_of_scipy(codes: np.ndarray):
    """Its bandwidth is a length: the same for codes of equal spread in all directions."""
    few = codes[:300, :1]
    found = LatentDensity("kde", bandwidth=0.425).fit(few).log_prob(few)
    factor = 0.425 / few.std(ddof=1)
    expected = stats.gaussian_kde(few.T, factor).logpdf(few.T)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("rule", ["scott", "silverman"])
def test_a_rule_for_the_bandwidth_has_the_scale_of_the_codes(
    rule: str, codes: np.ndarray, rng: np.random.Generator
):
    few = codes[:300] @ np.array([[0.01, 0.3], [0.0, 5.0]])  # narrow, wide and correlated
    density = LatentDensity("kde", bandwidth=rule).fit(few)
    expected = stats.gaussian_kde(few.T, rule)
    near = few + 0.1 * few.std(axis=0) * rng.standard_normal(few.shape)
    np.testing.assert_allclose(density.log_prob(near), expected.logpdf(near.T), rtol=1e-6)
    drawn = density.sample(20_000, rng)
    wider = np.cov(few.T) + expected.covariance
    np.testing.assert_allclose(np.cov(drawn.T), wider, rtol=0.05)
    np.testing.assert_allclose(drawn.mean(axis=0), few.mean(axis=0), atol=0.05 * few.std())


def test_a_kernel_density_of_codes_without_width_stays_where_they_are(rng: np.random.Generator):
    flat = np.column_stack([rng.normal(size=50), np.full(50, 3.0)])
    drawn = LatentDensity("kde").fit(flat).sample(100, rng)
    np.testing.assert_allclose(drawn[:, 1], 3.0, atol=1e-4)


def test_only_the_kernel_density_is_thinned_by_default():
    assert LatentDensity("mixture").max_codes is None
    assert LatentDensity("kde").max_codes == 20_000
    assert LatentDensity("kde", max_codes=50).max_codes == 50


@pytest.mark.parametrize("kind", KINDS)
def test_broken_codes_are_refused(kind: str, codes: np.ndarray):
    for broken in (codes[:1], codes[:, 0], np.where(codes > 4, np.nan, codes)):
        with pytest.raises(UserError, match="finite codes"):
            LatentDensity(kind).fit(broken)
