from __future__ import annotations

import numpy as np
import pytest
from keras import ops
from scipy.stats import norm

from gmae_tf.models.cv_vae import ConstantVariance


def test_noise_has_the_one_deviation_and_codes_have_none():
    method = ConstantVariance(2, 0.7)
    encoded = ops.convert_to_tensor(np.tile([[1.5, -30.0]], (40_000, 1)).astype(np.float32))
    drawn = ops.convert_to_numpy(method.sample_latent(encoded, training=True))
    np.testing.assert_allclose(drawn.std(axis=0), 0.7, rtol=0.02)
    np.testing.assert_allclose(drawn.mean(axis=0), [1.5, -30], atol=0.02)
    np.testing.assert_array_equal(method.latent_mean(encoded[:1]), [[1.5, -30]])


def test_kl_is_the_mean_difference_of_log_densities():
    mean = np.array([[0.5, -2.0], [1.0, 0.0]], dtype=np.float32)
    z = mean[..., None] + 0.7 * norm.ppf((np.arange(4000) + 0.5) / 4000)
    difference = norm.logpdf(z, mean[..., None], 0.7) - norm.logpdf(z)
    seen = type("Seen", (), {"encoded": ops.convert_to_tensor(mean)})
    kl = ConstantVariance(2, 0.7).loss_terms(seen)["kl"]
    np.testing.assert_allclose(kl, difference.mean(axis=-1).sum(axis=-1).mean(), rtol=1e-3)


def test_gaussian_data_get_the_best_linear_channel(make_model, train):
    # In a direction of variance l, codes of variance m through noise of variance s^2 leave an
    # error of l s^2 / (m + s^2); with w m / 2 added that is least at m = s sqrt(2 l / w) - s^2.
    spectrum, s, w = np.array([4.0, 1.0]), 0.7, 0.2
    scales = np.sqrt([*spectrum, 0.01, 0.01, 0.01, 0.01])
    rows = np.random.default_rng(0).normal(size=(20_000, 6)) * scales
    model = make_model("cv-vae", options={"kl_weight": w})
    last = train(model, rows.astype(np.float32), 6, batch_size=200, learning_rate=1e-2)[-1]
    m = s * np.sqrt(2 * spectrum / w) - s**2
    kl = 0.5 * (m + s**2 - 1 - np.log(s**2)).sum()
    assert last["kl"] == pytest.approx(kl, rel=0.05)
    error = (s * np.sqrt(spectrum * w / 2)).sum() + 0.04
    assert 6 * last["reconstruction"] == pytest.approx(error, rel=0.07)
    codes = model.encode(rows.astype(np.float32))
    assert codes.var(axis=0).sum() == pytest.approx(m.sum(), rel=0.07)
