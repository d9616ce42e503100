"""Decoding of many images to one array: threads, a progress bar, a cache on the disk."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from gmae_tf.errors import UserError
from gmae_tf.images.datasets.convert import decode_bytes
from gmae_tf.images.datasets.files import read_arrays
from gmae_tf.images.datasets.image_data import Images
from gmae_tf.utils.files import atomic_path, make_folder
from gmae_tf.utils.json import write_json
from gmae_tf.utils.parallel import map_threads

T = TypeVar("T")
R = TypeVar("R")


class Decoded(NamedTuple):
    """What could be read of many files."""

    images: Images
    """[M, H, W, C], in the order of the items; mapped from the disk where it is cached."""
    kept: NDArray[np.int64]
    """[M] places of these items."""
    dropped: tuple[str, ...]
    """One line for each of the others: its name and the reason."""


def readable(
    read: Callable[[T], R],
    items: Sequence[T],
    names: Sequence[str],
    lost: dict[int, str],
    label: str,
    threads: int | None = None,
) -> Iterator[R]:
    """`read(item)` of the items for which it raises nothing, in order and in threads.

    The others go to `lost`: their place, and a line of name and reason.  `label` is that of the
    progress bar.  Threads do, for Pillow decodes without the interpreter's lock.
    """

    def attempt(item: T) -> tuple[R | None, str]:
        try:
            return read(item), ""
        except Exception as error:  # Pillow raises a dozen kinds on damaged files
            return None, _reason(error)

    for place, (result, why) in enumerate(map_threads(attempt, items, label, threads=threads)):
        if why:
            lost[place] = f"{names[place]} {why}"
        elif result is not None:
            yield result


def decode_all(
    items: Sequence[T],
    names: Sequence[str],
    decode: Callable[[T], Images],
    shape: tuple[int, int, int],
    *,
    label: str,
    cache: str | None = None,
    threads: int | None = None,
) -> Decoded:
    """`decode(item)` of all items, each [H, W, C] of that `shape`, but for those that it refuses.

    Parameters
    ----------
    names, label : see `readable`.
    cache : name for the stack in the user's cache, see `cache_name`; None: keep it in memory.
        A cache that cannot be written is done without.
    threads : as many as there are cores; 1 calls `decode` strictly in order.
    """
    whole, stack, lost = (len(items), *shape), _cache_file(cache), dict[int, str]()
    if stack is not None:
        with suppress(OSError, ValueError, TypeError, AttributeError):
            lines = json.loads(stack.with_suffix(".json").read_text())
            images = np.load(stack, mmap_mode="r")
            if images.shape == whole and images.dtype == np.uint8:
                return _decoded(images, {int(place): line for place, line in lines.items()})
        # A mapped file that outgrows its disk kills the process, so look before.
        room = shutil.disk_usage(stack.parent).free > 1.1 * math.prod(whole)
        stack = stack if room and os.access(stack.parent, os.W_OK) else None
    with nullcontext() if stack is None else atomic_path(stack) as temporary:
        if temporary is None:
            out = np.empty(whole, np.uint8)
        else:
            out = np.lib.format.open_memmap(temporary, "w+", np.uint8, whole)
        for row, image in enumerate(readable(decode, items, names, lost, label, threads)):
            out[row] = image
        if isinstance(out, np.memmap):
            out.flush()
            del out  # Windows replaces no file that is open
    if stack is not None:
        # Written last, so that a stack with one is whole.
        write_json(stack.with_suffix(".json"), lost, indent=None)
        out = np.load(stack, mmap_mode="r")
    return _decoded(out, lost)


def cache_name(dataset: str, *facts: object) -> str:
    """A name that changes with any of `facts` and with Pillow's version, which decodes."""
    import PIL

    text = json.dumps([PIL.__version__, *facts], default=str)
    return f"{dataset}-{hashlib.sha256(text.encode()).hexdigest()[:20]}"


def fingerprint(root: Path, names: Sequence[str]) -> str:
    """A checksum of the names, sizes and times of files below `root`."""
    checksum = hashlib.sha256(str(root.resolve()).encode())
    for name in names:
        with suppress(OSError):
            status = (root / name).stat()
            checksum.update(f"{name}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return checksum.hexdigest()


def refuse_mostly_lost(where: str, n: int, dropped: Sequence[str]) -> None:
    """UserError if more than half of the n images of `where` were dropped."""
    if 2 * len(dropped) > n:
        raise UserError(
            f"{len(dropped):,} of the {n:,} images in {where} could not be read, such as: "
            f"{dropped[0]}; replace them."
        )


def read_blob(
    path: Path, columns: tuple[str, ...], shape: tuple[int, int, int], *, label: str
) -> tuple[Decoded, dict[str, NDArray[Any]]]:
    """Encoded images in one .npz, each of that shape, and the rows kept of its arrays `columns`.

    Image i is the file in blob[offsets[i]:offsets[i + 1]].  Decoded once into the user's cache and
    mapped from there.

    Raises
    ------
    UserError: the file is damaged or of another layout, or most images are.
    """
    arrays = read_arrays(path, ("blob", "offsets", *columns))
    blob, offsets = arrays["blob"], arrays["offsets"].astype(np.int64)
    n = len(offsets) - 1
    ordered = n >= 1 and offsets[0] >= 0 and (np.diff(offsets) >= 0).all()
    if not ordered or offsets[-1] > len(blob) or any(len(arrays[name]) != n for name in columns):
        raise UserError(f"{path} has offsets that do not fit its other arrays: replace it.")

    def decode(place: int) -> Images:
        image = decode_bytes(blob[offsets[place] : offsets[place + 1]].tobytes())
        if image.shape != shape:
            raise ValueError(f"it is {image.shape[1]} x {image.shape[0]}")
        return image

    names = [f"image {place} of {path.name}" for place in range(n)]
    cache = cache_name(path.stem, shape, fingerprint(path.parent, [path.name]))
    decoded = decode_all(range(n), names, decode, shape, label=label, cache=cache)
    refuse_mostly_lost(str(path), n, decoded.dropped)
    return decoded, {name: arrays[name][decoded.kept] for name in columns}


def _reason(error: Exception) -> str:
    """Why an image could not be read, in a few words and without its path."""
    from PIL import Image, UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return "is not an image that Pillow can read"
    if isinstance(error, Image.DecompressionBombError):
        return "is too large to be decoded safely"
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be opened ({error.strerror})"
    return f"cannot be decoded ({' '.join(str(error).split()) or type(error).__name__})"


def _cache_file(name: str | None) -> Path | None:
    """Of a stack in the user's cache; None if it has no name, or there can be no such folder."""
    import pooch

    if name is None:
        return None
    with suppress(UserError):
        return make_folder(Path(pooch.os_cache("gmae"))) / f"{name}.npy"
    return None


def _decoded(images: Images, lost: dict[int, str]) -> Decoded:
    kept = np.setdiff1d(np.arange(len(images)), np.array(list(lost), dtype=np.int64))
    return Decoded(images[: len(kept)], kept, tuple(lost.values()))
