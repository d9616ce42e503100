"""Autoencoders for Keras 3 whose latent space matches a prior of your choice.

Public names are imported on first use, so that `import gmae_tf` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gmae_tf.autoencoder import Autoencoder
    from gmae_tf.density import LatentDensity
    from gmae_tf.errors import UserError
    from gmae_tf.penalties import GaussianMixturePenalty, LatentRegularizer, NormPenalty
    from gmae_tf.prior import GaussianMixture

_HOME = {
    "Autoencoder": "gmae_tf.autoencoder",
    "GaussianMixture": "gmae_tf.prior",
    "GaussianMixturePenalty": "gmae_tf.penalties",
    "LatentDensity": "gmae_tf.density",
    "LatentRegularizer": "gmae_tf.penalties",
    "NormPenalty": "gmae_tf.penalties",
    "UserError": "gmae_tf.errors",
}

__all__ = [
    "Autoencoder",
    "GaussianMixture",
    "GaussianMixturePenalty",
    "LatentDensity",
    "LatentRegularizer",
    "NormPenalty",
    "UserError",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'gmae_tf' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)
