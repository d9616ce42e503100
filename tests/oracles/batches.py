"""What the terms of a model see of a batch."""

from __future__ import annotations

from typing import Any

from gmae_tf.autoencoder import Autoencoder, Batch


def seen_by(model: Autoencoder, x: Any, training: bool = True) -> Batch:
    """The batch after a pass through both networks."""
    outputs = model(x, training=training)
    fields = (outputs[name] for name in ("encoded", "drawn", "reconstruction"))
    return Batch(model, x, *fields, training)
