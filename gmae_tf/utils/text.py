"""Text files of the usual encodings and line ends, plain or gzipped."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from pathlib import Path
from typing import NamedTuple

from gmae_tf.errors import UserError
from gmae_tf.utils.files import as_path

_BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_NO_TEXT = (
    (b"PK\x03\x04", "a spreadsheet or another zip archive"),
    (b"\xd0\xcf\x11\xe0", "a spreadsheet of an old kind"),
    (b"%PDF", "a PDF"),
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
)
_GZIP = b"\x1f\x8b"
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
_LOOKED_AT = 4096
MOST_UNPACKED, HIGHEST_RATIO = 200_000_000, 20
"""Bytes to which a gzipped file may unpack, whatever its size; and times its size beyond that."""


class Text(NamedTuple):
    """Lines of a text file without their ends, and what was assumed to read them."""

    lines: tuple[str, ...]
    notes: tuple[str, ...] = ()


def read_text(path: str | Path) -> Text:
    r"""Lines of a text file: UTF-8, UTF-16 or UTF-32, else Latin-1; ends of any system.

    Gzipped content is unpacked, whatever the file's name.  That a file was read as Latin-1, a
    guess, stands in the notes.

    Raises
    ------
    UserError: there is no such file, or it holds no text.
    """
    return decode(read_bytes(path), str(path))


def read_bytes(path: str | Path) -> bytes:
    """Content of a file, unpacked if it is gzipped; `UserError` if it cannot be read."""
    path = as_path(path)
    try:
        content = path.read_bytes()
        return _unpacked(content) if content.startswith(_GZIP) else content
    except (OSError, EOFError, ValueError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"cannot read {path} ({reason}): name another file.") from error


def _unpacked(content: bytes) -> bytes:
    """Gzipped content; `ValueError` for far more than text can be packed into so little."""
    most = max(MOST_UNPACKED, HIGHEST_RATIO * len(content))
    with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
        unpacked = file.read(most + 1)
    if len(unpacked) > most:
        raise ValueError(f"it unpacks to more than {most:,} bytes")
    return unpacked


def decode(content: bytes, name: str) -> Text:
    r"""As `read_text`, of the content of the file `name`.

    >>> decode("x,y\r\n1,2".encode("utf-16"), "points.csv").lines
    ('x,y', '1,2')
    >>> decode("café".encode("latin-1"), "names.txt")
    Text(lines=('café',), notes=('read as Latin-1, as it is not UTF-8',))
    """
    start = content[:64].lstrip().lower()
    for signature, what in _NO_TEXT:
        if start.startswith(signature.lower()):
            raise UserError(f"{name} is {what}, not a text file: save it as CSV and give that.")
    encoding = _encoding(content)
    notes: tuple[str, ...] = ()
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        if encoding != "utf-8":
            raise _no_text(name) from None
        try:  # as the browsers do: what Latin-1 leaves to controls are Windows' quotes and dashes
            text = content.decode("cp1252")
        except UnicodeDecodeError:
            raise _no_text(name) from None
        notes = ("read as Latin-1, as it is not UTF-8",)
    text = text.rstrip("\x1a")  # the end of a file in DOS
    if _CONTROLS.search(text):
        raise _no_text(name)
    # Not str.splitlines, which also cuts at what is no end of a line in an editor.
    lines = re.split(r"\r\n|\n|\r", text)
    return Text(tuple(lines[:-1] if lines[-1] == "" else lines), notes)


def _no_text(name: str) -> UserError:
    return UserError(f"{name} is not a text file: save it as plain text (UTF-8) and give that.")


def _encoding(content: bytes) -> str:
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            return encoding
    # UTF-16 without its mark has a zero in every other byte of what Western files hold.
    even, odd = content[:_LOOKED_AT:2].count(0), content[1:_LOOKED_AT:2].count(0)
    few = len(content[:_LOOKED_AT]) / 5
    if odd > few and not even:
        return "utf-16-le"
    return "utf-16-be" if even > few and not odd else "utf-8"
