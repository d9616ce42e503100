"""Shapes of the networks of rules."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from grammar.autoencoder import networks


def shapes(model: keras.Model) -> list[tuple[int, ...]]:
    """Kernels of the layers that have one, in order."""
    return [
        tuple(variable.shape)
        for layer in model.layers
        for variable in layer.trainable_weights
        if variable.name == "kernel"
    ]


def test_the_equation_networks_of_grammar_vae():
    encoder, decoder = networks.rule_encoder(15, 12, 25), networks.rule_decoder(15, 12, 25)
    # 15 steps lose 1 + 2 + 3 to kernels of 2, 3, 4: 9 steps of 4 filters are 36 numbers.
    assert shapes(encoder) == [(2, 12, 2), (3, 2, 3), (4, 3, 4), (36, 100), (100, 25)]
    gru = [(25, 300), (100, 300), (100, 300)]
    recurrent = [layer for layer in decoder.layers if isinstance(layer, keras.layers.GRU)]
    assert [tuple(layer.cell.kernel.shape) for layer in recurrent] == gru
    assert (25, 25) in shapes(decoder)
    assert shapes(decoder)[-1] == (100, 12)
    assert encoder.output_shape == (None, 25)
    assert decoder.output_shape == (None, 15, 12)


@pytest.mark.parametrize("length", [1, 3, 5, 7, 20])
def test_short_and_long_sequences(length: int, rng: np.random.Generator):
    encoder = networks.rule_encoder(length, 6, 4)
    decoder = networks.rule_decoder(length, 6, 4, units=3, n_layers=1)
    rules = rng.integers(0, 6, size=(2, length)).astype(np.uint8)
    assert decoder(encoder(rules)).shape == (2, length, 6)


def test_unrolling_changes_nothing(rng: np.random.Generator):
    looped, unrolled = (networks.rule_decoder(4, 5, 3, 6, 2, unroll) for unroll in (False, True))
    unrolled.set_weights(looped.get_weights())
    z = rng.normal(size=(2, 3)).astype(np.float32)
    np.testing.assert_allclose(unrolled(z), looped(z), atol=1e-6)


def test_whole_numbers_of_any_type_are_rules(rng: np.random.Generator):
    encoder, rules = networks.rule_encoder(7, 6, 4), rng.integers(0, 6, size=(2, 7))
    np.testing.assert_allclose(encoder(rules.astype(np.uint8)), encoder(rules), atol=1e-6)
