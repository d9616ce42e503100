"""A tiny data set and the parts that every model is built from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from gmae_tf.autoencoder import Autoencoder
from gmae_tf.losses import MeanSquaredError
from gmae_tf.models import build_model
from gmae_tf.models.config import Parts, Recipe
from gmae_tf.training.fit import fit

FEATURES = 6


def dense(inputs: int, outputs: int) -> keras.Model:
    x = keras.Input((inputs,))
    h = keras.layers.Dense(32, activation="relu")(x)
    return keras.Model(x, keras.layers.Dense(outputs)(h))


def make_parts(name: str, latent_dim: int = 2, **fields: Any) -> Parts:
    """Dense networks for rows [N, 6]."""
    recipe = Recipe(name, latent_dim, **{"components": 2, "mean_scale": 4.0, **fields})
    return Parts(
        recipe,
        lambda width: dense(FEATURES, width),
        lambda width: dense(width, FEATURES),
        MeanSquaredError(),
        FEATURES,
    )


@pytest.fixture
def make_model():
    """make_model("vae", latent_dim=2, options={...}, steps=100): untrained, from seed 0."""

    def make(name: str, latent_dim: int = 2, **fields: Any) -> Autoencoder:
        keras.utils.set_random_seed(0)
        return build_model(make_parts(name, latent_dim, **fields))

    return make


@pytest.fixture
def train(tmp_path: Path):
    """train(model, rows, epochs=5): fit as the commands do, and return the logs of all epochs."""

    def run(
        model: Autoencoder,
        rows: np.ndarray,
        epochs: int = 5,
        batch_size: int = 50,
        learning_rate: float = 3e-3,
    ) -> list[dict[str, float]]:
        return fit(
            model,
            rows,
            rows[: 2 * batch_size],
            tmp_path / "run",
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            schedule="cosine",
            xla=False,  # to compile takes longer than to compute
            verbose=False,
        )

    return run


@pytest.fixture(scope="session")
def two_blobs() -> np.ndarray:
    """1,000 rows [N, 6] of two well separated groups that vary in two directions each."""
    rng = np.random.default_rng(0)
    labels = np.arange(1000) % 2
    spread = rng.normal(size=(1000, 2)) @ rng.normal(size=(2, FEATURES))
    rows = 3.0 * np.where(labels, 1.0, -1.0)[:, None] + 0.5 * spread
    return rows.astype(np.float32)
