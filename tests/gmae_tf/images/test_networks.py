"""Shapes of the image networks, official and small."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

from gmae_tf.errors import UserError
from gmae_tf.images.networks import (
    DoublingConv2D,
    HalvingConv2D,
    image_decoder,
    image_encoder,
    image_networks,
)

SAME: dict[str, Any] = {"strides": 2, "padding": "same"}
PAIRS = [(HalvingConv2D, layers.Conv2D), (DoublingConv2D, layers.Conv2DTranspose)]


def shapes(model: keras.Model) -> list[tuple[int, ...]]:
    """Kernels of the layers that have one, in order."""
    return [
        tuple(variable.shape)
        for layer in model.layers
        for variable in layer.trainable_weights
        if variable.name == "kernel"
    ]


def kinds(model: keras.Model) -> list[str]:
    return [type(layer).__name__ for layer in model.layers]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("side", [12, 28, 32, 64])
def test_small_images_go_round(channels: int, side: int, rng: np.random.Generator):
    encoder, decoder = image_networks(side, channels, 5, "small")
    x = rng.uniform(size=(3, side, side, channels)).astype(np.float32)
    z = encoder.predict(x, verbose=0)
    assert z.shape == (3, 5)
    again = decoder.predict(100 * z, verbose=0)
    assert again.shape == x.shape
    assert ((again >= 0) & (again <= 1)).all()


def test_other_filters():
    encoder = image_encoder(16, 1, 2, filters=(2, 3))
    decoder = image_decoder(16, 1, 2, filters=(3, 2))
    assert encoder.output_shape == (None, 2)
    assert decoder.output_shape == (None, 16, 16, 1)


def test_the_image_networks_of_the_paper():
    encoder, decoder = image_networks(32, 1, 10, "paper")
    assert shapes(encoder) == [
        (4, 4, 1, 128), (4, 4, 128, 256), (4, 4, 256, 512), (4, 4, 512, 1024), (4096, 10),
    ]  # fmt: skip
    assert shapes(decoder) == [
        (10, 4096), (4, 4, 512, 1024), (4, 4, 256, 512), (4, 4, 128, 256), (4, 4, 1, 128),
    ]  # fmt: skip
    assert decoder.output_shape == (None, 32, 32, 1)
    assert kinds(decoder)[-2:] == ["Conv2DTranspose", "Activation"]  # no normalisation at the end
    assert kinds(encoder)[1:4] == ["Conv2D", "BatchNormalization", "ReLU"]


def test_faces_are_normalised_behind_the_activation():
    encoder, decoder = image_networks(64, 3, 64, "paper")
    assert kinds(encoder)[1:4] == ["Conv2D", "ReLU", "BatchNormalization"]
    assert shapes(encoder)[-1] == (4 * 4 * 1024, 64)
    assert shapes(decoder)[0] == (64, 4 * 4 * 1024)
    assert decoder.output_shape == (None, 64, 64, 3)


def test_unusable_sizes_are_refused():
    with pytest.raises(UserError, match="divisible by 4"):
        image_networks(30, 1, 2)
    with pytest.raises(UserError, match="choose small, paper"):
        image_networks(32, 1, 2, "huge")


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
