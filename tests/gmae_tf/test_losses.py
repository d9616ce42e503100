"""The mean squared error against NumPy."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from gmae_tf.losses import MeanSquaredError
from tests.oracles.tensors import tensor


def test_mean_squared_error_of_bytes_and_floats(rng: np.random.Generator):
    x = rng.integers(0, 2, size=(3, 4, 4, 1)).astype(np.uint8)
    y = rng.uniform(size=x.shape).astype(np.float32)
    assert float(MeanSquaredError()(x, tensor(y, "float32"))) == pytest.approx(
        np.mean((x - y.astype(np.float64)) ** 2), rel=1e-6
    )


def test_the_loss_is_saved_with_a_model(rng: np.random.Generator):
    loss = MeanSquaredError()
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    x = rng.normal(size=(5, 8, 7)).astype(np.float32)
    y = tensor(np.zeros_like(x), "float32")
    assert float(loss(x, y)) == float(again(x, y)) > 0
