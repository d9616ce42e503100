"""Evaluation of trained image models: metrics and figures.

`measure` gives all numbers.  `material` holds the model, data, codes and densities that they are
made of, `sets` and `generation` compare sets of images, `numbers` is about clusters, codes and
reconstructions, `pictures` draws, `tables` words the results.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gmae_tf.images.evaluation.material import Material
    from gmae_tf.images.evaluation.numbers import measure

_HOME = {
    "Material": "gmae_tf.images.evaluation.material",
    "measure": "gmae_tf.images.evaluation.numbers",
}

__all__ = ["Material", "measure"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)
