"""An autoencoder of images with what is needed to use it: images <-> latent codes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray

from gmae_tf.autoencoder import Autoencoder
from gmae_tf.errors import UserError
from gmae_tf.images.networks import image_networks
from gmae_tf.losses import MeanSquaredError
from gmae_tf.models import build_model
from gmae_tf.models.config import Parts, Recipe
from gmae_tf.penalties import Penalty
from gmae_tf.prior import GaussianMixture
from gmae_tf.utils.files import atomic_path, write_atomic

WEIGHTS, DETAILS = "model.weights.h5", "model.json"
AT_ONCE = 4096
"""Images that are floats at the same time."""
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError)


@dataclass
class ImageAutoencoder:
    """A network for images of one shape; `details` is a free record of how it was trained.

    Images are uint8 [N, side, side, channels] outside and float32 in [0, 1] inside.
    """

    network: Autoencoder
    side: int
    channels: int
    size: str
    details: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def build(
        cls,
        side: int,
        channels: int,
        latent_dim: int,
        size: str = "small",
        penalty: Penalty | None = None,
        reconstruction_weight: float = 1.0,
        assignment_weight: float = 0.0,
    ) -> ImageAutoencoder:
        """New weights."""
        encoder, decoder = image_networks(side, channels, latent_dim, size)
        network = Autoencoder(
            encoder,
            decoder,
            MeanSquaredError(),
            reconstruction_weight,
            penalty,
            assignment_weight=assignment_weight,
        )
        return cls(network, side, channels, size)

    @classmethod
    def of(
        cls,
        recipe: Recipe,
        side: int,
        channels: int,
        size: str = "small",
    ) -> ImageAutoencoder:
        """New weights, of any model of `gmae_tf.models`."""
        parts = Parts(
            recipe,
            lambda width: image_networks(side, channels, width, size)[0],
            lambda width: image_networks(side, channels, width, size)[1],
            MeanSquaredError(),
            side * side * channels,
        )
        return cls(build_model(parts), side, channels, size)

    @property
    def latent_dim(self) -> int:
        """D."""
        return self.network.latent_dim

    @property
    def prior(self) -> GaussianMixture | None:
        """What the codes were shaped to match."""
        return self.network.prior

    def encode(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Codes [N, D]."""
        parts = [
            self.network.encode(images[i : i + AT_ONCE].astype(np.float32) / 255)
            for i in range(0, len(images), AT_ONCE)
        ]
        return np.concatenate(parts or [np.empty((0, self.latent_dim), np.float32)])

    def decode(self, codes: ArrayLike) -> NDArray[np.uint8]:
        """Images of codes [N, D], to the nearest of 256 levels."""
        codes = np.asarray(codes, dtype=np.float32)
        parts = [
            np.rint(255 * self.network.decode(codes[i : i + AT_ONCE])).astype(np.uint8)
            for i in range(0, len(codes), AT_ONCE)
        ]
        return np.concatenate(
            parts or [np.empty((0, self.side, self.side, self.channels), np.uint8)]
        )

    def reconstruct(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """`decode(encode(images))`."""
        return self.decode(self.encode(images))

    def sample(self, n: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        """Images of n samples of the prior.  `UserError` if there is none."""
        return self.decode(self.network.sample_codes(n, rng))

    def responsibilities(self, codes: ArrayLike) -> NDArray[np.float64]:
        """Probability of each component of the prior, [N, D] -> [N, K]."""
        if self.prior is None:
            raise UserError("this autoencoder has no prior, so its codes have no components")
        return self.prior.responsibilities(codes)

    def groups(self, images: NDArray[np.uint8]) -> NDArray[np.floating] | None:
        """Probabilities [N, K] of the groups that the model sees, None if it has none."""
        parts = [
            self.network.cluster_probs(images[i : i + AT_ONCE].astype(np.float32) / 255)
            for i in range(0, len(images), AT_ONCE)
        ]
        found = [part for part in parts if part is not None]
        return np.concatenate(found) if found else None

    def save(self, folder: Path) -> None:
        """Write weights and description into a folder, each file whole or not at all."""
        # Of a copy: the optimiser's moments are twice as large as the network.
        description = self._describe()
        plain = _build(description)
        plain.network.set_weights(self.network.get_weights())
        with atomic_path(folder / WEIGHTS) as path:
            plain.network.save_weights(path)
        content = {
            **self.details,
            "network": description,
            "sha256": sha256((folder / WEIGHTS).read_bytes()).hexdigest(),
        }
        write_atomic(folder / DETAILS, json.dumps(content, indent=2) + "\n")

    @classmethod
    def load(cls, folder: Path) -> ImageAutoencoder:
        """Read what `save` wrote; `UserError` when a part is missing, damaged or foreign."""
        try:
            details = json.loads((folder / DETAILS).read_text(encoding="utf-8"))
            if sha256((folder / WEIGHTS).read_bytes()).hexdigest() != details["sha256"]:
                raise ValueError(f"{WEIGHTS} is damaged or of another model")
            model = _build(details["network"])
            model.network.load_weights(folder / WEIGHTS)
        except _UNREADABLE as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise UserError(
                f"{folder} does not hold a trained image model ({reason}): name a folder in which "
                "gmae_tf.train has finished"
            ) from error
        model.details = details
        return model

    def _describe(self) -> dict[str, Any]:
        shape = {"side": self.side, "channels": self.channels, "size": self.size}
        if self.network.recipe is not None:
            # Used, a model has no groups to go to any more.
            recipe = replace(self.network.recipe, assignment_weight=0.0)
            return {**shape, "recipe": asdict(recipe)}
        penalty = self.network.penalty
        return {
            **shape,
            "latent_dim": self.latent_dim,
            "reconstruction_weight": self.network.reconstruction_weight,
            "penalty": keras.saving.serialize_keras_object(penalty) if penalty else None,
        }


def _build(description: dict[str, Any]) -> ImageAutoencoder:
    if "recipe" in description:
        return ImageAutoencoder.of(**{**description, "recipe": Recipe(**description["recipe"])})
    penalty = description["penalty"]
    return ImageAutoencoder.build(
        **{
            **description,
            "penalty": keras.saving.deserialize_keras_object(penalty) if penalty else None,
        }
    )
