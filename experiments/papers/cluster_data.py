"""The two data sets of the GM-VAE report, with networks of a size that fits each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from gmae_tf.autoencoder import Autoencoder
from gmae_tf.images.datasets.image_data import pixels
from gmae_tf.losses import MeanSquaredError
from gmae_tf.models import build_model
from gmae_tf.models.config import Parts, Recipe
from gmae_tf.models.layers import perceptron

Rows = NDArray[np.float32]
Labels = NDArray[np.int64]
POINTS = 64
"""Of a curve."""
TEST_CURVES = 2000
BATCH = 100
COMPONENTS = 10
"""Clusters of the models, as many as there are families and digits."""


@dataclass(frozen=True)
class Task:
    """Rows in three parts, and the perceptrons that fit them.

    widths : of the encoder's hidden layers; the decoder's are the same in reverse.
    activation : of the decoder's output.
    """

    name: str
    train: Rows
    validation: Rows
    test: Rows
    test_labels: Labels
    latent_dim: int
    widths: tuple[int, ...]
    activation: str | None = None

    def model(self, name: str, seed: int, options: dict[str, Any]) -> Autoencoder:
        """A new model by its name, from the seed."""
        keras.utils.set_random_seed(seed)
        elements = self.train.shape[1]
        recipe = Recipe(name, self.latent_dim, COMPONENTS, options=options, seed=seed)
        parts = Parts(recipe, self._encoder, self._decoder, MeanSquaredError(), elements)
        return build_model(parts)

    def _encoder(self, width: int) -> keras.Model:
        elements = self.train.shape[1]
        return perceptron([*self.widths], width, "encoder", inputs=elements)

    def _decoder(self, width: int) -> keras.Model:
        elements = self.train.shape[1]
        decoder = perceptron([*self.widths[::-1]], elements, "decoder", inputs=width)
        decoder.add(keras.layers.Activation(self.activation or "linear"))
        return decoder


def synthetic(n: int) -> Task:
    """n training curves of ten families, a sixth of it to validate, and 2,000 test curves.

    Each point is standardised by its training mean and deviation.  The report on GM-VAE says of its
    own one-dimensional data only that they are standardised.
    """
    rng = np.random.default_rng(0)
    (train, _), (validation, _) = curves(n, rng), curves(max(BATCH, n // 6), rng)
    test, labels = curves(TEST_CURVES, rng)
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    standard = lambda x: ((x - mean) / deviation).astype(np.float32)  # noqa: E731
    parts = standard(train), standard(validation), standard(test)
    return Task("synthetic", *parts, labels, 8, (128, 128))


def curves(n: int, rng: np.random.Generator) -> tuple[NDArray[np.float64], Labels]:
    """Curves [n, POINTS] and the number of the family of each.

    Waves of one, two and four periods, a square one, saws both ways, a pulse, two pulses, a chirp
    and a damped wave; at random each has a phase within a fifth of a period of one, an amplitude
    of 0.6 to 1.4, and noise of 0.1 at every point.
    """
    families: list[Callable[[Any], Any]] = [
        *(partial(_wave, periods=periods) for periods in (1, 2, 4)),
        lambda t: np.sign(_wave(t, 2)),
        lambda t: 2 * (2 * t % 1) - 1,
        lambda t: 1 - 2 * (2 * t % 1),
        lambda t: 2 * _pulse(t, 0.5),
        lambda t: 2 * _pulse(t, 0.25) - 2 * _pulse(t, 0.75),
        lambda t: np.sin(2 * np.pi * 6 * (t % 1) ** 2),
        lambda t: 2 * np.exp(-4 * (t % 1)) * _wave(t, 5),
    ]
    labels = rng.integers(len(families), size=n)
    phases = rng.uniform(-0.1, 0.1, (n, 1))
    times = np.linspace(0, 1, POINTS, endpoint=False) + phases
    shapes = np.stack([family(times) for family in families])[labels, np.arange(n)]
    amplitudes = rng.uniform(0.6, 1.4, (n, 1))
    return amplitudes * shapes + rng.normal(scale=0.1, size=shapes.shape), labels


def mnist(n: int, data_dir: Path | None) -> Task:
    """So many training images as float32 in [0, 1], each a row of 28 x 28."""
    from gmae_tf.images.datasets import load_images

    data = load_images("mnist", data_dir=data_dir, n=n, side=28)
    assert data.test_labels is not None
    parts = (data.train, data.validation[:1000], data.test)
    train, validation, test = (pixels(part).reshape(len(part), -1) for part in parts)
    return Task("mnist", train, validation, test, data.test_labels, 16, (512, 256), "sigmoid")


def _wave(t: Any, periods: float) -> Any:
    return np.sin(2 * np.pi * periods * t)


def _pulse(t: Any, centre: float) -> Any:
    return np.exp(-0.5 * ((t - centre) / 0.06) ** 2)
