"""Regularised autoencoders: each term against NumPy, and what each does to a network."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers, ops

from gmae_tf.autoencoder import Batch
from gmae_tf.density import LatentDensity
from gmae_tf.errors import UserError
from gmae_tf.images.networks import DoublingConv2D, HalvingConv2D, image_networks
from gmae_tf.models.layers import SpectralNorm, spectrally_normalised
from gmae_tf.models.rae import DecoderDecay, DecoderJacobian
from grammar.autoencoder.autoregressive import AutoregressiveDecoder
from tests.oracles.tensors import gradient


def loss_of(model, rows: np.ndarray) -> float:
    return float(model.compute_loss(ops.convert_to_tensor(rows), None, model(rows)))


def seen(model, rows: np.ndarray, training: bool = False) -> Batch:
    found = model(rows, training=training)
    fields = (found[name] for name in ("encoded", "drawn", "reconstruction"))
    return Batch(model, rows, *fields, training)


def jacobian(model, code: np.ndarray, step: float = 1e-2) -> np.ndarray:
    """By central differences, [pixels, D]."""
    steps = step * np.eye(len(code))
    return ((model.decode(code + steps) - model.decode(code - steps)) / (2 * step)).T


def test_loss_of_all_has_the_mean_square_of_the_codes(make_model, two_blobs):
    for name, weight in (("rae", 5e-4), ("rae-l2", 1e-4), ("rae-gp", 1e-4), ("rae-sn", 9e-3)):
        model = make_model(name, latent_dim=3)
        model.method = None  # its term has tests of its own
        codes = model.encode(two_blobs)
        expected = np.mean((model.decode(codes) - two_blobs) ** 2) + weight * np.mean(codes**2)
        assert loss_of(model, two_blobs) == pytest.approx(expected, rel=1e-5)


def test_decay_is_the_sum_of_squares_of_kernels_alone(make_model):
    model = make_model("rae-l2")
    _, model.decoder = image_networks(8, 1, 2)
    for weight in model.decoder.trainable_variables:
        weight.assign(ops.ones_like(weight))
    kernels = [layer.kernel for layer in model.decoder.layers if hasattr(layer, "kernel")]
    assert len(kernels) == 4  # two dense ones, two convolutions
    assert any(isinstance(layer, layers.BatchNormalization) for layer in model.decoder.layers)
    found = DecoderDecay(2, 1.0).loss_terms(Batch(model, None, None, None, None, True))
    assert float(found["decoder_l2"]) == sum(np.prod(kernel.shape) for kernel in kernels)


def test_jacobian_is_that_of_central_differences(make_model):
    model = make_model("rae-gp", latent_dim=3)
    codes = np.array([[0.5, -1.0, 2.0], [-1.0, 0.2, 0.1]], np.float32)
    expected = np.mean([np.sum(jacobian(model, code) ** 2) for code in codes])
    many = ops.convert_to_tensor(np.repeat(codes, 5000, axis=0))
    batch = Batch(model, None, many, many, model.decoder(many), False)
    assert float(model.method.loss_terms(batch)["jacobian"]) == pytest.approx(expected, rel=0.03)


def test_jacobian_leaves_the_statistics_of_batches_alone(make_model):
    model = make_model("rae-gp")
    _, model.decoder = image_networks(8, 1, 2)
    codes = keras.random.normal((20, 2), seed=0)
    image = model.decoder(codes, training=False)
    before = model.decoder.get_weights()
    term = DecoderJacobian(2, 1.0).loss_terms(Batch(model, None, codes, codes, image, True))[
        "jacobian"
    ]
    assert float(term) > 0
    for old, new in zip(before, model.decoder.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize(("name", "term"), [("rae-l2", "decoder_l2"), ("rae-gp", "jacobian")])
def test_a_term_becomes_small_as_its_weight_becomes_large(name, term, make_model, train, two_blobs):
    model = make_model(name, options={"reg_weight": 100.0})
    start = float(model.method.loss_terms(seen(model, two_blobs))[term])
    train(model, two_blobs, epochs=5)
    assert float(model.method.loss_terms(seen(model, two_blobs))[term]) < 0.5 * start


@pytest.mark.slow
def test_samples_of_a_density_of_small_codes_look_like_the_data(make_model, train, two_blobs):
    model = make_model("rae", options={"code_weight": 0.5})
    before = np.mean(model.encode(two_blobs) ** 2)
    train(model, two_blobs, epochs=15)
    codes = model.encode(two_blobs)
    assert np.mean(codes**2) < 0.6 * before
    assert np.mean((model.decode(codes) - two_blobs) ** 2) < 1.0
    rng = np.random.default_rng(0)
    drawn = model.decode(LatentDensity("mixture", 2).fit(codes).sample(500, rng))
    distance = np.linalg.norm(drawn[:, None] - two_blobs[None], axis=2).min(axis=1)
    assert np.quantile(distance, 0.9) < 2.0  # the groups are 15 apart
    assert 0.4 < np.mean(drawn.mean(axis=1) > 0) < 0.6


LAYERS = [
    (lambda: layers.Dense(5), (7,)),
    (lambda: layers.Conv1D(3, 2), (6, 4)),
    (lambda: layers.Conv2D(5, 4, strides=2, padding="same"), (4, 4, 3)),
    (lambda: layers.Conv2DTranspose(5, 4, strides=2, padding="same"), (4, 4, 3)),
    (lambda: HalvingConv2D(5), (4, 4, 3)),
    (lambda: DoublingConv2D(5), (2, 2, 3)),
]


@pytest.mark.parametrize(("make", "shape"), LAYERS)
def test_kernels_are_divided_by_their_largest_singular_value(make, shape):
    x = keras.random.normal((9, *shape), seed=0)
    layer = SpectralNorm(make())
    layer(x)
    kernel = ops.convert_to_numpy(layer.layer.kernel)
    matrix = 3.0 * kernel.reshape(-1, kernel.shape[-1])
    layer.layer.kernel.assign(matrix.reshape(kernel.shape))
    for _ in range(100):
        layer(x, training=True)
    plain = make()
    plain.build((9, *shape))
    plain.kernel.assign((matrix / np.linalg.norm(matrix, 2)).reshape(kernel.shape))
    expected = ops.convert_to_numpy(plain(x))
    for training in (True, False):
        found = ops.convert_to_numpy(layer(x, training=training))
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)
    # What is divided stays as it was, and the state moves in training alone.
    np.testing.assert_array_equal(layer.layer.kernel, matrix.reshape(kernel.shape))
    state = ops.convert_to_numpy(layer.vector)
    layer(x)
    np.testing.assert_array_equal(layer.vector, state)


def test_gradients_go_through_the_singular_value():
    layer = SpectralNorm(layers.Dense(5, use_bias=False))
    x = keras.random.normal((9, 7), seed=0)
    layer(x, training=True)
    other = [v.value for v in layer.non_trainable_variables]

    def squares(kernel):
        return ops.sum(ops.square(layer.stateless_call([kernel], other, x)[0]))

    kernel = ops.convert_to_tensor(ops.convert_to_numpy(layer.layer.kernel))
    slope = gradient(squares, kernel)
    assert np.linalg.norm(slope) > 0.1
    # Its length makes no difference to a kernel that is divided by it.
    along = np.sum(slope * ops.convert_to_numpy(kernel))
    assert abs(along) < 1e-4 * np.linalg.norm(slope) * np.linalg.norm(kernel)


def test_spectrally_normalised_networks_are_no_steeper_than_one(make_model, train, two_blobs):
    model = make_model("rae-sn", options={"code_weight": 0.0})
    logs = train(model, two_blobs, epochs=4)
    assert logs[-1]["reconstruction"] < 0.9 * logs[0]["reconstruction"]
    for _ in range(30):  # until the singular vectors stand still
        model(two_blobs[:2], training=True)
    for code in np.random.default_rng(0).normal(0, 5, (5, 2)):
        assert np.linalg.norm(jacobian(model, code), 2) < 1.05
    kernels = [layer.layer.kernel for layer in model.decoder.layers[1:]]
    assert min(np.linalg.norm(kernel, 2) for kernel in kernels) > 1.05  # undivided


def test_images_keep_their_batch_normalisation_when_spectrally_normalised():
    networks = image_networks(8, 1, 2)
    for network in networks:
        found = spectrally_normalised(network)
        assert [layer.name for layer in found.layers] == [layer.name for layer in network.layers]
        wrapped = [layer for layer in found.layers if isinstance(layer, SpectralNorm)]
        kernels = [layer for layer in network.layers if hasattr(layer, "kernel")]
        assert len(wrapped) == len(kernels) == 4
        assert found.output_shape == network.output_shape


def test_autoregressive_decoders_are_refused(make_model):
    decoder = AutoregressiveDecoder(4, [0, 0, 1], 2, units=4, dense=4, positions=2, embedding=2)
    with pytest.raises(UserError, match="cannot be spectrally normalised"):
        spectrally_normalised(decoder)
    model = make_model("rae-gp")
    model.decoder = decoder
    with pytest.raises(UserError, match="sees the code alone"):
        model.method.loss_terms(Batch(model, None, None, None, None, True))
