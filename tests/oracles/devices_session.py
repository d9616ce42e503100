"""What `tests/gmae_tf/utils/test_devices.py` runs with two virtual devices, with Keras on JAX.

    KERAS_BACKEND=jax python -m tests.oracles.devices_session FOLDER

Writes `results.json` into FOLDER: the largest differences of weights, losses and codes between one
device and two.  Trained by plain gradient descent: a bias before a batch normalisation has no
gradient, and Adam would make steps of the rounding errors that are there instead.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np

from gmae_tf.errors import UserError
from gmae_tf.images import ImageAutoencoder
from gmae_tf.models.config import Recipe
from gmae_tf.utils.devices import use_devices

STEPS, BATCH = 4, 16


def trained(images: np.ndarray) -> tuple[ImageAutoencoder, list[dict[str, float]]]:
    keras.utils.set_random_seed(0)
    recipe = Recipe("gmae", 3, 3, auxiliary={"noise": 0.1}, steps=STEPS)
    model = ImageAutoencoder.from_recipe(recipe, 8, 1)
    model.network.compile(keras.optimizers.SGD(1e-3))
    logs = []
    for i in range(0, STEPS * BATCH, BATCH):
        batch = images[i : i + BATCH, ..., None].astype("float32") / 255
        logs.append(model.network.train_on_batch(batch, return_dict=True))
    return model, [{name: float(value) for name, value in log.items()} for log in logs]


def difference(a: list[Any], b: list[Any]) -> float:
    return max(float(np.abs(np.asarray(x) - y).max()) for x, y in zip(a, b, strict=True))


def main() -> None:
    images = np.random.default_rng(0).integers(0, 256, (STEPS * BATCH + 3, 8, 8), dtype=np.uint8)
    alone, logs = trained(images)
    weights, codes = alone.network.get_weights(), alone.encode(images)
    try:
        use_devices(3)
        refused = ""
    except UserError as error:
        refused = str(error)
    use_devices(2)
    together, others = trained(images)
    results = {
        "weights": difference(weights, together.network.get_weights()),
        "codes": difference([codes], [together.encode(images)]),
        "losses": max(abs(a[k] / b[k] - 1) for a, b in zip(logs, others, strict=True) for k in a),
        "devices": len(together.network.weights[0].value.sharding.device_set),
        "refused": refused,
    }
    Path(sys.argv[1], "results.json").write_text(json.dumps(results))


if __name__ == "__main__":
    main()
