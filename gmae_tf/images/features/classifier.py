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
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmae_tf.errors import UserError

SHIPPED = Path(__file__).parents[3] / "data" / "pretrained" / "classifiers"
FEATURES = 128


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
        from gmae_tf.utils.files import atomic_path, write_atomic

        arrays = {f"{i:03d}": a for i, a in enumerate(half_weights(self.network))}
        with atomic_path(folder / "weights.npz") as temporary, temporary.open("wb") as out:
            np.savez_compressed(out, **arrays)
        write_atomic(folder / "classifier.json", json.dumps(asdict(self.details), indent=2) + "\n")

    @classmethod
    def load(cls, folder: Path) -> Classifier:
        """Inverse of `save`.  Raises `UserError` for a missing or damaged folder."""
        try:
            values = json.loads((folder / "classifier.json").read_text())
            details = ClassifierDetails(**{**values, "classes": tuple(values["classes"])})
            with np.load(folder / "weights.npz", allow_pickle=False) as file:
                weights = [file[name] for name in sorted(file.files)]
            if digest(weights) != details.sha256:
                raise ValueError("the weights are not those that classifier.json names")
            network = build_network(details.side, details.channels, len(details.classes))
            network.set_weights([w.astype(np.float32) for w in weights])
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise UserError(
                f"{folder} holds no usable classifier ({str(error).splitlines()[0]}): make one "
                f"with python -m gmae_tf.images.features.classifier --out {folder}"
            ) from error
        return cls(network, details)

    def _predict(self, images: NDArray[np.uint8]) -> tuple[Any, Any]:
        shape = (self.details.side, self.details.side, self.details.channels)
        if images.dtype != np.uint8 or images.shape[1:] != shape:
            raise UserError(
                f"the classifier of {self.details.dataset} reads uint8 images of shape {shape}, "
                f"not {images.dtype} of shape {images.shape[1:]}: give it images like those or "
                "train one on yours"
            )
        if len(images) == 0:  # Keras predicts nothing only from something
            empty = partial(np.zeros, dtype=np.float32)
            return empty((0, self.dim)), empty((0, len(self.details.classes)))
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


if __name__ == "__main__":
    from gmae_tf.images.features.classifier_training import main

    main()
