"""What `tests/gmae_tf/test_jax.py` runs in a process of its own, with Keras on JAX.

    KERAS_BACKEND=jax python -m tests.oracles.jax_session FOLDER

Writes into FOLDER: `results.json`, and for each network a trained `NAME.keras` with `NAME.npz`,
what it makes of its data.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np

from gmae_tf.autoencoder import Autoencoder
from gmae_tf.images import networks as image_networks
from gmae_tf.losses import MeanSquaredError
from gmae_tf.penalties import (
    GaussianMixturePenalty,
    LatentRegularizer,
    covariance_distance,
    ks_distance,
)
from gmae_tf.prior import GaussianMixture
from gmae_tf.training.fit import fit
from grammar.autoencoder import networks
from grammar.autoencoder.losses import MaskedCrossEntropy
from tests.oracles.tensors import gradient, tensor

PRIOR = GaussianMixture.one_hot(2, 2)
CODES = [[-1.0, 2.0], [0.0, 0.0], [1.5, -1.0]]


def data(name: str) -> np.ndarray:
    """48 stripes of light, or 48 sequences of six rules."""
    rng = np.random.default_rng(0)
    if name == "rules":
        return rng.integers(0, 5, size=(48, 6)).astype(np.uint8)
    waves = np.sin(np.arange(16) * rng.uniform(0.2, 1.0, size=(48, 1)))
    return np.tile(0.5 + 0.5 * waves[:, None, :, None], (1, 16, 1, 1)).astype(np.float32)


def network(name: str, seed: int = 1) -> Autoencoder:
    """A small one of each kind, with every term of the regulariser."""
    keras.utils.set_random_seed(seed)
    penalty = GaussianMixturePenalty(PRIOR, sliced=1.0)
    if name == "rules":
        return Autoencoder(
            networks.rule_encoder(6, 5, 2),
            networks.rule_decoder(6, 5, 2, units=6, n_layers=1),
            MaskedCrossEntropy(np.ones((5, 5))), 5.0, penalty,
        )  # fmt: skip
    return Autoencoder(
        image_networks.image_encoder(16, 1, 2, filters=(4, 6)),
        image_networks.image_decoder(16, 1, 2, filters=(6, 4)),
        MeanSquaredError(), 500.0, penalty,
    )  # fmt: skip


def distances(dtype: str) -> dict[str, Any]:
    """The known vector, with gradients."""
    from jax.experimental import enable_x64

    functions = {"ks": ks_distance, "covariance": covariance_distance}
    with enable_x64(dtype == "float64"):
        z = tensor(CODES, dtype)
        return {
            name: {
                "value": float(distance(z, PRIOR)),
                "gradient": gradient(lambda c, f=distance: f(c, PRIOR), z).tolist(),
            }
            for name, distance in functions.items()
        }


def layered() -> keras.Model:
    """Somebody's model of images with the regulariser behind its codes."""
    inputs = keras.Input((16, 16, 1))
    z = keras.layers.Dense(2)(keras.layers.Flatten()(inputs))
    z = LatentRegularizer(GaussianMixturePenalty(PRIOR, sliced=1.0), scale=0.1)(z)
    model = keras.Model(inputs, keras.layers.Reshape((16, 16, 1))(keras.layers.Dense(256)(z)))
    model.compile(keras.optimizers.Adam(1e-3), "mse")
    return model


def main(folder: Path) -> None:
    """Compute, train, save."""
    assert keras.backend.backend() == "jax"
    results: dict[str, Any] = {dtype: distances(dtype) for dtype in ("float32", "float64")}
    options = {"batch_size": 24, "learning_rate": 5e-3}
    for name in ("images", "rules"):
        x, model = data(name), network(name)
        results[name] = fit(model, x, x[:24], folder / name, epochs=3, **options)
        model.save(folder / f"{name}.keras")
        measured = model.evaluate(x, batch_size=48, verbose=0, return_dict=True)
        codes, outputs = model.encode(x), model.reconstruct(x)
        np.savez(folder / f"{name}.npz", codes=codes, outputs=outputs, **measured)
    for epochs in (1, 3):
        model = network("images", seed=epochs)
        x = data("images")
        results["resumed"] = fit(model, x, x[:24], folder / "resumed", epochs=epochs, **options)
    model = layered()
    results["layer"] = model.fit(x, x, batch_size=24, epochs=5, verbose=0).history["loss"]
    model.save(folder / "layer.keras")
    np.savez(folder / "layer.npz", outputs=model.predict(x, verbose=0))
    (folder / "results.json").write_text(json.dumps(results))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
