"""Pictures of prior samples while a network trains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np

from gmae_tf.utils.files import atomic_path

SIDE = 8
"""Rows and columns of a picture."""


class SampleGrids(keras.callbacks.Callback):
    """After each epoch a picture of the same prior samples, decoded by the network as it is then.

    Without a prior there are no pictures.
    """

    def __init__(self, folder: Path, seed: int = 0) -> None:
        super().__init__()
        self.folder = folder
        self.seed = seed

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Write `epoch-0001.png` and so on."""
        if self.model.prior is None:
            return
        from PIL import Image

        from gmae_tf.images.figures import compose

        images = self.model.sample(SIDE * SIDE, np.random.default_rng(self.seed))
        levels = np.rint(255 * images).astype(np.uint8)
        mosaic, _, _ = compose(levels.reshape(SIDE, SIDE, *levels.shape[1:]))
        with atomic_path(self.folder / f"epoch-{epoch + 1:04d}.png") as path:
            Image.fromarray(mosaic).save(path)
