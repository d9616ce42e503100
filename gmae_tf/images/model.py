"""Autoencoders of images: fit, encode, decode, sample, save."""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray

from gmae_tf.autoencoder import Autoencoder
from gmae_tf.errors import UserError
from gmae_tf.images.datasets import ImageData
from gmae_tf.images.datasets.convert import as_uint8
from gmae_tf.images.datasets.image_data import MIN_IMAGES, random_parts
from gmae_tf.images.networks import AT_ONCE, by_parts, image_networks, recipe_network
from gmae_tf.images.options import TrainingOptions, few_steps, make_options
from gmae_tf.images.training import train_network
from gmae_tf.losses import MeanSquaredError
from gmae_tf.models.config import Recipe
from gmae_tf.penalties import Penalty
from gmae_tf.prior import GaussianMixture
from gmae_tf.utils.arrays import check_codes, check_int, check_kind, check_rng
from gmae_tf.utils.bundle import UNREADABLE, first_line, read_description, write_description
from gmae_tf.utils.files import as_path, make_folder
from gmae_tf.utils.weights import save_weights

WEIGHTS, DETAILS = "model.weights.h5", "model.json"


@dataclass
class ImageAutoencoder:
    """Autoencoder of square images of one shape, with any model of `gmae_tf.models`.

    Images go in as uint8, or as floats in [0, 1], which are rounded to 256 levels: [N, side, side,
    channels], or [N, side, side] for one channel.  They come out as uint8 [N, side, side,
    channels].  A network sees float32 in [0, 1].

    Attributes
    ----------
    network : the Keras model.
    side, channels, size : shape of an image, and size of the network (small or paper).
    details : free record of the training, saved with the model; `history` has its logs.

    Examples
    --------
    >>> import numpy as np
    >>> from gmae_tf.images import ImageAutoencoder
    >>> images = np.random.default_rng(0).integers(0, 256, (64, 8, 8), dtype=np.uint8)
    >>> model = ImageAutoencoder.fit(
    ...     images, latent_dim=2, components=2, epochs=1, batch_size=5, guide="none", verbose=False
    ... )
    >>> codes = model.encode(images)
    >>> codes.shape, model.decode(codes).shape, model.sample(16, seed=0).shape
    ((64, 2), (64, 8, 8, 1), (16, 8, 8, 1))
    """

    network: Autoencoder
    side: int
    channels: int
    size: str
    details: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def fit(
        cls,
        images: ArrayLike,
        *,
        latent_dim: int = 10,
        model: str = "gmae",
        components: int = 10,
        epochs: int = 10,
        size: Literal["small", "paper"] = "small",
        seed: int = 0,
        validation: ArrayLike | None = None,
        folder: str | Path | None = None,
        verbose: bool = True,
        **options: Any,
    ) -> ImageAutoencoder:
        """Train a new autoencoder on images.

        Parameters
        ----------
        images : at least 50, of a side that 4 divides (`gmae_tf.images.datasets.pad` and `resize`
            bring others to one).
        model, components : a name of `gmae_tf.models.MODELS`, and the components of its mixture.
        seed : of weights, batch order and the choice of validation images.
        validation : images that choose the best epoch; a tenth of `images` when left out.
        folder : run folder for checkpoints, in which a repeated call continues; none when
            left out.
        verbose : print a line for each epoch.
        options : any other field of `gmae_tf.images.options.TrainingOptions`, such as
            `batch_size`, `learning_rate` or `mean_scale`.  With `guide="none"` the prior's
            components are not tied to clusters of images, which saves a second training and t-SNE.

        Raises
        ------
        UserError: images of another kind, too few of them, or options that do not fit.
        """
        settings = make_options(
            model=model,
            latent_dim=latent_dim,
            components=components,
            epochs=epochs,
            size=size,
            seed=seed,
            **options,
        )
        data = _training_data(images, validation, seed)
        if warning := few_steps(len(data.train), settings.batch_size):
            warnings.warn(warning, stacklevel=2)
        run = None if folder is None else make_folder(folder)
        trained = cls.train(settings, data, run, verbose=verbose)
        trained.details["options"] = asdict(settings)
        return trained

    @classmethod
    def train(
        cls,
        options: TrainingOptions,
        data: ImageData,
        folder: Path | None = None,
        *,
        verbose: bool = True,
    ) -> ImageAutoencoder:
        """`fit` with complete options (`gmae_tf.images.options.resolve`) on parts of a data set.

        `history` of the model's details has the logs of all epochs.
        """
        network, history = train_network(options, data, folder, verbose=verbose)
        details = {"dataset": data.name, "class_names": data.class_names, "history": history}
        return cls(network, data.side, data.channels, options.size, details)

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
        """Untrained autoencoder with a penalty on its codes."""
        for value, name in ((side, "side"), (channels, "channels"), (latent_dim, "latent_dim")):
            check_int(value, name, 1)
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
    def from_recipe(
        cls, recipe: Recipe, side: int, channels: int, size: str = "small"
    ) -> ImageAutoencoder:
        """Untrained autoencoder of any model of `gmae_tf.models`."""
        check_kind(recipe, Recipe, "recipe")
        return cls(recipe_network(recipe, side, channels, size), side, channels, size)

    @property
    def latent_dim(self) -> int:
        """D."""
        return self.network.latent_dim

    @property
    def prior(self) -> GaussianMixture | None:
        """Gaussian mixture that the codes match, None for models without one."""
        return self.network.prior

    def encode(self, images: ArrayLike) -> NDArray[np.float32]:
        """Latent codes [N, D] of images.

        Raises
        ------
        UserError: values that are neither uint8 nor floats in [0, 1], or another shape.
        """
        return self._in_parts(self.network.encode, images, self.latent_dim)

    def decode(self, codes: ArrayLike) -> NDArray[np.uint8]:
        """Images of codes [N, D], to the nearest of 256 levels."""
        codes = check_codes(codes, self.latent_dim)
        parts = [
            np.rint(255 * self.network.decode(codes[i : i + AT_ONCE])).astype(np.uint8)
            for i in range(0, len(codes), AT_ONCE)
        ]
        return np.concatenate(parts or [np.empty((0, *self._shape), np.uint8)])

    def reconstruct(self, images: ArrayLike) -> NDArray[np.uint8]:
        """`decode(encode(images))`."""
        return self.decode(self.encode(images))

    def sample(self, n: int = 1, *, seed: int | np.random.Generator = 0) -> NDArray[np.uint8]:
        """Decoded samples of the prior, uint8 [n, side, side, channels].

        Raises
        ------
        UserError: a model without a prior, such as a plain autoencoder.
        """
        return self.decode(self.network.sample_codes(n, check_rng(seed)))

    def interpolate(self, start: ArrayLike, end: ArrayLike, steps: int = 8) -> NDArray[np.uint8]:
        """Decoded straight lines from codes of images to codes of others, [N, steps, H, W, C]."""
        first, last = self.encode(start)[:, None], self.encode(end)[:, None]
        if len(first) != len(last):
            raise UserError(f"{len(first)} images cannot be paired with {len(last)}")
        share = np.linspace(0, 1, check_int(steps, "steps", 1))[None, :, None]
        images = self.decode(((1 - share) * first + share * last).reshape(-1, self.latent_dim))
        return images.reshape(len(first), steps, *self._shape)

    def clusters(self, images: ArrayLike) -> NDArray[np.int64]:
        """Most likely mixture component, or learnt cluster, of each image, [N].

        Raises
        ------
        UserError: a model without clusters.
        """
        probabilities = self.groups(images)
        if probabilities is None:
            raise UserError(
                "this model has no clusters: train one with a mixture, such as gmae or vade, or "
                "fit a mixture to its codes with gmae_tf.LatentDensity"
            )
        return probabilities.argmax(axis=1)

    def responsibilities(self, codes: ArrayLike) -> NDArray[np.float64]:
        """Probability of each component of the prior, [N, D] -> [N, K]."""
        if self.prior is None:
            raise UserError("this autoencoder has no prior, so its codes have no components")
        return self.prior.responsibilities(codes)

    def groups(self, images: ArrayLike) -> NDArray[np.floating] | None:
        """Probabilities [N, K] of the model's clusters, None if it has none."""
        first = self.network.cluster_probs(np.zeros((1, *self._shape), np.float32))
        if first is None:
            return None
        return self._in_parts(self.network.cluster_probs, images, first.shape[1])

    @property
    def _shape(self) -> tuple[int, int, int]:
        return self.side, self.side, self.channels

    def _in_parts(self, function: Any, images: ArrayLike, width: int) -> NDArray[Any]:
        """A function of pixels in [0, 1], of `AT_ONCE` images at a time, [N, width]."""
        checked = as_uint8(_array(images), "the array of images")
        if checked.shape[1:] != self._shape:
            has, wants = (f"{h} x {w} x {c}" for h, w, c in (checked.shape[1:], self._shape))
            raise UserError(
                f"these images are {has}, but the model was trained on {wants}: bring them to that "
                "shape with pad, resize and to_channels of gmae_tf.images.datasets (MNIST was "
                "padded from 28 to 32), and give one image as images[None]"
            )
        return by_parts(function, checked, width)

    def save(self, path: str | Path) -> None:
        """Write weights and description into a folder, each file whole or not at all."""
        folder = as_path(path)
        # Of a copy: the optimiser's moments are twice as large as the network.
        description = self._describe()
        plain = _build(description)
        plain.network.set_weights(self.network.get_weights())
        save_weights(plain.network, folder / WEIGHTS)
        write_description(folder / DETAILS, {**self.details, "network": description}, [WEIGHTS])

    @classmethod
    def load(cls, path: str | Path) -> ImageAutoencoder:
        """Inverse of `save`, also of a run folder of gmae_tf.train.

        Raises
        ------
        UserError: a part is missing, damaged or foreign.
        """
        folder = as_path(path)
        try:
            details = read_description(folder / DETAILS, [WEIGHTS])
            model = _build(details["network"])
            model.network.load_weights(folder / WEIGHTS)
        except UNREADABLE as error:
            raise UserError(
                f"{folder} does not hold a trained image model ({first_line(error)}): name a "
                "folder in which gmae_tf.train has finished"
            ) from error
        model.details = details
        return model

    def _describe(self) -> dict[str, Any]:
        shape = {"side": self.side, "channels": self.channels, "size": self.size}
        if self.network.recipe is not None:
            # Pseudo-labels belong to the training alone.
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
        return ImageAutoencoder.from_recipe(
            **{**description, "recipe": Recipe(**description["recipe"])}
        )
    penalty = description["penalty"]
    return ImageAutoencoder.build(
        **{
            **description,
            "penalty": keras.saving.deserialize_keras_object(penalty) if penalty else None,
        }
    )


def _training_data(images: ArrayLike, validation: ArrayLike | None, seed: int) -> ImageData:
    """Arrays as training and validation parts, drawn apart 9 : 1 where only one is given."""
    train = as_uint8(_array(images), "the array of images")
    if len(train) < MIN_IMAGES or train.shape[1] != train.shape[2] or train.shape[1] % 4:
        raise UserError(
            f"the images have the shape {list(train.shape)}: give at least {MIN_IMAGES} square "
            "ones of a side that 4 divides, see pad and resize of gmae_tf.images.datasets"
        )
    if validation is None:
        rng = np.random.default_rng(seed)
        parts = random_parts(len(train), len(train) // 10, 0, rng)
        train, held_out = train[parts.train], train[parts.validation]
    else:
        held_out = as_uint8(_array(validation), "the array of validation images")
        if held_out.shape[1:] != train.shape[1:] or not len(held_out):
            raise UserError(
                f"the validation images have the shape {list(held_out.shape)}, but the training "
                f"images {list(train.shape)}: give images of the same shape"
            )
    labels = (None, None, None)
    return ImageData("images", train, held_out, train[:0], *labels, None, "An array of images.")


def _array(images: ArrayLike) -> NDArray[Any]:
    try:
        return np.asarray(images)
    except ValueError as error:
        raise UserError("the images have different shapes: resize them to one") from error
