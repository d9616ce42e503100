"""python -m gmae_tf.images.features.classifier: train the classifier whose features are compared.

Distances between sets of images need features, and the usual ones come from a network of 90 MB
that knows photographs.  A small classifier of the data set at hand gives features that are
better suited to digits and that everyone can make again; a distance in them is named after it,
`fd_clf[mnist-3fa2b1]`, and is never called FID.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from gmae_tf.errors import UserError
from gmae_tf.utils.arrays import check_int, check_number
from gmae_tf.utils.bundle import readable
from gmae_tf.utils.cli import console, run_command
from gmae_tf.utils.files import atomic_path
from gmae_tf.utils.json import write_json
from gmae_tf.utils.npz import load_arrays
from gmae_tf.utils.run_dir import versions

if TYPE_CHECKING:
    from gmae_tf.images.datasets import ImageData

SHIPPED = Path(__file__).parent / "pretrained"
FEATURES = 128
TRAINED = ("seed", "epochs", "batch_size", "learning_rate", "shift")
"""Options that are kept with a classifier."""


@dataclass(frozen=True)
class ClassifierDetails:
    """What a stored classifier is: `classifier.json`."""

    dataset: str
    side: int
    channels: int
    classes: tuple[str, ...]
    seed: int
    epochs: int
    batch_size: int
    learning_rate: float
    shift: int
    test_accuracy: float
    """Share of the test images, with the stored 16-bit weights."""
    sha256: str
    """Of the stored weights, in order, as little-endian float16."""
    versions: dict[str, str]
    """Packages that trained it."""


class Classifier:
    """A trained classifier and its 128 penultimate features; an `Extractor`.

    Attributes: `details`, `network` (uint8 images -> features [N, 128] and logits [N, classes]),
    `name`, such as "fd_clf[mnist-3fa2b1]", and `dim`, the number of features.
    """

    dim = FEATURES

    def __init__(self, network: Any, details: ClassifierDetails) -> None:
        self.network = network
        self.details = details

    @property
    def name(self) -> str:
        """What a Frechet distance in these features is called."""
        return f"fd_clf[{self.details.dataset}-{self.details.sha256[:6]}]"

    def features(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Penultimate activations of uint8 images [N, side, side, channels] -> [N, 128].

        Raises `UserError` for images of another shape or type.
        """
        return self._predict(images)[0]

    __call__ = features

    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.int64]:
        """The most likely class of each image, [N]."""
        return np.argmax(self._predict(images)[1], axis=1).astype(np.int64)

    def save(self, folder: Path) -> None:
        """Write `weights.npz` (float16) and `classifier.json`."""
        arrays = {f"{i:03d}": a for i, a in enumerate(half_weights(self.network))}
        with atomic_path(folder / "weights.npz") as temporary, temporary.open("wb") as out:
            np.savez_compressed(out, **arrays)
        write_json(folder / "classifier.json", asdict(self.details))

    @classmethod
    def load(cls, folder: Path) -> Classifier:
        """Inverse of `save`.  Raises `UserError` for a missing or damaged folder."""
        with readable(
            f"{folder} holds no usable classifier ({{why}}): make one with python -m "
            f"gmae_tf.images.features.classifier --out {folder}"
        ):
            values = json.loads((folder / "classifier.json").read_bytes())
            details = ClassifierDetails(**{**values, "classes": tuple(values["classes"])})
            weights = [array for _, array in sorted(load_arrays(folder / "weights.npz").items())]
            if digest(weights) != details.sha256:
                raise ValueError("the weights are not those that classifier.json names")
            network = build_network(details.side, details.channels, len(details.classes))
            network.set_weights([w.astype(np.float32) for w in weights])
        return cls(network, details)

    def _predict(self, images: NDArray[np.uint8]) -> tuple[Any, ...]:
        shape = (self.details.side, self.details.side, self.details.channels)
        if images.dtype != np.uint8 or images.shape[1:] != shape:
            raise UserError(
                f"the classifier of {self.details.dataset} reads uint8 images of shape {shape}, "
                f"not {images.dtype} of shape {images.shape[1:]}: give it images like those or "
                "train one on yours"
            )
        if len(images) == 0:  # Keras predicts nothing only from something
            widths = self.dim, len(self.details.classes)
            return tuple(np.zeros((0, width), np.float32) for width in widths)
        return self.network.predict(images, batch_size=500, verbose=0)


def load_classifier(dataset: str, path: Path | None = None) -> Classifier:
    """The classifier at `path`, else the shipped one of the data set, else that in the cache.

    Raises
    ------
    UserError: there is none; the sentence says which command makes one.
    """
    if path is not None:
        return Classifier.load(path)
    for folder in (SHIPPED / slug(dataset), cached_folder(dataset)):
        if (folder / "classifier.json").exists():
            return Classifier.load(folder)
    raise UserError(
        f"there is no classifier for {dataset}, whose features the distances between images need: "
        f"make one with python -m gmae_tf.images.features.classifier --dataset {dataset}"
    )


def cached_folder(dataset: str) -> Path:
    """Where the user's own classifier of a data set is kept."""
    import pooch

    return Path(pooch.os_cache("gmae")) / "classifiers" / slug(dataset)


def slug(dataset: str) -> str:
    """A data set, or the last part of a folder's path, as the name of a folder."""
    return re.sub(r"[^\w.-]+", "_", Path(dataset).name) or "images"


def build_network(side: int, channels: int, n_classes: int) -> Any:
    """Four 3x3 convolutions, pooled down to at most 7x7, 128 features, logits; 0.36 M weights."""
    import keras

    # float32 whatever the global policy: features are compared across runs.
    layer = keras.layers
    options = {"dtype": "float32"}
    image = keras.Input((side, side, channels), dtype="uint8")
    x = layer.Rescaling(1 / 255, **options)(image)
    for filters in (16, 32, 64, 128):
        x = layer.Conv2D(filters, 3, padding="same", use_bias=False, **options)(x)
        x = layer.BatchNormalization(momentum=0.9, **options)(x)
        x = layer.ReLU(**options)(x)
        if x.shape[1] > 7:
            x = layer.MaxPooling2D(2, **options)(x)
    x = layer.Dropout(0.25, **options)(layer.Flatten(**options)(x))
    features = layer.Dense(FEATURES, activation="relu", name="features", **options)(x)
    logits = layer.Dense(n_classes, name="logits", **options)(features)
    return keras.Model(image, [features, logits])


def half_weights(network: Any) -> list[NDArray[np.float16]]:
    """The weights as they are stored."""
    return [np.asarray(w).astype("<f2") for w in network.get_weights()]


def digest(weights: Sequence[NDArray[Any]]) -> str:
    """SHA-256 of stored weights, in order."""
    whole = hashlib.sha256()
    for array in weights:
        whole.update(np.ascontiguousarray(array, dtype="<f2").tobytes())
    return whole.hexdigest()


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
        (data.validation[held_out], np.searchsorted(classes, data.validation_labels[held_out])),
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
        test_accuracy=0.0,
        sha256=digest(halves),
        versions=versions(("keras", "tensorflow", "jax", "numpy")),
        **{name: getattr(config, name) for name in TRAINED},
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

    from gmae_tf.training.batches import ShiftedBatches
    from gmae_tf.training.callbacks import EpochProgress

    batches = ShiftedBatches(*train, config.batch_size, config.seed, config.shift)
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
    model.optimizer.build(model.trainable_variables)  # else TensorFlow traces a step twice
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


def _check(config: ClassifierConfig) -> None:
    for name in ("epochs", "batch_size", "learning_rate"):
        check_number(getattr(config, name), f"--{name.replace('_', '-')}", positive=True)
    check_int(config.shift, "--shift")


def main(argv: Sequence[str] | None = None) -> None:
    """The command."""
    run_command(
        train,
        ClassifierConfig,
        prog="python -m gmae_tf.images.features.classifier",
        description="Train a small classifier whose features compare sets of images.",
        argv=argv,
        continues=False,
    )


if __name__ == "__main__":
    main()
