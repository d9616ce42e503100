"""The plain autoencoder and the Gaussian-mixture one by name, with and without noise."""

from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from gmae_tf.models.noisy_codes import NoisyCodes
from gmae_tf.penalties import GaussianMixturePenalty, weighted_sum
from gmae_tf.prior import GaussianMixture


def test_the_plain_loss_is_reconstruction_alone(make_model, train, two_blobs):
    model = make_model("ae")
    expected = np.mean((model.reconstruct(two_blobs) - two_blobs) ** 2)
    found = float(model.compute_loss(ops.convert_to_tensor(two_blobs), None, model(two_blobs)))
    assert found == pytest.approx(expected, rel=1e-5)
    assert model.cluster_probs(two_blobs) is None
    logs = train(model, two_blobs, epochs=10)
    assert logs[-1]["val_reconstruction"] < 0.1 * expected
    assert {name for name in logs[-1] if name.startswith("val_")} == {
        "val_loss",
        "val_reconstruction",
    }


def test_the_recipe_reaches_prior_and_penalty(make_model, two_blobs):
    chosen = {"components": 3, "mean_scale": 5.0, "penalty": {"ks": 2.0}}
    model = make_model("gmae", latent_dim=4, reconstruction_weight=7.0, **chosen)
    prior = GaussianMixture.one_hot(3, 4, 5.0)
    np.testing.assert_array_equal(model.prior.means, prior.means)
    codes = model(two_blobs)["latent"]
    penalty = GaussianMixturePenalty(prior, seed=0, ks=2.0)
    squares = np.mean((model.reconstruct(two_blobs) - two_blobs) ** 2)
    expected = 7.0 * squares + float(weighted_sum(penalty, penalty(codes)))
    found = float(model.compute_loss(ops.convert_to_tensor(two_blobs), None, model(two_blobs)))
    assert found == pytest.approx(expected, rel=1e-4)
    assert model.method is None


def test_the_unimodal_one_has_a_standard_normal_prior(make_model, two_blobs):
    model = make_model("gmae-unimodal", components=5, latent_dim=3)
    np.testing.assert_array_equal(model.prior.means, np.zeros((1, 3)))
    np.testing.assert_array_equal(model.prior.covariances, np.eye(3)[None])
    assert model.penalty.prior is model.prior
    assert model.cluster_probs(two_blobs) is None


def test_two_groups_go_to_two_components(make_model, train, two_blobs):
    model = make_model("gmae", reconstruction_weight=0.1)
    logs = train(model, two_blobs, epochs=15, learning_rate=1e-2)
    assert logs[-1]["val_ks"] < 3.0
    assert logs[-1]["val_covariance"] < 3.0
    middle = model.encode(two_blobs).mean(axis=0)
    np.testing.assert_allclose(middle, model.prior.weights @ model.prior.means, atol=0.5)
    share = np.mean(model.cluster_probs(two_blobs).argmax(axis=1) == np.arange(1000) % 2)
    assert max(share, 1 - share) > 0.95


def test_noise_has_its_standard_deviation_and_only_in_training():
    noisy = NoisyCodes(3, 0.3, seed=1)
    codes = ops.ones((20_000, 3))
    added = ops.convert_to_numpy(noisy.sample_latent(codes, training=True)) - 1
    np.testing.assert_allclose(added.mean(axis=0), 0.0, atol=0.01)
    np.testing.assert_allclose(np.cov(added.T), 0.09 * np.eye(3), atol=0.005)
    assert noisy.sample_latent(codes, training=False) is codes
    assert noisy.latent_mean(codes) is codes
    assert not np.array_equal(
        added, ops.convert_to_numpy(noisy.sample_latent(codes, training=True)) - 1
    )


def test_the_decoder_sees_the_noise_and_the_penalty_does_not(make_model, two_blobs):
    model = make_model("gmae", latent_noise=0.5)
    found = model(two_blobs, training=True)
    off = ops.convert_to_numpy(found["drawn"] - found["latent"])
    assert off.std() == pytest.approx(0.5, rel=0.05)
    np.testing.assert_allclose(found["latent"], model.encode(two_blobs), atol=1e-5)
    np.testing.assert_allclose(found["reconstruction"], model.decoder(found["drawn"]), atol=1e-5)
    np.testing.assert_array_equal(found["latent"], model(two_blobs)["drawn"])


@pytest.mark.slow
def test_noise_in_training_makes_the_decoder_smooth(make_model, train, two_blobs):
    noise = np.random.default_rng(0).normal(0, 1.0, (1000, 2))
    errors = {}
    for std in (0.0, 1.0):
        model = make_model("gmae-unimodal", latent_noise=std)
        train(model, two_blobs, epochs=10)
        near = model.decode(model.encode(two_blobs) + noise)
        errors[std] = np.mean((near - two_blobs) ** 2)
    assert errors[1.0] < 0.9 * errors[0.0]
