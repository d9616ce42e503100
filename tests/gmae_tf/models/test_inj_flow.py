"""The bound against the whole Jacobian of small decoders."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops
from scipy import integrate

from gmae_tf.autoencoder import Batch
from gmae_tf.errors import UserError
from gmae_tf.images.networks import image_networks
from gmae_tf.models.config import Parts, Recipe
from gmae_tf.models.inj_flow import InjectiveFlow, build
from tests.oracles.tensors import gradient


def at(model, codes) -> Batch:
    codes = ops.convert_to_tensor(codes, dtype="float32")
    return Batch(model, None, codes, codes, model.decoder(codes), False)


def jacobian(model, code: np.ndarray) -> np.ndarray:
    """Row by row by automatic differentiation, [pixels, D]."""
    point = ops.convert_to_tensor(code[None], dtype="float32")
    pixels = model.decoder.output_shape[-1]
    return np.stack(
        [gradient(lambda z, i=i: model.decoder(z)[0, i], point)[0] for i in range(pixels)]
    )


def test_volume_of_a_linear_decoder_is_in_closed_form(make_model):
    """E[log |J u|^2] over directions of a plane is 2 log of the mean singular value."""
    model = make_model("injflow")
    model.decoder = keras.Sequential([keras.Input((2,)), keras.layers.Dense(6)])
    values = np.linalg.svd(ops.convert_to_numpy(model.decoder.layers[0].kernel), compute_uv=False)
    method = InjectiveFlow(2, 1.0, 0.0)
    found = method.loss_terms(at(model, np.zeros((20_000, 2))))
    assert float(found["volume"]) == pytest.approx(2 * np.log(values.mean()), abs=0.01)
    # In dimension two the factor D / 2 is 1; and it bounds log det(J^T J) / 2 from above.
    assert np.log(values).sum() < float(found["volume"]) < np.log(np.mean(values**2))


def test_volume_is_the_mean_over_directions_and_a_bound(make_model):
    model = make_model("injflow")
    noise = model.method.noise_variance
    assert noise == pytest.approx(0.156)
    for code in np.array([[0.5, -1.0], [-2.0, 0.3]]):
        j = jacobian(model, code)

        def squares(angle: float, j: np.ndarray = j) -> float:
            return np.sum((j @ [np.cos(angle), np.sin(angle)]) ** 2)

        mean, _ = integrate.quad(lambda angle: np.log(squares(angle) + noise), 0, np.pi)
        found = model.method.loss_terms(at(model, np.repeat(code[None], 20_000, axis=0)))
        assert float(found["volume"]) == pytest.approx(mean / np.pi, abs=0.01)
        _, exact = np.linalg.slogdet(j.T @ j + noise * np.eye(2))
        trace = np.log(np.trace(j.T @ j) / 2 + noise)
        assert 0.5 * exact < mean / np.pi < trace
        assert float(found["prior"]) == pytest.approx(0.5 * np.sum(code**2))


def test_volume_in_more_dimensions_lies_between_determinant_and_trace(make_model):
    model = make_model("injflow", latent_dim=5)
    code = np.random.default_rng(0).normal(size=5)
    j = jacobian(model, code)
    rng = np.random.default_rng(1)
    u = rng.normal(size=(20_000, 5))
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    noise = model.method.noise_variance
    expected = 2.5 * np.mean(np.log(np.sum((u @ j.T) ** 2, axis=1) + noise))
    found = model.method.loss_terms(at(model, np.repeat(code[None], 20_000, axis=0)))
    assert float(found["volume"]) == pytest.approx(expected, abs=0.03)
    _, exact = np.linalg.slogdet(j.T @ j + noise * np.eye(5))
    assert 0.5 * exact < expected < 2.5 * np.log(np.trace(j.T @ j) / 5 + noise)


def test_statistics_of_batches_stand_still(make_model):
    model = make_model("injflow")
    _, model.decoder = image_networks(8, 1, 2)
    codes = keras.random.normal((20, 2), seed=0)
    image = model.decoder(codes, training=False)
    before = model.decoder.get_weights()
    found = model.method.loss_terms(Batch(model, None, codes, codes, image, True))
    assert np.isfinite(float(found["volume"]))
    for old, new in zip(before, model.decoder.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_least_loss_of_linear_networks_is_in_closed_form(make_model):
    """Codes with variances v_i and decoder scales s_i, where the data have s_i^2 v_i.

    The terms are sum(v) / 2 + 2 log mean(s), least where s_i^3 is the data's variance * mean(s).
    """
    variances = np.array([4.0, 0.5])
    best = np.cbrt(variances) * np.sqrt(np.cbrt(variances).mean())
    np.testing.assert_allclose(best**3, variances * best.mean())
    model = make_model("injflow")
    model.decoder = keras.Sequential([keras.Input((2,)), keras.layers.Dense(6)])
    axes, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(6, 2)))
    noise = np.random.default_rng(1).normal(size=(20_000, 2))
    method = InjectiveFlow(2, 1.0, 0.0)

    def loss(scales: np.ndarray) -> float:
        model.decoder.layers[0].kernel.assign(scales[:, None] * axes.T)
        method.random.state.assign([0, 0])
        terms = method.loss_terms(at(model, noise / noise.std(axis=0) * variances**0.5 / scales))
        return float(terms["prior"] + terms["volume"])

    least = loss(best)
    assert least == pytest.approx(1.0 + 2 * np.log(best.mean()), abs=0.02)
    for factors in ([1.15, 1], [0.85, 1], [1, 1.15], [1, 0.85], [1.1, 1.1], [0.9, 0.9]):
        assert loss(best * factors) > least + 0.002


def test_strings_are_refused():
    with pytest.raises(UserError, match=r"^injflow has a density of real numbers"):
        build(Parts(Recipe("injflow", 2), None, None, None))
