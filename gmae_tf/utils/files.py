"""Files that are written whole or not at all, and folders."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gmae_tf.errors import UserError

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` that replaces it when the block succeeds.

    For libraries that write to a path (NumPy, pandas): the end of the name is kept.  If the block
    raises, the temporary file is removed and `path` is as before.

    Raises
    ------
    UserError: the folder cannot be created or written, or the disk is full.
    """
    path = as_path(path)
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    make_folder(path.parent)
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        # NumPy says how many bytes it has not written, and gives no number.
        if error.errno in FULL or error.errno is None:
            raise UserError(
                f"{path} cannot be written ({error.strerror or error}): make room, and the same "
                "command goes on."
            ) from error
        if error.errno in FORBIDDEN:
            raise UserError(
                f"{path} cannot be written ({error.strerror}): choose another."
            ) from error
        raise
    finally:
        with suppress(OSError):
            temporary.unlink()


def write_atomic(path: str | Path, content: str | bytes) -> None:
    """Write a whole file or nothing: readers and crashes never see half of it.

    Raises
    ------
    UserError: the folder cannot be created or written.
    """
    data = content.encode() if isinstance(content, str) else content
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def make_folder(path: str | Path) -> Path:
    """Create a folder and its parents, and return it.

    Raises
    ------
    UserError: a file is in the way, or the place is not writable.
    """
    path = as_path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise UserError(
            f"the folder {path} cannot be made because a file is in the way: "
            "remove that file or choose another folder."
        ) from error
    except OSError as error:
        raise UserError(
            f"the folder {path} cannot be made ({error.strerror}): choose another folder."
        ) from error
    return path


def as_path(path: str | Path) -> Path:
    """The path that was given.  `UserError` for anything else."""
    try:
        return Path(path)
    except TypeError as error:
        raise UserError(f"{path!r} is no path: give the name of a file or folder") from error
