"""The regulariser: published vectors, loops, scipy, closed forms, gradients, laws."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from keras import ops
from scipy import stats

from gmae_tf.errors import UserError
from gmae_tf.penalties import (
    GaussianMixturePenalty,
    NormPenalty,
    covariance_distance,
    expected_covariance_distance,
    expected_ks_distance,
    ks_distance,
    sliced_distance,
    weighted_sum,
)
from gmae_tf.prior import GaussianMixture
from tests.oracles import penalties as oracle
from tests.oracles.priors import any_mixture
from tests.oracles.tensors import gradient, tensor

SHAPES = ["spherical", "diagonal", "full"]
PRECISION = [("float32", 1e-6), ("float64", 1e-12)]
# Prior, codes, L_KS, L_CV.
VECTORS = [
    (GaussianMixture.standard_normal(1), [[0.0], [0.0]], 0.125, 1.0),
    (
        GaussianMixture.one_hot(2, 2),
        [[-1.0, 2.0], [0.0, 0.0], [1.5, -1.0]],
        0.06479706794920352,
        0.5054012345679012,
    ),
]
PAPER = GaussianMixture.one_hot(10, 10)


@pytest.mark.parametrize(("dtype", "precision"), PRECISION)
@pytest.mark.parametrize(("prior", "z", "ks", "covariance"), VECTORS)
def test_known_values(prior, z, ks, covariance, dtype, precision):
    z = tensor(z, dtype)
    assert float(ks_distance(z, prior)) == pytest.approx(ks, abs=precision)
    assert float(covariance_distance(z, prior)) == pytest.approx(covariance, abs=precision)


@pytest.mark.parametrize("midpoint", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("dtype", "precision"), PRECISION)
def test_distances_are_those_of_double_loops(shape, dtype, precision, midpoint, rng):
    prior = any_mixture(shape)
    z = rng.normal(scale=1.5, size=(12, prior.dim)).astype(dtype)
    directions = np.linalg.qr(rng.normal(size=(4, 4)))[0][:, :3].astype(dtype)
    t, u = tensor(z, dtype), tensor(directions, dtype)
    wide, precise = z.astype(np.float64), {"rel": 10 * precision}
    assert float(ks_distance(t, prior, midpoint)) == pytest.approx(
        oracle.ks_distance(wide, prior, midpoint), **precise
    )
    assert float(covariance_distance(t, prior)) == pytest.approx(
        oracle.covariance_distance(wide, prior), **precise
    )
    assert float(sliced_distance(t, prior, u, midpoint)) == pytest.approx(
        oracle.sliced_distance(wide, prior, directions.astype(np.float64), midpoint), **precise
    )


def test_the_midpoint_distance_is_the_cramer_von_mises_statistic(rng):
    z = rng.normal(loc=0.3, size=(40, 3))
    prior = GaussianMixture.standard_normal(3)
    statistics = [stats.cramervonmises(column, "norm").statistic for column in z.T]
    distance = float(ks_distance(tensor(z, "float64"), prior, midpoint=True))
    assert len(z) * distance + 1 / (12 * len(z)) == pytest.approx(np.mean(statistics), rel=1e-12)


@pytest.mark.parametrize("midpoint", [False, True])
def test_slices_along_the_axes_are_the_marginals(midpoint, rng):
    prior = any_mixture("full")
    z, axes = tensor(rng.normal(size=(20, 4)), "float64"), tensor(np.eye(4), "float64")
    assert float(sliced_distance(z, prior, axes, midpoint)) == pytest.approx(
        float(ks_distance(z, prior, midpoint)), rel=1e-12
    )


def test_ks_weights_by_batch_size():
    sizes = [3, 50, 64, 100, 128, 256, 500, 1000]
    weights = [1 / expected_ks_distance(n) for n in sizes]
    published = [13.5, 294.118, 378.092, 594.0594, 762.047, 1530.02, 2994.01, 5994.01]
    np.testing.assert_allclose(weights, published, rtol=3e-6)
    assert expected_ks_distance(100, midpoint=True) == pytest.approx(199 / 120_000, rel=1e-14)


@pytest.mark.parametrize(
    ("prior", "weight"),
    [
        (PAPER, 77.31830),
        (GaussianMixture.one_hot(10, 100), 98.22492),
        (GaussianMixture.one_hot(20, 64), 96.55432),
        (GaussianMixture([[3.0, 3.0], [-3.0, -3.0]]), 3.254806),
    ],
)
def test_covariance_weights_of_the_published_priors(prior, weight):
    assert 1 / expected_covariance_distance(prior, 100) == pytest.approx(weight, rel=2e-7)


@pytest.mark.parametrize("n", [2, 7, 50])
def test_expected_covariance_distance_from_fourth_moments_one_by_one(n):
    prior = any_mixture("full")
    sigma, offset = prior.covariance(), prior.means - prior.mean()
    expected = np.zeros_like(sigma)
    for i, j in np.ndindex(*sigma.shape):
        fourth = sum(
            w
            * (
                c[i, i] * c[j, j] + 2 * c[i, j] ** 2 + c[i, i] * d[j] ** 2 + c[j, j] * d[i] ** 2
                + 4 * c[i, j] * d[i] * d[j] + d[i] ** 2 * d[j] ** 2
            )
            for w, c, d in zip(prior.weights, prior.covariances, offset, strict=True)
        )  # fmt: skip
        unbiased = (
            fourth - (n - 2) / (n - 1) * sigma[i, j] ** 2 + sigma[i, i] * sigma[j, j] / (n - 1)
        ) / n
        expected[i, j] = ((n - 1) / n) ** 2 * unbiased + sigma[i, j] ** 2 / n**2
    assert expected_covariance_distance(prior, n) == pytest.approx(expected.mean(), rel=1e-12)


@pytest.mark.parametrize("midpoint", [False, True])
@pytest.mark.parametrize("prior", [any_mixture("full"), PAPER], ids=["unequal", "paper"])
def test_terms_average_one_on_prior_samples(prior, midpoint, rng):
    penalty = GaussianMixturePenalty(prior, midpoint=midpoint)
    directions = np.linalg.qr(rng.normal(size=(prior.dim, prior.dim)))[0][:, :3]

    def terms(z):
        sliced = sliced_distance(z, prior, tensor(directions, "float32"), midpoint)
        return {**penalty(z), "sliced": sliced / expected_ks_distance(20, midpoint)}

    z = prior.sample(1000 * 20, rng).reshape(1000, 20, prior.dim)
    for name, values in ops.vectorized_map(terms, tensor(z, "float32")).items():
        values = ops.convert_to_numpy(values)
        error = values.std() / np.sqrt(len(values))
        assert abs(values.mean() - 1) < 4 * error, name
        assert error < 0.06, name


@pytest.mark.parametrize("shape", SHAPES)
def test_gradients_are_the_published_formulas(shape, rng):
    prior = any_mixture(shape)
    z = rng.normal(scale=1.5, size=(7, prior.dim))
    t = tensor(z, "float64")
    np.testing.assert_allclose(
        gradient(lambda c: ks_distance(c, prior), t),
        oracle.ks_gradient(z, prior),
        rtol=1e-10,
        atol=1e-15,
    )
    np.testing.assert_allclose(
        gradient(lambda c: covariance_distance(c, prior), t),
        oracle.covariance_gradient(z, prior),
        rtol=1e-10,
        atol=1e-15,
    )


@pytest.mark.parametrize("midpoint", [False, True])
def test_gradients_agree_with_finite_differences(midpoint, rng):
    prior = any_mixture("full", k=2, d=3)
    z = rng.normal(size=(5, 3))
    directions = tensor(np.linalg.qr(rng.normal(size=(3, 3)))[0], "float64")

    def loss(codes):
        return (
            ks_distance(codes, prior, midpoint) / expected_ks_distance(5, midpoint)
            + covariance_distance(codes, prior) / expected_covariance_distance(prior, 5)
            + sliced_distance(codes, prior, directions, midpoint)
        )

    numeric = oracle.finite_differences(lambda a: float(loss(tensor(a, "float64"))), z)
    automatic = gradient(loss, tensor(z, "float64"))
    np.testing.assert_allclose(automatic, numeric, atol=1e-8 * np.abs(numeric).max())


def test_a_dead_encoder_has_a_finite_penalty_and_gradient():
    penalty = GaussianMixturePenalty(PAPER, sliced=1.0)
    z = tensor(np.zeros((20, 10)), "float32")
    assert np.isfinite(gradient(lambda c: weighted_sum(penalty, penalty(c)), z)).all()


batches = hnp.arrays(np.float32, (6, 3), elements=st.floats(-8, 8, width=32))


@given(batches, st.permutations(range(6)))
@settings(max_examples=25, deadline=None)
def test_the_order_of_a_batch_means_nothing(z, order):
    prior = any_mixture("full", d=3)
    penalty = GaussianMixturePenalty(prior)
    once, again = penalty(tensor(z, "float32")), penalty(tensor(z[order], "float32"))
    for name in once:
        assert float(again[name]) == pytest.approx(float(once[name]), rel=1e-3, abs=1e-5)


@given(batches)
@settings(max_examples=25, deadline=None)
def test_a_mean_squared_gap_of_probabilities_is_between_zero_and_one(z):
    for midpoint in (False, True):
        distance = float(ks_distance(tensor(z, "float32"), any_mixture("full", d=3), midpoint))
        assert 0 <= distance <= 1


def test_covariance_is_blind_to_a_shift_and_ks_is_not(rng):
    z = rng.normal(size=(30, 4))
    prior = GaussianMixture.standard_normal(4)
    near, far = tensor(z, "float64"), tensor(z + 5.0, "float64")
    assert float(covariance_distance(far, prior)) == pytest.approx(
        float(covariance_distance(near, prior)), rel=1e-12
    )
    assert float(ks_distance(far, prior)) > 10 * float(ks_distance(near, prior))


def test_only_the_midpoint_target_is_symmetric(rng):
    z = rng.normal(size=(10, 2))
    prior = GaussianMixture.standard_normal(2)
    plus, minus = tensor(z, "float64"), tensor(-z, "float64")
    assert float(ks_distance(plus, prior, midpoint=True)) == pytest.approx(
        float(ks_distance(minus, prior, midpoint=True)), rel=1e-12
    )
    assert float(ks_distance(plus, prior)) != pytest.approx(float(ks_distance(minus, prior)))


def test_the_sliced_term_sees_modes_at_all_the_wrong_corners(rng):
    corners = np.array([[i, j, k] for i in (-4, 4) for j in (-4, 4) for k in (-4, 4)], float)
    even = corners[(corners < 0).sum(axis=1) % 2 == 0]
    odd = corners[(corners < 0).sum(axis=1) % 2 == 1]
    penalty = GaussianMixturePenalty(GaussianMixture(even), sliced=1.0)

    def average(prior):
        rows = [
            {name: float(value) for name, value in penalty(tensor(z, "float32")).items()}
            for z in prior.sample(60 * 100, rng).reshape(60, 100, 3)
        ]
        return {name: np.mean([row[name] for row in rows]) for name in rows[0]}

    right, wrong = average(GaussianMixture(even)), average(GaussianMixture(odd))
    for name in ("ks", "covariance"):  # marginals and covariances of the two are the same
        assert 0.6 < right[name] < 1.6
        assert 0.6 < wrong[name] < 1.6
    assert wrong["sliced"] / right["sliced"] > 3


def test_directions_change_from_batch_to_batch_and_repeat_with_the_seed(rng):
    z = tensor(rng.normal(size=(10, 10)), "float32")
    penalty = GaussianMixturePenalty(PAPER, ks=0, covariance=0, sliced=1.0, seed=3)
    values = [float(penalty(z)["sliced"]) for _ in range(3)]
    assert len(set(values)) == 3
    again = GaussianMixturePenalty(PAPER, ks=0, covariance=0, sliced=1.0, seed=3)
    assert [float(again(z)["sliced"]) for _ in range(3)] == values


def test_a_term_of_weight_zero_is_not_computed(rng):
    z = tensor(rng.normal(size=(10, 10)), "float32")
    assert set(GaussianMixturePenalty(PAPER)(z)) == {"ks", "covariance"}
    assert set(GaussianMixturePenalty(PAPER, covariance=0)(z)) == {"ks"}
    assert set(GaussianMixturePenalty(PAPER, ks=0, covariance=0, sliced=2.0)(z)) == {"sliced"}


def test_weights_multiply_the_terms(rng):
    z = tensor(rng.normal(size=(10, 10)), "float32")
    penalty = GaussianMixturePenalty(PAPER, ks=2.0, covariance=0.5)
    terms = penalty(z)
    expected = 2 * float(terms["ks"]) + 0.5 * float(terms["covariance"])
    assert float(weighted_sum(penalty, terms)) == pytest.approx(expected, rel=1e-6)


def test_codes_of_another_dimension_than_the_prior_are_refused():
    # A one-dimensional prior would otherwise be broadcast over every coordinate in silence.
    with pytest.raises(UserError, match=r"codes have 5 dimensions .* prior has 1"):
        GaussianMixturePenalty(GaussianMixture.standard_normal(1))(
            tensor(np.ones((4, 5)), "float32")
        )


@pytest.mark.parametrize(
    "penalty",
    [
        GaussianMixturePenalty(any_mixture("full"), 0.5, 2.0, 1.5, 7, midpoint=True, seed=4),
        GaussianMixturePenalty(any_mixture("diagonal"), ks=3.0),
        NormPenalty(0.25),
    ],
)
def test_the_configuration_gives_the_penalty_back(penalty, rng):
    described = keras.saving.serialize_keras_object(penalty)
    again = keras.saving.deserialize_keras_object(described)
    before, after = penalty.get_config(), again.get_config()
    assert before.pop("prior", {}).keys() == after.pop("prior", {}).keys()
    assert after == before
    assert again.weights == penalty.weights
    z = tensor(rng.normal(size=(9, 4)), "float32")
    once, twice = penalty(z), again(z)
    assert {n: float(v) for n, v in twice.items()} == pytest.approx(
        {n: float(v) for n, v in once.items()}, rel=1e-6
    )


def test_the_norm_penalty_is_half_the_mean_squared_norm(rng):
    z = rng.normal(size=(9, 4))
    [(name, term)] = NormPenalty()(tensor(z, "float32")).items()
    assert name == "norm"
    assert float(ops.convert_to_numpy(term)) == pytest.approx(
        np.mean([code @ code / 2 for code in z]), rel=1e-6
    )
