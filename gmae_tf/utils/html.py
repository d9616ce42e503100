"""HTML pages: a Jinja environment in which all text is escaped, and images as data URIs."""

from __future__ import annotations

import base64
import struct
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment

SHARED = Path(__file__).parent / "templates"
"""Templates that every page may include: `page.css.j2`."""


def page_environment(templates: Path, *, autoescape: bool = True) -> Environment:
    """Jinja environment of a folder of templates; text is escaped, missing values are errors."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader([templates, SHARED]),
        autoescape=autoescape,  # noqa: S701 - False where a template makes plain text
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(uri=_uri, size=png_size)
    return made


def png_size(data: bytes) -> tuple[int, int]:
    """Width and height in pixels, from the header of a PNG."""
    width, height = struct.unpack(">II", data[16:24])
    return int(width), int(height)


def _uri(data: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(data).decode("ascii")
