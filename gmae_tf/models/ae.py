"""Plain autoencoder: nothing shapes its codes; sampling needs a density fitted to them."""

from __future__ import annotations

from gmae_tf.autoencoder import Autoencoder
from gmae_tf.models.config import Parts


def build(parts: Parts) -> Autoencoder:
    """Reconstruction alone."""
    return Autoencoder(*parts.networks(), parts.reconstruction)
