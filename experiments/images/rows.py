"""What `experiments.images.compare` compares, by the names of its rows."""

from __future__ import annotations

from dataclasses import replace

from gmae_tf.models import MODELS

PUBLISHED = "gmae-published"
ROWS = {**MODELS, PUBLISHED: replace(MODELS["gmae"], title="GMAE, published loss")}
"""Every model, and the loss of the paper without what the presets add."""
