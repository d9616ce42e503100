"""Convolutions of few pixels, against those of Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

from gmae_tf.images.networks import image_networks
from gmae_tf.images.small_maps import DoublingConv2D, HalvingConv2D

SAME: dict[str, Any] = {"strides": 2, "padding": "same"}
PAIRS = [(HalvingConv2D, layers.Conv2D), (DoublingConv2D, layers.Conv2DTranspose)]


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
@pytest.mark.parametrize("shape", [(3, 4, 4, 5), (2, 2, 6, 3)])
def test_it_is_the_convolution_of_keras(
    ours: Any, theirs: Any, shape: tuple[int, ...], rng: np.random.Generator
) -> None:
    x = rng.normal(size=shape).astype(np.float32)
    a, b = ours(7), theirs(7, 4, **SAME)
    b(x), a(x)
    a.set_weights([rng.normal(size=w.shape) for w in b.get_weights()])
    b.set_weights(a.get_weights())
    np.testing.assert_allclose(ops.convert_to_numpy(a(x)), ops.convert_to_numpy(b(x)), atol=1e-4)


def test_it_is_saved_and_loaded(tmp_path: Path, rng: np.random.Generator) -> None:
    inputs = keras.Input((4, 4, 5))
    model = keras.Model(inputs, DoublingConv2D(3)(HalvingConv2D(6)(inputs)))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    x = rng.normal(size=(2, 4, 4, 5)).astype(np.float32)
    np.testing.assert_allclose(model.predict(x, verbose=0), again.predict(x, verbose=0))


def test_only_the_narrow_end_of_the_papers_network_has_it() -> None:
    for size, side, expected in (("paper", 32, 1), ("paper", 64, 0), ("small", 32, 0)):
        for network, kind in zip(
            image_networks(side, 1, 10, size), (HalvingConv2D, DoublingConv2D), strict=True
        ):
            assert sum(isinstance(layer, kind) for layer in network.layers) == expected
