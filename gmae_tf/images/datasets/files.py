"""Where files of published data sets are looked for, and how arrays are read from them."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmae_tf.errors import UserError

PLACE = "the folder of --data-dir or GMAE_DATA_DIR"


def data_folder(data_dir: str | Path | None) -> Path | None:
    """`data_dir`, or else the folder of $GMAE_DATA_DIR, or None.

    Raises
    ------
    UserError: that is no folder.
    """
    folder = data_dir or os.environ.get("GMAE_DATA_DIR")
    if not folder:
        return None
    if not Path(folder).is_dir():
        named = "--data-dir" if data_dir else "GMAE_DATA_DIR"
        raise UserError(f"there is no folder {folder}, which {named} names: correct it.")
    return Path(folder)


def find(data_dir: str | Path | None, dataset: str, *names: str) -> Path | None:
    """The first of the files or folders `names` in the data folder or in its folder `dataset`."""
    folder = data_folder(data_dir)
    if folder is None:
        return None
    places = (place / name for name in names for place in (folder, folder / dataset))
    return next((path for path in places if path.exists()), None)


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of an .npz file by name, or {"images": ...} of an .npy file; never pickles.

    Raises
    ------
    UserError: the file is damaged, or holds Python objects.
    """
    try:
        content = np.load(path, allow_pickle=False)
        if isinstance(content, np.ndarray):
            return {"images": content}
        with content:
            return {name: content[name] for name in content.files}
    except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
        raise UserError(
            f"{path} is not a readable NumPy file of plain arrays: replace it."
        ) from error


def need(arrays: dict[str, NDArray[Any]], names: tuple[str, ...], path: Path) -> None:
    """UserError if the file at `path` lacks one of the arrays `names`."""
    missing = [name for name in names if name not in arrays]
    if missing:
        raise UserError(
            f"{path} holds {', '.join(sorted(arrays)) or 'nothing'} but no {missing[0]}: "
            f"it needs {', '.join(names)}."
        )
