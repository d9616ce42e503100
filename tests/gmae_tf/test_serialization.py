"""An object is described by the arguments of its constructor, and made again from them."""

from __future__ import annotations

import copy

import keras
import numpy as np

from gmae_tf.autoencoder import Method
from gmae_tf.models.flex_ae import LearntPrior
from gmae_tf.penalties import GaussianMixturePenalty
from gmae_tf.prior import GaussianMixture


@keras.saving.register_keras_serializable(package="gmae-tests")
class Scaled(Method):
    """Keeps none of its arguments under their names."""

    def __init__(self, latent_dim: int, widths: tuple[int, ...] = (3, 4), factor: float = 2.0):
        super().__init__(latent_dim, {"term": 10 * factor})


def test_defaults_and_positions_are_kept():
    assert Scaled(5).get_config() == {"latent_dim": 5, "widths": [3, 4], "factor": 2.0}
    made = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(Scaled(5, (7,), factor=3.0))
    )
    assert isinstance(made, Scaled)
    assert made.get_config() == {"latent_dim": 5, "widths": [7], "factor": 3.0}
    assert made.term_weights == {"term": 30.0}


def test_mixtures_and_networks_among_the_arguments_are_kept():
    prior = GaussianMixture([[1.0, 2.0], [3.0, 4.0]], [0.5, 0.25], [1, 3])
    penalty = GaussianMixturePenalty.from_config(GaussianMixturePenalty(prior, 2.0).get_config())
    assert penalty.weights == {"ks": 2.0, "covariance": 1.0}
    assert penalty.prior.get_config() == prior.get_config()
    critic = keras.Sequential([keras.Input((6,)), keras.layers.Dense(1)])
    again = LearntPrior.from_config(LearntPrior(2, 0.1, [4], [4], image_critic=critic).get_config())
    assert again.image_critic is not None
    assert again.image_critic.output_shape == (None, 1)


def test_arguments_are_no_parts_of_a_layer():
    """Else a network would be counted, and its weights ordered, by where it was an argument."""
    critic = keras.Sequential([keras.Input((6,)), keras.layers.Dense(1)])
    method = LearntPrior(2, 0.1, [4], [4], image_critic=critic)
    assert [layer.name for layer in method._layers[:2]] == ["generator", "critic"]


def test_a_penalty_can_be_copied():
    penalty = GaussianMixturePenalty(GaussianMixture.one_hot(2, 2), sliced=0.0)
    again = copy.deepcopy(penalty)
    assert again.get_config() == penalty.get_config()
    z = np.random.default_rng(0).normal(size=(8, 2)).astype("float32")
    assert float(again(z)["ks"]) == float(penalty(z)["ks"])
