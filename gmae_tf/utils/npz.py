"""Arrays of NumPy files, which may be damaged or a stranger's: no pickles, no bombs."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_UNPACKED, HIGHEST_RATIO = 1_000_000_000, 50
"""Bytes to which a file may unpack, whatever its size; and times its size beyond that."""


def load_arrays(source: Path | bytes) -> dict[str, NDArray[Any]]:
    """The arrays of an .npz file by name, or that of an .npy file under "".

    Raises one of `gmae_tf.utils.bundle.UNREADABLE`: damage, Python objects, or far more than a
    file of that size holds.
    """
    with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
        content = np.load(file, allow_pickle=False)
        if isinstance(content, np.ndarray):
            return {"": content}
        size = file.seek(0, io.SEEK_END)
        unpacked = sum(entry.file_size for entry in content.zip.infolist())
        if unpacked > max(MOST_UNPACKED, HIGHEST_RATIO * size):
            raise ValueError(f"{size:,} bytes would unpack to {unpacked:,}")
        return {name: content[name] for name in content.files}


def packed(arrays: Mapping[str, Any]) -> bytes:
    """The content of a compressed .npz file."""
    file = io.BytesIO()
    np.savez_compressed(file, **{name: np.asarray(value) for name, value in arrays.items()})
    return file.getvalue()
