"""Errors of SQLite, in one sentence for the user."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gmae_tf.errors import UserError
from gmae_tf.utils.bundle import UNREADABLE


def damaged(path: Path) -> str:
    """What is said of a file that cannot be read as what it should be."""
    return (
        f"{path} is damaged or not a trial store; move it away to start afresh, or restore it from "
        "a copy."
    )


@contextmanager
def readable_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors about the file, and those of reading what it holds, into one sentence.

    Programming errors pass unchanged.
    """
    try:
        yield
    except (UserError, sqlite3.IntegrityError, sqlite3.ProgrammingError):
        raise
    except UNREADABLE as error:
        raise UserError(damaged(path)) from error
    except sqlite3.OperationalError as error:
        if "decode" in str(error):  # of text that is not UTF-8
            raise UserError(damaged(path)) from error
        if "full" in str(error):
            raise UserError(
                f"{path} cannot be written ({error}): make room, and the same command goes on."
            ) from error
        if "locked" in str(error):
            raise UserError(
                f"{path} is locked by another program; close it and run the same command again."
            ) from error
        raise UserError(
            f"{path} cannot be written ({error}); check the folder, its permissions and free space."
        ) from error
    except sqlite3.DatabaseError as error:
        raise UserError(damaged(path)) from error
