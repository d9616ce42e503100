"""Where files of published data sets are looked for, how arrays are read, and downloads."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from gmae_tf.errors import UserError
from gmae_tf.utils.bundle import readable
from gmae_tf.utils.npz import load_arrays

PLACE = "the folder of --data-dir or GMAE_DATA_DIR"
BATCH = 1000


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


def read_arrays(path: Path, needed: tuple[str, ...] = ()) -> dict[str, NDArray[Any]]:
    """The arrays of an .npz file by name, or {"images": ...} of an .npy file; never pickles.

    Raises
    ------
    UserError: the file is damaged, holds Python objects, or lacks one of the arrays `needed`.
    """
    with readable(f"{path} is not a readable NumPy file of plain arrays: replace it."):
        arrays = load_arrays(path)
    if "" in arrays:
        return {"images": arrays[""]}
    missing = [name for name in needed if name not in arrays]
    if missing:
        raise UserError(
            f"{path} holds {', '.join(sorted(arrays)) or 'nothing'} but no {missing[0]}: "
            f"it needs {', '.join(needed)}."
        )
    return arrays


def tfds_batches(
    dataset: str, splits: tuple[str, ...], data_dir: Path | None, hint: str
) -> tuple[str, list[int], Iterator[dict[str, NDArray[Any]]]]:
    """Version, sizes of the splits, and batches of all of them, by tensorflow-datasets.

    The package is optional and imported only here.  Batches are in the order of the files.

    Raises
    ------
    UserError: without the package, or when it cannot get the data; it ends with `hint`.
    """
    try:
        tfds: Any = importlib.import_module("tensorflow_datasets")
    except ImportError as error:
        raise UserError(
            f"{dataset} is not in {PLACE}: {hint}, or pip install tensorflow-datasets."
        ) from error
    folder = data_folder(data_dir)
    prepared = folder is not None and any((folder / dataset).glob("*/dataset_info.json"))
    try:
        builder = tfds.builder(dataset, **({"data_dir": str(folder)} if prepared else {}))
        builder.download_and_prepare()
    except Exception as error:
        first = str(error).strip().splitlines()[:1] or [type(error).__name__]
        raise UserError(
            f"tensorflow-datasets cannot get {dataset} ({first[0].rstrip('.')[:200]}): {hint}."
        ) from error
    batches = (
        batch
        for split in splits
        for batch in tfds.as_numpy(
            builder.as_dataset(split=split, batch_size=BATCH, shuffle_files=False)
        )
    )
    sizes = [int(builder.info.splits[split].num_examples) for split in splits]
    return str(builder.info.full_name), sizes, batches
