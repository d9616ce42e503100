"""CelebA, aligned and cropped faces (Liu et al. 2015)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmae_tf.errors import UserError
from gmae_tf.images.datasets import through_tfds
from gmae_tf.images.datasets.convert import read_face, shrink_face
from gmae_tf.images.datasets.decode import (
    Decoded,
    cache_name,
    decode_all,
    fingerprint,
    refuse_mostly_lost,
)
from gmae_tf.images.datasets.files import PLACE, find
from gmae_tf.images.datasets.image_data import ImageData, Images, Parts, assemble

CROP, SIDE = 140, 64
FOLDER = "img_align_celeba"
PARTITIONS = ("list_eval_partition.txt", "list_eval_partition.csv")
HINT = (
    f"put the unpacked folder {FOLDER} and {PARTITIONS[0]} of "
    f"https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html into {PLACE}"
)
SPLITS = ("train", "validation", "test")


def load_celeba(name: str, data_dir: Path | None, side: int | None) -> ImageData:
    """RGB faces: the centre 140 x 140 of 178 x 218, bilinear to 64 x 64 (or `side`).

    From the folder of JPEGs with its partition file, else by tensorflow-datasets; decoded once
    into the user's cache and mapped from there.  The partition file has 162,770 + 19,867 + 19,962
    images (the GMAE paper counts 162,721 + 19,866 + 19,961).

    Raises
    ------
    UserError: one of the two without the other, a partition file of another layout, or neither
        files nor tensorflow-datasets.
    """
    edge = side or SIDE
    folder, partition = find(data_dir, name, FOLDER), find(data_dir, name, *PARTITIONS)
    if folder and partition:
        decoded, splits, lines = _from_folder(folder, partition, edge)
        origin = f"{FOLDER} and {partition.name}"
    elif folder or partition:
        raise UserError(f"{PARTITIONS[0] if folder else FOLDER} of CelebA is missing: {HINT}.")
    else:
        decoded, splits = _from_tfds(data_dir, edge)
        lines, origin = (), "tensorflow-datasets (celeb_a)"
    refuse_mostly_lost(str(folder or "tensorflow-datasets"), len(splits), decoded.dropped)
    codes = splits[decoded.kept]
    parts = Parts(*(np.flatnonzero(codes == code) for code in range(3)))
    if not all(len(part) for part in parts):
        raise UserError(f"CelebA in {folder or 'tensorflow-datasets'} has an empty part: {HINT}.")
    source = (
        f"CelebA from {origin}, published partition, centre {CROP} x {CROP} "
        f"resized to {edge} x {edge}."
    )
    dropped = (*decoded.dropped, *lines)
    return assemble(name, decoded.images, None, parts, None, source, dropped)


def read_partition(path: Path) -> dict[str, int]:
    """File name -> 0 (training), 1 (validation) or 2 (test).

    Raises
    ------
    UserError: a line is something else.
    """
    partition = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read as text: replace it.") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("image_id"):
            continue
        match = re.fullmatch(r"(\S+?)[\s,]+([012])\s*", line)
        if match is None:
            raise UserError(
                f'{path}, line {number}: "{line.strip()[:60]}" is no file name and 0, 1 or 2.'
            )
        partition[match[1]] = int(match[2])
    return partition


def _from_folder(
    folder: Path, partition: Path, side: int
) -> tuple[Decoded, NDArray[Any], tuple[str, ...]]:
    """Faces in the order of the parts; the part of each; lines for what does not fit together."""
    if (folder / FOLDER).is_dir():  # some archives hold the folder twice
        folder = folder / FOLDER
    listed = read_partition(partition)
    found = {p.name for p in folder.iterdir() if p.suffix.lower() in (".jpg", ".jpeg", ".png")}
    found = {name for name in found if not name.startswith(".")}
    names = sorted(found & listed.keys(), key=lambda name: (listed[name], name))
    if not names:
        raise UserError(f"{folder} has no image that {partition} lists: {HINT}.")
    lines = [f"{name} is not in {partition.name}" for name in sorted(found - listed.keys())]
    missing = sorted(listed.keys() - found)
    if missing:
        lines.append(f"{missing[0]} and {len(missing) - 1} more of {partition.name} are not there")
    decoded = decode_all(
        [folder / name for name in names],
        names,
        lambda path: read_face(path, CROP, side),
        (side, side, 3),
        label="decoding CelebA",
        cache=cache_name("celeba", CROP, side, fingerprint(folder, names), sorted(listed.items())),
    )
    return decoded, np.array([listed[name] for name in names]), tuple(lines)


def _from_tfds(data_dir: Path | None, side: int) -> tuple[Decoded, NDArray[Any]]:
    builder = through_tfds.prepare("celeb_a", data_dir, HINT)
    sizes = [int(builder.info.splits[split].num_examples) for split in SPLITS]
    names = [f"{split} image {i}" for split, n in zip(SPLITS, sizes, strict=True) for i in range(n)]
    decoded = decode_all(
        range(len(names)),
        names,
        _Stream(builder, side),
        (side, side, 3),
        label="reading CelebA",
        cache=cache_name("celeba", CROP, side, str(builder.info.full_name)),
        threads=1,
    )
    return decoded, np.repeat(np.arange(3), sizes)


class _Stream:
    """Face i of a builder, for i = 0, 1, ...; a call with 0 starts again."""

    def __init__(self, builder: Any, side: int) -> None:
        self.builder, self.side = builder, side
        self.faces: Iterator[Images] = iter(())

    def __call__(self, place: int) -> Images:
        from PIL import Image

        if place == 0:
            images = (through_tfds.iterate_images(self.builder, split) for split in SPLITS)
            self.faces = chain.from_iterable(images)
        return shrink_face(Image.fromarray(next(self.faces)), CROP, self.side)
