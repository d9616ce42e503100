"""JointVAE: capacities that grow, codes of two parts."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import entropy

from gmae_tf.autoencoder import Batch


@pytest.mark.parametrize("balanced", [True, False])
def test_terms_are_distances_from_the_capacities_of_the_step(
    make_model, rng, balanced: bool
) -> None:
    options = {"capacity_z": 4.0, "capacity_c": 1.5, "growth": 0.5, "gamma": 7.0}
    options["balanced"] = balanced
    model = make_model("jointvae", components=3, steps=1_000_000, options=options)
    method = model.method
    encoded = rng.normal(size=(5, 7)).astype("float32")
    mean, log_variance = encoded[:, :2].astype(float), 10 * np.tanh(encoded[:, 2:4] / 10)
    gaussian = 0.5 * (mean**2 + np.exp(log_variance) - 1 - log_variance).sum(axis=1).mean()
    q = softmax(encoded[:, 4:], axis=1)
    categorical = entropy(q, np.full((5, 3), 1 / 3), axis=1).mean()
    imbalance = entropy(q.mean(axis=0), np.full(3, 1 / 3)) if balanced else 0.0
    assert method.term_weights == {"gaussian": 7.0, "categorical": 7.0}
    for step, share in ((0, 0.0), (250_000, 0.5), (500_000, 1.0), (900_000, 1.0)):
        method.steps.count.assign(float(step))
        found = method.loss_terms(Batch(model, None, encoded, None, None, training=True))
        information = abs(categorical - imbalance - min(1.5 * share, np.log(3)))
        expected = abs(gaussian - 4.0 * share), information + imbalance
        assert float(found["gaussian"]) == pytest.approx(expected[0], rel=1e-4)
        assert float(found["categorical"]) == pytest.approx(expected[1], rel=1e-4)
        assert float(method.steps.count) == step + 1
    np.testing.assert_allclose(method.cluster_probs(encoded), q, rtol=1e-4)


def test_codes_are_a_mean_beside_a_group(make_model, two_blobs, rng) -> None:
    model = make_model("jointvae", components=3)
    assert model.latent_dim == model.decoder.input_shape[1] == 5
    codes = model.encode(two_blobs[:20])
    np.testing.assert_array_equal(
        codes[:, 2:], np.eye(3)[model.cluster_probs(two_blobs[:20]).argmax(1)]
    )
    drawn = model(two_blobs[:20], training=True)["drawn"]
    np.testing.assert_allclose(np.sum(drawn[:, 2:], axis=1), 1.0, rtol=1e-5)
    assert np.abs(drawn[:, :2] - codes[:, :2]).min() > 0
    sampled = model.sample_codes(6000, rng)
    np.testing.assert_allclose(sampled[:, 2:].mean(axis=0), 1 / 3, atol=0.03)
    np.testing.assert_allclose(np.cov(sampled[:, :2].T), np.eye(2), atol=0.06)


def test_finds_two_groups_and_keeps_to_the_capacities(make_model, train, two_blobs) -> None:
    model = make_model("jointvae", steps=300, options={"capacity_z": 1.5})
    history = train(model, two_blobs, epochs=15)
    assert history[-1]["val_gaussian"] < 0.3  # nats away from 1.5
    assert history[-1]["val_categorical"] < 0.1  # from log 2
    groups = model.cluster_probs(two_blobs).argmax(axis=1)
    share = (groups == np.arange(1000) % 2).mean()
    assert max(share, 1 - share) > 0.98
