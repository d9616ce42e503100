"""What the names of folders say: which part an image belongs to, and which class."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from gmae_tf.errors import UserError

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


def _natural(name: str) -> list[tuple[int, int, str]]:
    """A key that puts "10" after "9"."""
    pieces = re.findall(r"\d+|\D+", name)
    return [(0, int(p), "") if p.isdecimal() else (1, 0, p) for p in pieces]
