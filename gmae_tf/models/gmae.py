"""Gaussian-mixture autoencoder: codes that match a mixture, or one Gaussian, batch by batch."""

from __future__ import annotations

from gmae_tf.autoencoder import Autoencoder, Method
from gmae_tf.errors import UserError
from gmae_tf.models.config import Parts, Recipe
from gmae_tf.models.invariant_clusters import InvariantClusters
from gmae_tf.models.noisy_codes import NoisyCodes
from gmae_tf.penalties import GaussianMixturePenalty
from gmae_tf.prior import GaussianMixture


def build(parts: Parts) -> Autoencoder:
    """The mixture of the recipe, Saseendran et al. 2021.

    Noise on the codes is in their published code, at 0, and at 0.1 in that of their later work on
    robustness.
    """
    return _with_prior(parts, parts.prior)


def build_unimodal(parts: Parts) -> Autoencoder:
    """The same with one standard Gaussian, the unimodal version of the paper."""
    return _with_prior(parts, GaussianMixture.standard_normal(parts.latent_dim))


def _with_prior(parts: Parts, prior: GaussianMixture) -> Autoencoder:
    recipe, networks = parts.recipe, parts.networks()
    if recipe.clusters and len(networks[0].input_shape) != 4:
        raise UserError(
            "the guide by invariance warps images [N, H, W, C], and these examples are none: "
            "leave it out"
        )
    return Autoencoder(
        *networks,
        parts.reconstruction,
        recipe.reconstruction_weight,
        GaussianMixturePenalty(prior, seed=parts.seed, **recipe.penalty),
        assignment_weight=recipe.assignment_weight if prior.n_components > 1 else 0.0,
        method=_method(recipe, prior),
    )


def _method(recipe: Recipe, prior: GaussianMixture) -> Method | None:
    if recipe.clusters and prior.n_components > 1:
        return InvariantClusters(
            recipe.latent_dim,
            prior,
            recipe.latent_noise,
            steps=recipe.steps,
            seed=recipe.seed,
            **recipe.clusters,
        )
    if recipe.latent_noise:
        return NoisyCodes(recipe.latent_dim, recipe.latent_noise, recipe.seed)
    return None
