"""The Gaussian mixture against scipy, tensorflow-probability and its own laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from keras import ops
from scipy import stats

from gmae_tf.errors import UserError
from gmae_tf.prior import GaussianMixture
from tests.oracles.mixtures import marginal_of_tensorflow_probability, of_tensorflow_probability
from tests.oracles.penalties import marginal_cdf
from tests.oracles.priors import any_mixture
from tests.oracles.tensors import tensor

SHAPES = ["spherical", "diagonal", "full"]
codes = hnp.arrays(np.float64, (5, 3), elements=st.floats(-50, 50))
seeds = st.integers(0, 2**31)


@pytest.mark.parametrize("shape", SHAPES)
def test_log_density_is_that_of_tensorflow_probability(shape: str, rng: np.random.Generator):
    prior = any_mixture(shape)
    z = rng.normal(scale=4.0, size=(200, prior.dim))
    expected = of_tensorflow_probability(prior).log_prob(z).numpy()
    np.testing.assert_allclose(prior.log_prob(z), expected, rtol=1e-11)


@pytest.mark.parametrize("shape", SHAPES)
def test_responsibilities_are_those_of_tensorflow_probability(shape: str, rng: np.random.Generator):
    prior = any_mixture(shape)
    z = rng.normal(scale=4.0, size=(200, prior.dim))
    expected = of_tensorflow_probability(prior).posterior_marginal(z).probs_parameter().numpy()
    np.testing.assert_allclose(prior.responsibilities(z), expected, rtol=1e-9, atol=1e-300)


@pytest.mark.parametrize("shape", SHAPES)
def test_marginals_are_those_of_tensorflow_probability(shape: str, rng: np.random.Generator):
    prior = any_mixture(shape)
    z = rng.normal(scale=4.0, size=(100, prior.dim))
    columns = [
        marginal_of_tensorflow_probability(prior, j).cdf(z[:, j]).numpy() for j in range(prior.dim)
    ]
    np.testing.assert_allclose(prior.marginal_cdf(z), np.stack(columns, axis=1), atol=1e-14)


@pytest.mark.parametrize("t", [-5.5, -8.0, -30.0])
def test_tails_keep_their_relative_precision(t: float):
    expected = stats.norm.cdf(t)
    assert expected > 0
    assert GaussianMixture.standard_normal(1).marginal_cdf([t])[0] == pytest.approx(
        expected, rel=1e-12, abs=0
    )


@pytest.mark.parametrize(
    ("dtype", "t", "precision"),
    [
        ("float64", -5.5, 1e-12),
        ("float64", -8.0, 1e-12),
        ("float64", -30.0, 1e-11),
        # 0.5 * (1 + erf) would be wrong by half at -5.5, and zero at -8.
        ("float32", -5.5, 1e-4),
        ("float32", -8.0, 1e-4),
    ],
)
def test_tails_of_tensors(dtype: str, t: float, precision: float):
    cdf = GaussianMixture.standard_normal(1).marginal_cdf(tensor([t], dtype))
    assert float(cdf[0]) == pytest.approx(stats.norm.cdf(t), rel=precision, abs=0)


def test_the_density_far_from_every_component_is_exact():
    prior = GaussianMixture([[0.0], [1.0]], [1.0, 4.0], [0.3, 0.7])
    far = 1000.0  # the density itself is zero in float64
    expected = np.log(0.7) + stats.norm(1, 2).logpdf(far)
    assert prior.log_prob([[far]])[0] == pytest.approx(expected, rel=1e-14)
    np.testing.assert_array_equal(prior.responsibilities([[far]]), [[0.0, 1.0]])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("dtype", "precision"), [("float64", 1e-15), ("float32", 2e-7)])
def test_tensors_and_arrays_give_equal_marginals(
    shape: str, dtype: str, precision: float, rng: np.random.Generator
):
    prior = any_mixture(shape)
    z = rng.normal(scale=3.0, size=(2, 50, prior.dim))  # leading axes are free
    cdf = prior.marginal_cdf(tensor(z, dtype))
    np.testing.assert_allclose(ops.convert_to_numpy(cdf), prior.marginal_cdf(z), atol=precision)
    assert ops.convert_to_numpy(cdf).dtype == dtype


def test_marginals_are_the_sum_over_components_although_equal_ones_are_merged(
    rng: np.random.Generator,
):
    prior = GaussianMixture.one_hot(3, 5, mean_scale=2.0, variance=0.5)
    z = rng.normal(size=(4, 5))
    expected = [[marginal_cdf(t, j, prior) for j, t in enumerate(row)] for row in z]
    np.testing.assert_allclose(prior.marginal_cdf(z), expected, atol=1e-15)


@pytest.mark.parametrize("shape", SHAPES)
def test_samples_have_the_mean_the_covariance_and_the_marginals(
    shape: str, rng: np.random.Generator
):
    prior = any_mixture(shape)
    z = prior.sample(100_000, rng)
    spread = np.sqrt(np.diag(prior.covariance()))
    assert (np.abs(z.mean(axis=0) - prior.mean()) < 5 * spread / np.sqrt(len(z))).all()
    scale = np.outer(spread, spread)
    np.testing.assert_allclose(np.cov(z.T) / scale, prior.covariance() / scale, atol=0.03)
    for j in range(prior.dim):
        test = stats.kstest(z[:, j], lambda t, j=j: prior.marginal_cdf(_column(t, j, prior))[:, j])
        assert test.pvalue > 1e-4


def _column(t: np.ndarray, j: int, prior: GaussianMixture) -> np.ndarray:
    z = np.zeros((len(t), prior.dim))
    z[:, j] = t
    return z


def test_mean_and_covariance_of_one_hot_means_by_hand():
    prior = GaussianMixture.one_hot(2, 2)
    np.testing.assert_allclose(prior.mean(), [0.5, 0.5])
    np.testing.assert_allclose(prior.covariance(), [[1.25, -0.25], [-0.25, 1.25]])


def test_the_standard_normal_is_one_component():
    prior = GaussianMixture.standard_normal(3)
    assert (prior.n_components, prior.dim) == (1, 3)
    np.testing.assert_array_equal(prior.covariance(), np.eye(3))
    z = np.array([[0.1, -2.0, 3.0]])
    assert prior.log_prob(z)[0] == pytest.approx(stats.norm.logpdf(z).sum(), rel=1e-14)


def test_a_number_a_vector_and_matrices_say_the_same_covariance():
    means = np.arange(6.0).reshape(2, 3)
    given_as = [2.0, [2.0, 2.0], np.full((2, 3), 2.0), np.stack([2 * np.eye(3)] * 2)]
    for covariances in given_as:
        np.testing.assert_array_equal(
            GaussianMixture(means, covariances).covariances, np.stack([2 * np.eye(3)] * 2)
        )


def test_weights_are_normalised():
    np.testing.assert_allclose(GaussianMixture([[0.0], [1.0]], 1.0, [1, 3]).weights, [0.25, 0.75])


def test_a_prior_does_not_follow_the_array_it_was_made_of():
    means, covariances = np.zeros((2, 2)), np.stack([np.eye(2)] * 2)
    prior = GaussianMixture(means, covariances)
    means += 7.0
    covariances *= 3.0
    np.testing.assert_array_equal(prior.mean(), [0.0, 0.0])
    np.testing.assert_array_equal(prior.covariance(), np.eye(2))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (([[np.nan]],), "means must be finite"),
        ((np.zeros((1, 2, 3)),), "means must be finite and of shape"),
        (([[0.0], [1.0]], 1.0, [1.0]), "weights must be 2 positive numbers"),
        (([[0.0], [1.0]], 1.0, [1.0, 0.0]), "weights must be 2 positive numbers"),
        (([[0.0, 0.0]], [1.0, 1.0, 1.0]), "covariances of shape"),
        (([[0.0, 0.0]], -1.0), "positive definite"),
        (([[0.0, 0.0]], [[[1.0, 2.0], [2.0, 1.0]]]), "positive definite"),
        (([[0.0, 0.0]], [[[1.0, 0.5], [0.0, 1.0]]]), "symmetric"),
    ],
)
def test_what_is_no_mixture_is_refused(arguments: tuple, sentence: str):
    with pytest.raises(UserError, match=sentence):
        GaussianMixture(*arguments)


def test_more_one_hot_means_than_axes_are_refused():
    with pytest.raises(UserError, match="11 components do not fit in 10 dimensions"):
        GaussianMixture.one_hot(11, 10)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_configuration_gives_the_mixture_back(shape: str, rng: np.random.Generator):
    prior = any_mixture(shape)
    again = GaussianMixture.from_config(prior.get_config())
    z = rng.normal(size=(10, prior.dim))
    np.testing.assert_allclose(again.log_prob(z), prior.log_prob(z), rtol=1e-14)


@given(codes, seeds)
@settings(max_examples=40, deadline=None)
def test_marginals_rise_from_zero_to_one(z: np.ndarray, seed: int):
    prior = any_mixture("diagonal", k=4, d=3, seed=seed)
    cdf = prior.marginal_cdf(np.sort(z, axis=0))
    assert (cdf >= 0).all()
    assert (cdf <= 1 + 1e-15).all()
    assert (np.diff(cdf, axis=0) >= -1e-15).all()


@given(codes, seeds)
@settings(max_examples=40, deadline=None)
def test_responsibilities_sum_to_one(z: np.ndarray, seed: int):
    responsibilities = any_mixture("full", k=4, d=3, seed=seed).responsibilities(z)
    assert (responsibilities >= 0).all()
    np.testing.assert_allclose(responsibilities.sum(axis=1), 1.0, rtol=1e-12)


@given(codes, seeds, st.permutations(range(4)))
@settings(max_examples=40, deadline=None)
def test_the_order_of_components_means_nothing(z: np.ndarray, seed: int, order: list[int]):
    prior = any_mixture("full", k=4, d=3, seed=seed)
    shuffled = GaussianMixture(prior.means[order], prior.covariances[order], prior.weights[order])
    np.testing.assert_allclose(shuffled.log_prob(z), prior.log_prob(z), rtol=1e-12)
    np.testing.assert_allclose(shuffled.marginal_cdf(z), prior.marginal_cdf(z), atol=1e-15)
    np.testing.assert_allclose(shuffled.covariance(), prior.covariance(), rtol=1e-9, atol=1e-12)


def test_a_seed_draws_as_its_generator_does():
    prior = GaussianMixture.one_hot(2, 3)
    np.testing.assert_array_equal(prior.sample(5, 7), prior.sample(5, np.random.default_rng(7)))


def test_a_mixture_has_a_component():
    with pytest.raises(UserError, match="n_components is 0"):
        GaussianMixture.one_hot(0, 3)


def test_the_cdf_of_tensors_needs_no_erfc_of_keras(monkeypatch):
    prior = GaussianMixture.one_hot(3, 4)
    z = np.random.default_rng(0).normal(size=(50, 4))
    monkeypatch.delattr(ops, "erfc", raising=False)  # Keras 3.12, for Python 3.10, has none
    found = ops.convert_to_numpy(prior.marginal_cdf(tensor(z, "float32")))
    np.testing.assert_allclose(found, prior.marginal_cdf(z), atol=1e-6)
