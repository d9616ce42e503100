"""Folders of images: parts and classes by the names of subfolders."""

from __future__ import annotations

import hashlib
import os
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np

from gmae_tf.errors import UserError
from gmae_tf.images.datasets.convert import Header, read_header, read_picture
from gmae_tf.images.datasets.decode import (
    cache_name,
    decode_all,
    fingerprint,
    readable,
    refuse_mostly_lost,
)
from gmae_tf.images.datasets.image_data import MIN_IMAGES, ImageData, Indices, Parts, assemble

CACHED_FROM = 5000
"""Folders with so many images are decoded once, into the user's cache."""
MAX_BYTES = 32e9
ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif")
PART_NAMES = {
    "train": "train", "training": "train",
    "validation": "validation", "valid": "validation", "val": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip


class Place(NamedTuple):
    """An image below the folder."""

    name: str
    """Relative path with slashes."""
    part: str | None
    """train, validation or test; None where the folder has no such subfolders."""
    class_name: str | None
    """Its subfolder; None where images are not sorted into subfolders."""


def load_folder(root: Path, side: int | None, channels: int | None, seed: int) -> ImageData:
    """All images below `root`, divided by its subfolders train, val and test or else at random.

    At random it is 80 : 10 : 10 by `seed`; a part without a folder is drawn from training.  With
    a `side` the largest centred square of each image is resized by Lanczos.  Files that cannot be
    read, and further copies of a file, are dropped.

    Raises
    ------
    UserError: no images, images of different sizes or of a size that cannot be used (without
        `side`), grey beside RGB (without `channels`), more than half unreadable, or fewer than 50.
    """
    places, dropped, class_names = arrange(list_images(root))
    lost: dict[int, str] = {}
    names = [place.name for place in places]
    files = [root / name for name in names]
    found = list(readable(read_header, files, names, lost, f"reading {root.name}"))
    refuse_mostly_lost(str(root), len(places), list(lost.values()))
    places = [place for row, place in enumerate(places) if row not in lost]
    headers = dict(zip((place.name for place in places), found, strict=True))
    copies = _copies(root, places)
    places = [place for place in places if place.name not in copies]
    names = [place.name for place in places]
    shape = _shape(root, {name: headers[name] for name in names}, side, channels)
    if len(places) * np.prod(shape, dtype=float) > MAX_BYTES:
        raise UserError(
            f"{len(places):,} images of {shape[0]} x {shape[1]} in {root} are too much: "
            "give a smaller --side."
        )
    cached = len(places) >= CACHED_FROM
    decoded = decode_all(
        [root / name for name in names],
        names,
        lambda path: read_picture(path, shape[2], side),
        shape,
        label=f"decoding {root.name}",
        cache=cache_name("folder", shape, side, fingerprint(root, names)) if cached else None,
    )
    unreadable = [*lost.values(), *decoded.dropped]
    refuse_mostly_lost(str(root), len(headers) + len(lost), unreadable)
    dropped += [*lost.values(), *copies.values(), *decoded.dropped]
    places = [places[row] for row in decoded.kept]
    if len(places) < MIN_IMAGES:
        such = f" ({len(dropped)} were dropped, such as: {dropped[0]})" if dropped else ""
        raise UserError(
            f"{root} has {len(places)} usable images{such}: at least {MIN_IMAGES} are needed."
        )
    parts, division = _divide(root, places, seed)
    numbers = {name: number for number, name in enumerate(class_names or ())}
    labels = np.array([numbers[place.class_name or ""] for place in places]) if numbers else None
    size = f"{shape[1]} x {shape[0]}" + (", cropped and resized" if side else "")
    source = f"{len(places):,} images from the folder {root.name}, {size}, {division}."
    name = root.resolve().name
    return assemble(name, decoded.images, labels, parts, class_names, source, dropped)


def list_images(root: Path) -> list[str]:
    """Relative paths, sorted, of all images below `root`; hidden files and folders are left out.

    Raises
    ------
    UserError: there is none.
    """
    names = []
    for folder, inner, files in os.walk(root):
        inner[:] = [name for name in inner if not name.startswith((".", "__MACOSX"))]
        names += [
            (Path(folder) / name).relative_to(root).as_posix()
            for name in files
            if name.lower().endswith(ENDINGS) and not name.startswith(".")
        ]
    if not names:
        raise UserError(f"{root} has no images: put files ending in {', '.join(ENDINGS)} into it.")
    return sorted(names)


def arrange(names: Sequence[str]) -> tuple[list[Place], list[str], tuple[str, ...] | None]:
    """Places of the images, lines for those outside of the parts, and the names of the classes.

    The top folders are parts if one is called train and all are called train, val or test, or if
    train and another part stand among other things.  Subfolders (of each part) are classes if
    every image lies in one and there are at least two.
    """
    paths = [PurePosixPath(name).parts for name in names]
    tops = {parts[0] if len(parts) > 1 else "" for parts in paths}
    found = {PART_NAMES[top.lower()] for top in tops if top.lower() in PART_NAMES}
    only = all(top.lower() in PART_NAMES for top in tops)
    divided = "train" in found and (only or len(found) > 1)
    places, outside = [], []
    for name, parts in zip(names, paths, strict=True):
        part = PART_NAMES.get(parts[0].lower()) if divided and len(parts) > 1 else None
        if divided and part is None:
            outside.append(f"{name} lies outside of the folders train, validation and test")
            continue
        below = parts[1:] if divided else parts
        places.append(Place(name, part, below[0] if len(below) > 1 else None))
    classes = {place.class_name for place in places}
    if None in classes or len(classes) < 2:
        return [place._replace(class_name=None) for place in places], outside, None
    return places, outside, tuple(sorted(filter(None, classes), key=_natural))


def _copies(root: Path, places: Sequence[Place]) -> dict[str, str]:
    """A line for each further copy of a file, so that no image is in two parts.

    Test images are kept first.  Only files of equal length are compared.
    """
    order = {"test": 0, "validation": 1}
    sizes: dict[int, list[Place]] = defaultdict(list)
    for place in sorted(places, key=lambda p: order.get(p.part or "", 2)):
        sizes[(root / place.name).stat().st_size].append(place)
    first: dict[bytes, str] = {}
    copies = {}
    for place in (place for group in sizes.values() if len(group) > 1 for place in group):
        content = hashlib.sha256((root / place.name).read_bytes()).digest()
        if first.setdefault(content, place.name) != place.name:
            copies[place.name] = f"{place.name} is a copy of {first[content]}"
    return copies


def _shape(
    root: Path, headers: dict[str, Header], side: int | None, channels: int | None
) -> tuple[int, int, int]:
    """Height, width and channels of the stack."""
    kinds = {header.grey: name for name, header in reversed(headers.items())}  # the first of each
    if channels is None and len(kinds) == 2:
        raise UserError(
            f"{root} mixes grey images ({kinds[True]}) with RGB images ({kinds[False]}): "
            "give --channels 1 or --channels 3 to make them alike."
        )
    depth = channels or (1 if False not in kinds else 3)
    if side is not None:
        return side, side, depth
    (first, (*size, _)), *_ = headers.items()
    hint = "give --side 64, or another multiple of 4, to crop and resize all."
    for other, (*found, _) in headers.items():
        if found != size:
            a, b = (f"{n} is {w} x {h}" for n, (w, h) in ((first, size), (other, found)))
            raise UserError(f"images in {root} have different sizes ({a}, {b}): {hint}")
    if size[0] != size[1] or size[0] % 4 or size[0] < 8:
        raise UserError(
            f"the images in {root} are {size[0]} x {size[1]}, not square with a multiple of 4: "
            f"{hint}"
        )
    return size[1], size[0], depth


def _divide(root: Path, places: Sequence[Place], seed: int) -> tuple[Parts, str]:
    """The parts, each in random order (folders are sorted by class), and how they came about."""
    rng = np.random.default_rng(seed)
    rows: dict[str, Indices] = {}
    for part in Parts._fields:
        own = [row for row, p in enumerate(places) if (p.part or "train") == part]
        rows[part] = rng.permutation(np.array(own, dtype=np.int64))
    drawn = [part for part in ("validation", "test") if not len(rows[part])]
    share = len(places) // 10
    if len(rows["train"]) <= share * len(drawn):
        raise UserError(f"{root} has only {len(rows['train'])} training images: move some there.")
    for part in drawn:
        rows["train"], rows[part] = rows["train"][:-share], rows["train"][-share:]
    if len(drawn) == 2:
        return Parts(**rows), f"drawn apart 80 : 10 : 10 by seed {seed}"
    taken = f", {drawn[0]} drawn from training by seed {seed}" if drawn else ""
    return Parts(**rows), f"divided by its folders{taken}"


def _natural(name: str) -> list[tuple[int, int, str]]:
    """A key that puts "10" after "9"."""
    pieces = re.findall(r"\d+|\D+", name)
    return [(0, int(p), "") if p.isdecimal() else (1, 0, p) for p in pieces]
