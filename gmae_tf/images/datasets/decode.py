"""Decoding of many images to one array: threads, a progress bar, a cache on the disk."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from gmae_tf.errors import UserError
from gmae_tf.images.datasets.convert import decode_bytes
from gmae_tf.images.datasets.files import need, read_arrays
from gmae_tf.images.datasets.image_data import Images
from gmae_tf.utils.files import atomic_path, make_folder
from gmae_tf.utils.json import write_json
from gmae_tf.utils.parallel import map_threads

T = TypeVar("T")


class Decoded(NamedTuple):
    """What could be read of many files."""

    images: Images
    """[M, H, W, C], in the order of the items; mapped from the disk where it is cached."""
    kept: NDArray[np.int64]
    """[M] places of these items."""
    dropped: tuple[str, ...]
    """One line for each of the others: its name and the reason."""


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
    """`decode(item)` of all items, each [H, W, C] of that `shape`.

    An item for which `decode` raises an exception is dropped.  Threads do, for Pillow decodes
    without the interpreter's lock.

    Parameters
    ----------
    names : what each item is called in `dropped`.
    label : what the progress bar says.
    cache : name for the stack in the user's cache, see `cache_name`; None: keep it in memory.
        A cache that cannot be written is done without.
    threads : as many as there are cores; 1 calls `decode` strictly in order.
    """

    def fill(out: Images) -> tuple[NDArray[np.int64], tuple[str, ...]]:
        return _fill(out, items, names, decode, label, threads)

    if cache is not None:
        with suppress(OSError, UserError):
            return _cached(cache, fill, (len(items), *shape))
    out = np.empty((len(items), *shape), dtype=np.uint8)
    kept, dropped = fill(out)
    return Decoded(out[: len(kept)], kept, dropped)


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


def reason(error: Exception) -> str:
    """Why an image could not be read, in a few words and without its path."""
    from PIL import Image, UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return "is not an image that Pillow can read"
    if isinstance(error, Image.DecompressionBombError):
        return "is too large to be decoded safely"
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be opened ({error.strerror})"
    return f"cannot be decoded ({' '.join(str(error).split()) or type(error).__name__})"


class Blob(NamedTuple):
    """The images that could be decoded, and what else the file says of them."""

    images: Images
    """[N, H, W, C]."""
    arrays: dict[str, NDArray[Any]]
    """[N] each, by name."""
    dropped: tuple[str, ...]
    """One line for each image that could not be decoded."""


def read_blob(
    path: Path, columns: tuple[str, ...], shape: tuple[int, int, int], *, label: str
) -> Blob:
    """Encoded images in one .npz, each of that shape, and its arrays `columns`.

    Image i is the file in blob[offsets[i]:offsets[i + 1]].

    Decoded once into the user's cache and mapped from there.

    Raises
    ------
    UserError: the file is damaged or of another layout, or most images are.
    """
    arrays = read_arrays(path)
    need(arrays, ("blob", "offsets", *columns), path)
    blob, offsets = arrays["blob"], arrays["offsets"].astype(np.int64)
    n = len(offsets) - 1
    whole = (
        n >= 1 and offsets[0] >= 0 and offsets[-1] <= len(blob) and (np.diff(offsets) >= 0).all()
    )
    if not whole or any(len(arrays[name]) != n for name in columns):
        raise UserError(f"{path} has offsets that do not fit its other arrays: replace it.")

    def decode(place: int) -> Images:
        image = decode_bytes(blob[offsets[place] : offsets[place + 1]].tobytes())
        if image.shape != shape:
            raise ValueError(f"it is {image.shape[1]} x {image.shape[0]}")
        return image

    decoded = decode_all(
        range(n),
        [f"image {place} of {path.name}" for place in range(n)],
        decode,
        shape,
        label=label,
        cache=cache_name(path.stem, shape, fingerprint(path.parent, [path.name])),
    )
    refuse_mostly_lost(str(path), n, decoded.dropped)
    kept = {name: arrays[name][decoded.kept] for name in columns}
    return Blob(decoded.images, kept, decoded.dropped)


def _fill(
    out: Images,
    items: Sequence[T],
    names: Sequence[str],
    decode: Callable[[T], Images],
    label: str,
    threads: int | None,
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Write what can be read to the first rows of `out`; their places, and lines for the rest."""

    def attempt(item: T) -> Images | str:
        try:
            return decode(item)
        except Exception as error:  # Pillow raises a dozen kinds on damaged files
            return reason(error)

    kept: list[int] = []
    dropped: list[str] = []
    for place, result in enumerate(map_threads(attempt, items, label, threads=threads)):
        if isinstance(result, str):
            dropped.append(f"{names[place]} {result}")
        else:
            out[len(kept)] = result
            kept.append(place)
    return np.array(kept, dtype=np.int64), tuple(dropped)


def _cached(
    name: str,
    fill: Callable[[Images], tuple[NDArray[np.int64], tuple[str, ...]]],
    shape: tuple[int, int, int, int],
) -> Decoded:
    """The stack of that name in the user's cache, made by `fill` if it is not there.

    The JSON file is written last, so that a stack with one is whole.
    """
    import pooch

    folder = make_folder(Path(pooch.os_cache("gmae")))
    stack, record = folder / f"{name}.npy", folder / f"{name}.json"
    with suppress(OSError, ValueError, KeyError, TypeError):
        known = json.loads(record.read_text())
        images = np.load(stack, mmap_mode="r")
        if images.shape == shape and images.dtype == np.uint8:
            return _from_record(images, known["dropped_places"], tuple(known["dropped"]))
    # A mapped file that outgrows its disk kills the process, so look before.
    if shutil.disk_usage(folder).free < 1.1 * math.prod(shape):
        raise UserError(f"{folder} has no room for {stack.name}.")
    with atomic_path(stack) as temporary:
        mapped = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.uint8, shape=shape)
        kept, dropped = fill(mapped)
        mapped.flush()
        del mapped  # Windows replaces no file that is open
    lost = np.setdiff1d(np.arange(shape[0]), kept).tolist()
    write_json(record, {"dropped_places": lost, "dropped": dropped}, indent=None)
    return _from_record(np.load(stack, mmap_mode="r"), lost, dropped)


def _from_record(images: Images, lost: Sequence[int], dropped: tuple[str, ...]) -> Decoded:
    kept = np.setdiff1d(np.arange(len(images)), np.asarray(lost, dtype=np.int64))
    return Decoded(images[: len(kept)], kept, dropped)
