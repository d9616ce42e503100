"""Autoencoders for Keras 3 whose latent space matches a prior of your choice.

Public names are imported on first use, so that `import gmae_tf` costs nothing.
"""

from __future__ import annotations

import importlib
import os
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from gmae_tf.utils.interrupts import quiet_start

if TYPE_CHECKING:
    from gmae_tf.autoencoder import Autoencoder
    from gmae_tf.density import LatentDensity
    from gmae_tf.errors import UserError
    from gmae_tf.images.model import ImageAutoencoder
    from gmae_tf.models import build_model
    from gmae_tf.penalties import GaussianMixturePenalty, LatentRegularizer, NormPenalty
    from gmae_tf.prior import GaussianMixture

_HOME = {
    "Autoencoder": "gmae_tf.autoencoder",
    "GaussianMixture": "gmae_tf.prior",
    "GaussianMixturePenalty": "gmae_tf.penalties",
    "ImageAutoencoder": "gmae_tf.images.model",
    "LatentDensity": "gmae_tf.density",
    "LatentRegularizer": "gmae_tf.penalties",
    "NormPenalty": "gmae_tf.penalties",
    "UserError": "gmae_tf.errors",
    "build_model": "gmae_tf.models",
}

__all__ = [
    "Autoencoder",
    "GaussianMixture",
    "GaussianMixturePenalty",
    "ImageAutoencoder",
    "LatentDensity",
    "LatentRegularizer",
    "NormPenalty",
    "UserError",
    "build_model",
]


def _choose_backend() -> None:
    """Let Keras use JAX where nobody has chosen and TensorFlow, its default, is missing."""
    try:
        default = find_spec("tensorflow")
    except ImportError:
        default = None
    if default is None and find_spec("jax") and not os.environ.get("KERAS_BACKEND"):
        os.environ["KERAS_BACKEND"] = "jax"


_choose_backend()
# What TensorFlow says of the machine, some of it as an error; its exceptions say what is wrong.
# Set before anybody imports it; a user's 0 shows all.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
quiet_start()


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'gmae_tf' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)
