"""Entropic autoencoder: batch-normalised codes of the largest entropy, which are normal ones."""

from __future__ import annotations

import keras
from keras import layers

from gmae_tf.autoencoder import Autoencoder
from gmae_tf.models.config import Parts
from gmae_tf.penalties.entropy import EntropyPenalty
from gmae_tf.prior import GaussianMixture


def build(parts: Parts, weight: float = 0.3, neighbours: int = 1) -> Autoencoder:
    """Sum of squared errors - weight * entropy of the codes, whose means are 0 and variances 1.

    Ghose et al. 2020, who recommend the first neighbour.  Their weight is not known;
    this one brings codes of images near N(0, I) for little more squared error.
    """
    encoder, decoder = parts.networks()
    # Exact variances are what makes the normal distribution the one of most entropy.
    normalise = layers.BatchNormalization(
        center=False, scale=False, momentum=0.9, epsilon=1e-6, dtype="float32", name="normalise"
    )
    return Autoencoder(
        keras.Model(encoder.inputs, normalise(encoder.outputs[0]), name="encoder"),
        decoder,
        parts.reconstruction,
        parts.elements,
        EntropyPenalty(weight, neighbours),
        prior=GaussianMixture.standard_normal(parts.latent_dim),
    )
