"""Autoencoders of images: data sets, networks, training, evaluation metrics, figures, report."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gmae_tf.images.model import ImageAutoencoder

_HOME = {"ImageAutoencoder": "gmae_tf.images.model"}

__all__ = ["ImageAutoencoder"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)
