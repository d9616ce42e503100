"""Gaussian processes on codes: exact on smooth properties, like a constant on noise."""

from __future__ import annotations

import numpy as np
import pytest

from gmae_tf.metrics.regression import gaussian_process_score


def test_a_smooth_property_is_predicted(rng):
    codes = rng.standard_normal((300, 2)) * [1.0, 50.0]  # of any scale
    values = 7 + 3 * np.sin(codes[:, 0]) + codes[:, 1] / 50
    found = gaussian_process_score(codes, values, train=200)
    assert (found["training"], found["test"]) == (200, 100)
    assert found["rmse"] < 0.1 * found["std"]
    assert found["ll"] > 0


def test_noise_is_predicted_as_by_a_constant(rng):
    codes, values = rng.standard_normal((400, 3)), 2 * rng.standard_normal(400)
    found = gaussian_process_score(codes, values, train=300)
    assert found["rmse"] == pytest.approx(found["std"], rel=0.1)
    expected = -0.5 * np.log(2 * np.pi * np.e * 4)  # of a Gaussian with this deviation
    assert found["ll"] == pytest.approx(expected, abs=0.15)


def test_it_is_repeatable_and_leaves_out_what_is_not_finite(rng):
    codes = rng.standard_normal((60, 2))
    values = codes[:, 0].copy()
    values[::10] = np.nan
    found = gaussian_process_score(codes, values, seed=3)
    assert found == gaussian_process_score(codes, values, seed=3)
    assert found["training"] + found["test"] == 54
    assert found["training"] == 48  # nine tenths at most


@pytest.mark.parametrize("values", [np.arange(19.0), np.ones(50)])
def test_nothing_is_said_of_few_codes_or_a_constant(values):
    assert gaussian_process_score(np.arange(len(values))[:, None], values) == {}
