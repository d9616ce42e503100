"""Locks of folders: one process at a time writes a run."""

from __future__ import annotations

import os
from pathlib import Path

from gmae_tf.errors import UserError

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows has no such locks
    fcntl = None  # type: ignore[assignment]

LOCK = ".lock"
_held: dict[Path, int] = {}
"""Open files of the folders that this process holds, by their real paths."""


def lock_folder(folder: str | Path) -> None:
    """Hold a folder for this process until it ends.

    The lock is the operating system's (flock), so that a crash or a kill leaves none behind.  A
    folder that does not exist yet is not locked, and a place without locks is left as it is.

    Raises
    ------
    UserError: another process holds it; the sentence has its number.
    """
    path = Path(folder).resolve()
    if fcntl is None or path in _held or not path.is_dir():
        return
    try:
        file = os.open(path / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError:  # what writes there will say why it cannot
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        number = os.read(file, 20).decode(errors="replace").strip()
        os.close(file)
        raise UserError(
            f"{folder} is in use by process {number or 'of another program'}: wait until it has "
            "ended, or choose another folder."
        ) from None
    except OSError:  # no locks on this file system
        os.close(file)
        return
    os.truncate(file, 0)
    os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
    _held[path] = file


def lock_run(folder: str | Path) -> None:
    """Hold the folder of a run, if it is one, as `lock_folder` does; no other folder is touched."""
    if (Path(folder) / "config.yaml").is_file():
        lock_folder(folder)
