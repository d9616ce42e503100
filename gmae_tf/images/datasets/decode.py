"""Many image files to one stack, in threads, with a progress bar, and kept for the next time."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from gmae_tf.errors import UserError
from gmae_tf.images.datasets.image_data import Images
from gmae_tf.utils.files import atomic_path, make_folder, write_atomic

T = TypeVar("T")
R = TypeVar("R")
CHUNK = 1000
"""Items decoded between two steps of the progress bar; bounds what waits in memory."""


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


def map_threads(
    function: Callable[[T], R], items: Sequence[T], label: str, threads: int | None = None
) -> Iterator[R]:
    """`function(item)` for each item, in order, with a progress bar on stderr."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    progress = Progress(
        *columns,
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty() or len(items) < CHUNK,
    )
    with ThreadPoolExecutor(threads or min(8, os.cpu_count() or 1)) as pool, progress:
        task = progress.add_task(label, total=len(items))
        for start in range(0, len(items), CHUNK):
            yield from pool.map(function, items[start : start + CHUNK])
            progress.update(task, completed=min(start + CHUNK, len(items)))


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
    for place, result in enumerate(map_threads(attempt, items, label, threads)):
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
    write_atomic(record, json.dumps({"dropped_places": lost, "dropped": dropped}))
    return _from_record(np.load(stack, mmap_mode="r"), lost, dropped)


def _from_record(images: Images, lost: Sequence[int], dropped: tuple[str, ...]) -> Decoded:
    kept = np.setdiff1d(np.arange(len(images)), np.asarray(lost, dtype=np.int64))
    return Decoded(images[: len(kept)], kept, dropped)
