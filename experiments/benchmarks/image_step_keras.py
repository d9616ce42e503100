"""The worker of this project for `image_step.py`, on TensorFlow or JAX."""

from __future__ import annotations

import math
from argparse import Namespace
from typing import Any

from experiments.benchmarks.turns import (
    COMPONENTS,
    DIM,
    RATE,
    WEIGHT,
    Answer,
    Turns,
    random_images,
    serve,
)


def take_steps(options: Namespace, answer: Answer) -> None:
    """Train in `model.fit`, with a turn after each step."""
    import keras

    from gmae_tf.autoencoder import Autoencoder
    from gmae_tf.images.networks import image_networks
    from gmae_tf.losses import MeanSquaredError
    from gmae_tf.penalties import GaussianMixturePenalty
    from gmae_tf.prior import GaussianMixture
    from gmae_tf.training.batches import ImageBatches
    from gmae_tf.utils.run_dir import versions

    keras.utils.set_random_seed(options.seed)
    penalty = GaussianMixturePenalty(GaussianMixture.one_hot(COMPONENTS, DIM))
    networks = image_networks(32, 1, DIM, options.size)
    model = Autoencoder(*networks, MeanSquaredError(), WEIGHT, penalty)
    # As gmae_tf.training.fit.fit compiles it.
    model.compile(keras.optimizers.Adam(RATE), jit_compile=options.name != "tensorflow")
    about = {
        "parameters": sum(math.prod(v.shape) for v in model.trainable_variables),
        "versions": versions(("keras", "jax" if options.name == "jax" else "tensorflow")),
        "device": _device(),
    }
    turns = Turns(answer, about)

    class TakeTurns(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            turns.step(lambda: float(logs["loss"]))

    batches = ImageBatches(random_images(options.seed), options.batch_size, options.seed)
    model.fit(batches.feed(), shuffle=False, epochs=10**6, verbose=0, callbacks=[TakeTurns()])


def _device() -> str:
    import keras

    if keras.backend.backend() == "jax":
        import jax

        return str(jax.devices()[0].platform)
    import tensorflow as tf

    return "gpu" if tf.config.list_physical_devices("GPU") else "cpu"


if __name__ == "__main__":
    serve(take_steps)
