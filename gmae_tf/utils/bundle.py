"""Folders of a saved model: its files, and a JSON description with their checksum."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tokenize import TokenError
from typing import Any
from zipfile import BadZipFile

from gmae_tf.errors import UserError
from gmae_tf.utils.json import write_json

UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    RuntimeError,
    OverflowError,
    MemoryError,
    SyntaxError,
    TokenError,
    BadZipFile,
    zlib.error,
)
"""What reading a damaged or foreign folder may raise, network and weights included."""


def write_description(path: Path, content: Mapping[str, Any], files: Sequence[str]) -> None:
    """Write a JSON file with the SHA-256 of `files`, which lie beside it.

    Call it last: a folder without a description, or with an older one, is not read.

    Raises
    ------
    UserError: the folder cannot be written.
    """
    write_json(path, {**content, "sha256": _checksum(path.parent, files)})


def read_description(path: Path, files: Sequence[str]) -> dict[str, Any]:
    """Inverse of `write_description`; raises one of `UNREADABLE`."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if _checksum(path.parent, files) != content["sha256"]:
        raise ValueError("a file is damaged or of another model")
    return content


@contextmanager
def readable(sentence: str) -> Iterator[None]:
    """A block that reads what may be damaged; `UserError` of this sentence where it is.

    "{why}" in the sentence becomes the first line of the error.
    """
    try:
        yield
    except UserError:
        raise
    except UNREADABLE as error:
        raise UserError(sentence.replace("{why}", first_line(error))) from error


def first_line(error: BaseException) -> str:
    """The reason of an error, for one sentence."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def _checksum(folder: Path, files: Sequence[str]) -> str:
    whole = sha256()
    for name in files:
        whole.update((folder / name).read_bytes())
    return whole.hexdigest()
