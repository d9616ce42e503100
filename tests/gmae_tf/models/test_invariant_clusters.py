"""Components of the prior as clusters of images that warps do not change."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from gmae_tf.autoencoder import Batch
from gmae_tf.errors import UserError
from gmae_tf.images.networks import recipe_network
from gmae_tf.metrics.clustering import clustering_accuracy
from gmae_tf.models.config import Recipe
from gmae_tf.models.invariant_clusters import InvariantClusters
from gmae_tf.training.fit import fit

CLUSTERS = {"weight": 200.0, "until": 0.35, "warp": {"rotation": 0.02, "shift": 0.1, "zoom": 0.05}}


def bars(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Images [n, 8, 8, 1] of bars that lie or stand, at random places, and which they are."""
    rng = np.random.default_rng(0)
    standing = np.arange(n) % 2
    images = np.zeros((n, 8, 8, 1), np.float32)
    for image, upright in zip(images, standing, strict=True):
        place = rng.integers(1, 6)
        lines = image.transpose(1, 0, 2) if upright else image
        lines[place : place + 2, 1:7] = rng.uniform(0.6, 1.0)
    return images, standing


def network(**fields):
    keras.utils.set_random_seed(0)
    options = {"components": 2, "mean_scale": 4.0, "reconstruction_weight": 20.0, **fields}
    return recipe_network(Recipe("gmae", 3, clusters=CLUSTERS, **options), 8, 1, "small")


def test_bars_are_told_apart_by_how_they_stand():
    images, standing = bars(400)
    model = network(steps=6 * 20)
    settings = {"epochs": 6, "batch_size": 20, "learning_rate": 3e-3, "schedule": "cosine"}
    history = fit(model, images, images[:100], xla=False, verbose=False, **settings)
    assert clustering_accuracy(standing, model.cluster_probs(images).argmax(axis=1)) > 0.95
    last = history[-1]
    assert last["val_imbalance"] < 0.1
    assert last["val_ambiguity"] < 0.2
    assert last["val_invariance"] < history[0]["val_invariance"]


def cluster_loss(model, images, steps):
    """The weighted terms after so many steps, and the length of their gradient."""
    import tensorflow as tf

    method = model.method
    method.counter.count.assign(steps)
    method.warp_seed.state.assign([0, 0])
    with tf.GradientTape() as tape:
        seen = model(images, training=False)
        batch = Batch(
            model, images, seen["encoded"], seen["drawn"], seen["reconstruction"], training=False
        )
        loss = sum(method.term_weights[k] * v for k, v in method.loss_terms(batch).items())
    gradient = tape.gradient(loss, model.encoder.trainable_variables)
    return float(loss), float(tf.linalg.global_norm(gradient))


def test_after_its_share_of_the_steps_only_the_gradient_is_smaller():
    model = network(steps=100)
    images = ops.convert_to_tensor(bars(20)[0])
    early, steep = cluster_loss(model, images, 34)
    late, flat = cluster_loss(model, images, 35)
    assert late == pytest.approx(early, rel=1e-6)
    assert flat == pytest.approx(model.method.rest * steep, rel=1e-3)


def test_an_interrupted_training_goes_on_as_if_it_had_not_been(tmp_path):
    images, _ = bars(80)
    settings = {"batch_size": 20, "xla": False, "verbose": False}

    def train(folder, *epochs):
        for last in epochs:
            model = network(steps=12)
            fit(model, images, images[:20], folder, epochs=last, **settings)
        return model.get_weights()

    for one, other in zip(
        train(tmp_path / "whole", 3), train(tmp_path / "parts", 1, 3), strict=True
    ):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_it_is_rebuilt_from_its_configuration():
    method = network().method
    again = InvariantClusters.from_config(method.get_config())
    assert again.term_weights == method.term_weights
    assert again.warp.shift == CLUSTERS["warp"]["shift"]
    np.testing.assert_array_equal(again.prior.means, method.prior.means)


def test_rows_and_strings_cannot_be_warped(make_model):
    with pytest.raises(UserError, match="warps images"):
        make_model("gmae", clusters=CLUSTERS)
