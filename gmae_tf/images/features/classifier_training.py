"""Training of the classifier whose features are compared; see `gmae_tf.images.features.classifier`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from gmae_tf.errors import UserError
from gmae_tf.images.features.classifier import (
    Classifier,
    ClassifierDetails,
    build_network,
    cached_folder,
    digest,
    half_weights,
    slug,
)
from gmae_tf.utils.cli import console, run_command

if TYPE_CHECKING:
    from gmae_tf.images.datasets import ImageData


@dataclass(frozen=True)
class ClassifierConfig:
    """Options of `python -m gmae_tf.images.features.classifier`."""

    dataset: str = "mnist"
    """mnist, fashion_mnist, svhn, cifar10, or a folder of images with a folder for each class."""
    out: Path | None = None
    """Folder of the result; by default the user's cache, where evaluations look for it."""
    data_dir: Path | None = None
    """Folder with downloaded data; GMAE_DATA_DIR by default."""
    side: int | None = None
    """Side of the images in pixels; by default that of the data set."""
    epochs: int = 8
    """Passes over the training images."""
    batch_size: int = 128
    """Images per step."""
    learning_rate: float = 2e-3
    """Start of Adam's learning rate, which falls along a half cosine."""
    shift: int = 2
    """Each training image is shifted by up to so many pixels each way."""
    seed: int = 0
    """Seed of weights, batch order and shifts."""
    device: Literal["auto", "cpu", "gpu"] = "auto"
    """Where to compute."""


def train(config: ClassifierConfig) -> None:
    """Train on the training labels, score on the test set, save."""
    from gmae_tf.images.datasets import load_images
    from gmae_tf.utils.devices import select_device

    _check(config)
    select_device(config.device)
    data = load_images(config.dataset, data_dir=config.data_dir, side=config.side)
    classifier = fit_classifier(data, config)
    folder = config.out or cached_folder(data.name)
    classifier.save(folder)
    console().print(
        f"{classifier.name}: {classifier.details.test_accuracy:.2%} of {len(data.test):,} test "
        f"images right, saved in {folder}",
        markup=False,
    )


def fit_classifier(data: ImageData, config: ClassifierConfig) -> Classifier:
    """Train on the training images and labels; the test set is only scored.

    Raises
    ------
    UserError: the data set has no labels.
    """
    import keras

    from gmae_tf.utils.run_dir import versions

    if data.train_labels is None or data.validation_labels is None or data.test_labels is None:
        raise UserError(
            f"{data.name} has no labels to train a classifier on: choose a data set with labels"
        )
    keras.utils.set_random_seed(config.seed)
    classes = np.unique(data.train_labels)  # labels 1 and 8 are outputs 0 and 1
    network = build_network(data.side, data.channels, len(classes))
    held_out = np.isin(data.validation_labels, classes)
    fit_network(
        network,
        (data.train, np.searchsorted(classes, data.train_labels)),
        (
            data.validation[held_out],
            np.searchsorted(classes, data.validation_labels[held_out]),
        ),
        config,
    )
    halves = half_weights(network)
    network.set_weights([w.astype(np.float32) for w in halves])
    names = data.class_names
    details = ClassifierDetails(
        dataset=slug(data.name),
        side=data.side,
        channels=data.channels,
        classes=tuple(names[c] if names else str(c) for c in classes),
        seed=config.seed,
        epochs=config.epochs,
        batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        shift=config.shift,
        test_accuracy=0.0,
        sha256=digest(halves),
        versions=versions(("keras", "tensorflow", "jax", "numpy")),
    )
    found = classes[Classifier(network, details).predict(data.test)]
    accuracy = float(np.mean(found == data.test_labels))
    return Classifier(network, replace(details, test_accuracy=accuracy))


def fit_network(
    network: Any,
    train: tuple[NDArray[np.uint8], NDArray[np.int64]],
    validation: tuple[NDArray[np.uint8], NDArray[np.int64]],
    config: ClassifierConfig,
) -> None:
    """Adam on the cross-entropy, learning rate along a half cosine, images shifted at random."""
    import keras

    from gmae_tf.training.callbacks import EpochProgress

    batches = _shifted_batches(*train, config)
    model = keras.Model(network.input, network.outputs[1])
    schedule = keras.optimizers.schedules.CosineDecay(
        config.learning_rate, max(1, config.epochs * len(batches)), alpha=0.01
    )
    model.compile(
        optimizer=keras.optimizers.Adam(schedule),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        # On a CPU, XLA's convolutions take four times as long as TensorFlow's own.
        jit_compile=keras.backend.backend() != "tensorflow",
    )
    model.fit(
        batches,
        validation_data=validation if len(validation[0]) else None,
        validation_batch_size=500,
        shuffle=False,  # the batches have their own order
        epochs=config.epochs,
        verbose=0,
        callbacks=[
            keras.callbacks.LambdaCallback(
                on_epoch_begin=lambda epoch, logs: batches.start_epoch(epoch)
            ),
            EpochProgress(0, config.epochs, len(batches)),
        ],
    )


def shift_images(
    images: NDArray[np.uint8], offsets: NDArray[np.int64], shift: int
) -> NDArray[np.uint8]:
    """Move image i of [N, H, W, C] by offsets[i] = (down, right); borders are repeated."""
    _, height, width, _ = images.shape
    border = ((0, 0), (shift, shift), (shift, shift), (0, 0))
    padded = np.pad(images, border, mode="edge")
    rows = np.arange(height)[None, :] + shift - offsets[:, :1]
    columns = np.arange(width)[None, :] + shift - offsets[:, 1:]
    return padded[np.arange(len(images))[:, None, None], rows[:, :, None], columns[:, None, :]]


def _shifted_batches(
    images: NDArray[np.uint8], labels: NDArray[np.int64], config: ClassifierConfig
) -> Any:
    from gmae_tf.training.batches import SeededBatches

    class ShiftedBatches(SeededBatches):
        """Batches of images and labels; order and shifts by (seed, epoch, batch) alone."""

        def __getitem__(self, index: int) -> tuple[Any, ...]:
            rows = self.order[index * self.batch_size : (index + 1) * self.batch_size]
            rng = np.random.default_rng([self.seed, self.epoch, index])
            offsets = rng.integers(-config.shift, config.shift + 1, (len(rows), 2))
            return shift_images(images[rows], offsets, config.shift), labels[rows]

    return ShiftedBatches(images, config.batch_size, config.seed)


def _check(config: ClassifierConfig) -> None:
    for name in ("epochs", "batch_size", "learning_rate"):
        if getattr(config, name) <= 0:
            flag = name.replace("_", "-")
            raise UserError(f"--{flag} must be greater than 0, not {getattr(config, name)}")
    if config.shift < 0:
        raise UserError(f"--shift must not be negative, but is {config.shift}")


def main(argv: Sequence[str] | None = None) -> None:
    """The command."""
    run_command(
        train,
        ClassifierConfig,
        prog="python -m gmae_tf.images.features.classifier",
        description="Train a small classifier whose features compare sets of images.",
        argv=argv,
    )
