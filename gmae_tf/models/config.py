"""Configuration of a model: its recipe, and the networks and loss it is built from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras

from gmae_tf.prior import GaussianMixture


@dataclass(frozen=True)
class Recipe:
    """Name and hyperparameters of a model; plain data, saved with it.

    model, options : a name of `gmae_tf.models.MODELS`, and what is not to have its default.
    latent_dim : D.
    components, mean_scale : of the mixture, for the models that match one that is given.
    reconstruction_weight : for the models whose source leaves it to be set.
    latent_noise : standard deviation of the noise on codes that the decoder of gmae sees.
    assignment_weight : of codes to given components, for gmae; see `Autoencoder`.
    penalty : keywords of `GaussianMixturePenalty`, for the models that use it.
    clusters : keywords of `models.invariant_clusters.InvariantClusters`, for gmae of images.
    auxiliary : keywords of `gmae_tf.models.auxiliary.AuxiliaryObjectives`, for every model.
    steps : training steps to come, for terms that change in the course of them.
    seed : of whatever is random in the model.
    """

    model: str
    latent_dim: int
    components: int = 10
    mean_scale: float = 1.0
    options: Mapping[str, Any] = field(default_factory=dict)
    reconstruction_weight: float = 1.0
    latent_noise: float = 0.0
    assignment_weight: float = 0.0
    penalty: Mapping[str, Any] = field(default_factory=dict)
    clusters: Mapping[str, Any] = field(default_factory=dict)
    auxiliary: Mapping[str, Any] = field(default_factory=dict)
    steps: int = 1000
    seed: int = 0

    @property
    def prior(self) -> GaussianMixture:
        """One-hot means.  `UserError` for more components than dimensions."""
        return GaussianMixture.one_hot(self.components, self.latent_dim, self.mean_scale)


@dataclass(frozen=True)
class Parts:
    """A recipe with network factories and a reconstruction loss, for one kind of data.

    encoder, decoder : width of output or input -> a new network.
    reconstruction : a mean squared error over elements, or nats of a whole string.
    elements : elements of an example if the reconstruction is their mean, as in images, or 1: so
        reconstruction * elements is the sum that the papers of variational models write.
    """

    recipe: Recipe
    encoder: Callable[[int], keras.Model]
    decoder: Callable[[int], keras.Model]
    reconstruction: Any
    elements: int = 1

    def networks(
        self, outputs: int | None = None, inputs: int | None = None
    ) -> tuple[keras.Model, keras.Model]:
        """Encoder of `outputs` numbers and decoder of `inputs`, each D when left out."""
        return self.encoder(outputs or self.latent_dim), self.decoder(inputs or self.latent_dim)

    @property
    def latent_dim(self) -> int:
        """D."""
        return self.recipe.latent_dim

    @property
    def prior(self) -> GaussianMixture:
        """The mixture of the recipe."""
        return self.recipe.prior

    @property
    def seed(self) -> int:
        """Of whatever is random in the model."""
        return self.recipe.seed
