"""GPflow, imported without the second that it needs to rewrite its own docstrings."""

from __future__ import annotations

from check_shapes import config

config.set_rewrite_docstrings(None)
import gpflow  # noqa: E402  # after its setting

__all__ = ["gpflow"]
