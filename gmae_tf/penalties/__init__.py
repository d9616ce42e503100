"""Regularisers of latent codes, one file each."""

from gmae_tf.penalties.assignment import component_cross_entropy
from gmae_tf.penalties.base import Penalty, check_penalty, weighted_sum
from gmae_tf.penalties.gaussian_mixture import (
    GaussianMixturePenalty,
    covariance_distance,
    expected_covariance_distance,
    expected_ks_distance,
    ks_distance,
    sliced_distance,
)
from gmae_tf.penalties.layer import LatentRegularizer
from gmae_tf.penalties.mmd import MeanDiscrepancyPenalty, mean_discrepancy
from gmae_tf.penalties.norm import NormPenalty

__all__ = [
    "GaussianMixturePenalty",
    "LatentRegularizer",
    "MeanDiscrepancyPenalty",
    "NormPenalty",
    "Penalty",
    "check_penalty",
    "component_cross_entropy",
    "covariance_distance",
    "expected_covariance_distance",
    "expected_ks_distance",
    "ks_distance",
    "mean_discrepancy",
    "sliced_distance",
    "weighted_sum",
]
