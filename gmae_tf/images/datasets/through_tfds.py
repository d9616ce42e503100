"""Data sets that tensorflow-datasets downloads; it is optional and imported only here."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmae_tf.errors import UserError
from gmae_tf.images.datasets.files import PLACE, data_folder
from gmae_tf.images.datasets.image_data import Images

BATCH = 1000


def load_splits(
    dataset: str, splits: tuple[str, ...], data_dir: Path | None, hint: str
) -> list[tuple[Images, NDArray[Any]]]:
    """Images [N, H, W, C] and labels [N] of each split, in the order of its files.

    Raises
    ------
    UserError: without the package, or when it cannot get the data; it ends with `hint`.
    """
    builder = prepare(dataset, data_dir, hint)
    tfds = importlib.import_module("tensorflow_datasets")
    stacks = []
    for split in splits:
        batches = builder.as_dataset(split=split, batch_size=BATCH, shuffle_files=False)
        pairs = [(batch["image"], batch["label"]) for batch in tfds.as_numpy(batches)]
        images, labels = zip(*pairs, strict=True)
        stacks.append((np.concatenate(images), np.concatenate(labels)))
    return stacks


def prepare(dataset: str, data_dir: Path | None, hint: str) -> Any:
    """The builder of a data set whose files are there; errors as in `load_splits`."""
    tfds = _package(dataset, hint)
    try:
        builder = tfds.builder(dataset, **_place(data_dir, dataset))
        builder.download_and_prepare()
    except Exception as error:
        raise _failed(dataset, hint, error) from error
    return builder


def iterate_images(builder: Any, split: str) -> Iterator[Images]:
    """The images [H, W, C] of a split one by one, in the order of its files."""
    tfds = importlib.import_module("tensorflow_datasets")
    for example in tfds.as_numpy(builder.as_dataset(split=split, shuffle_files=False)):
        yield np.asarray(example["image"])


def _package(dataset: str, hint: str) -> Any:
    try:
        return importlib.import_module("tensorflow_datasets")
    except ImportError as error:
        raise UserError(
            f"{dataset} is not in {PLACE}: {hint}, or pip install tensorflow-datasets."
        ) from error


def _place(data_dir: Path | None, dataset: str) -> dict[str, str]:
    """The data folder if the set lies there as tensorflow-datasets prepares it, else its own."""
    folder = data_folder(data_dir)
    prepared = folder is not None and any((folder / dataset).glob("*/dataset_info.json"))
    return {"data_dir": str(folder)} if prepared else {}


def _failed(dataset: str, hint: str, error: Exception) -> UserError:
    first = str(error).strip().splitlines()[:1] or [type(error).__name__]
    return UserError(
        f"tensorflow-datasets cannot get {dataset} ({first[0].rstrip('.')[:200]}): {hint}."
    )
