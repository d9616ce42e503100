"""LFWcrop: small faces to exercise what CelebA needs, under their own name."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gmae_tf.errors import UserError
from gmae_tf.images.datasets.blobs import read_blob
from gmae_tf.images.datasets.files import PLACE, find
from gmae_tf.images.datasets.image_data import ImageData
from gmae_tf.images.datasets.splits import assemble, part_size, random_parts

FILE = "lfwcrop64_jpeg_bytes.npz"


def load_lfwcrop(name: str, data_dir: Path | None, side: int | None) -> ImageData:
    """11,233 + 1,000 + 1,000 RGB faces, 64 x 64, always drawn apart by seed 0.

    Raises
    ------
    UserError: no file, or one of another layout.
    """
    path = find(data_dir, name, FILE)
    if path is None:
        raise UserError(
            f"LFWcrop cannot be downloaded: put {FILE} (blob, offsets, names) into {PLACE}."
        )
    blob = read_blob(path, (), (64, 64, 3), label="decoding LFWcrop")
    n = len(blob.images)
    held_out = part_size(n, 1000, 13_233)
    parts = random_parts(n, held_out, held_out, np.random.default_rng(0))
    source = (
        f"LFWcrop from {path.name}, {n:,} faces 64 x 64 drawn apart by seed 0; "
        "one person may be in several parts."
    )
    return assemble(name, blob.images, None, parts, None, source, blob.dropped)
