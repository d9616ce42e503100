"""Wasserstein autoencoder whose codes match a prior by a kernel."""

from __future__ import annotations

from gmae_tf.autoencoder import Autoencoder
from gmae_tf.models.config import Parts
from gmae_tf.penalties import MeanDiscrepancyPenalty
from gmae_tf.prior import GaussianMixture


def build(
    parts: Parts, weight: float = 10.0, reconstruction: float = 0.05, mixture: bool = False
) -> Autoencoder:
    """`reconstruction` * sum of squared errors + weight * MMD(codes, samples of the prior).

    Tolstikhin et al. 2018, MNIST settings of their code; 100 for CelebA.  `mixture` matches the
    mixture of the options instead of N(0, I).  Left out are their noise on the input of the
    encoder and the steps that train it alone beforehand.
    """
    prior = parts.prior if mixture else GaussianMixture.standard_normal(parts.latent_dim)
    return Autoencoder(
        *parts.networks(),
        parts.reconstruction,
        reconstruction * parts.elements,
        MeanDiscrepancyPenalty(prior, weight, parts.seed),
    )
