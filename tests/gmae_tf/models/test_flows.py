"""The flow against Jacobians by automatic differentiation and bijectors of another library."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from gmae_tf.models.flows import AutoregressiveFlow
from tests.oracles.flows import bijector_of, density_of, scattered
from tests.oracles.tensors import gradient


def rows(n: int, width: int, seed: int = 1) -> Any:
    drawn = np.random.default_rng(seed).normal(size=(n, width))
    return ops.convert_to_tensor(drawn, dtype="float32")


def jacobian(function: Any, x: np.ndarray) -> np.ndarray:
    """dy_i/dx_j of a function [1, D] -> [1, D], [D, D]."""
    point = ops.convert_to_tensor(x[None], dtype="float32")
    return np.stack([gradient(lambda z, i=i: function(z)[0, i], point)[0] for i in range(len(x))])


@pytest.mark.parametrize(
    ("dim", "steps", "context"), [(1, 2, 0), (2, 1, 3), (5, 3, 0), (4, 2, 2), (20, 1, 0)]
)
def test_log_determinant_is_that_of_the_jacobian(dim: int, steps: int, context: int):
    flow = scattered(AutoregressiveFlow(dim, steps, (16, 16), context))
    seen = rows(3, context) if context else None
    x = ops.convert_to_numpy(rows(3, dim, seed=2))
    _, log_det = flow.forward(ops.convert_to_tensor(x), seen)
    for i in range(3):
        one = None if seen is None else seen[i : i + 1]
        found = jacobian(lambda z, one=one: flow.forward(z, one)[0], x[i])
        _, expected = np.linalg.slogdet(found)
        assert float(log_det[i]) == pytest.approx(expected, abs=1e-4)


def test_coefficients_see_all_earlier_coordinates_and_no_other():
    (network,) = scattered(AutoregressiveFlow(4, 1, (32, 32)), size=0.3).networks
    for part in (0, 1):
        found = np.mean(
            [
                np.abs(jacobian(lambda z, part=part: network.coefficients(z)[part], x))
                for x in np.random.default_rng(0).normal(size=(5, 4))
            ],
            axis=0,
        )
        assert (found[np.tril_indices(4, -1)] > 1e-3).all()
        assert (found[np.triu_indices(4)] == 0).all()


def test_coefficients_of_the_first_coordinate_see_the_context():
    (network,) = scattered(AutoregressiveFlow(3, 1, (8,), 2)).networks
    x = rows(2, 3)
    for part, other in zip(
        network.coefficients(x, rows(2, 2)), network.coefficients(x, rows(2, 2, 5)), strict=True
    ):
        assert ops.min(ops.abs(part - other)) > 1e-4


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="bijectors of TensorFlow")
@pytest.mark.parametrize(("dim", "context"), [(1, 0), (3, 0), (4, 2)])
def test_both_directions_are_those_of_another_library(dim: int, context: int):
    flow = scattered(AutoregressiveFlow(dim, 3, (16, 16), context))
    x, seen = rows(6, dim, seed=2), rows(6, context) if context else None
    y, log_det = flow.forward(x, seen)
    bijector = bijector_of(flow, seen)
    np.testing.assert_allclose(y, bijector.forward(x), rtol=1e-4, atol=1e-5)
    other = bijector.forward_log_det_jacobian(x, event_ndims=1)
    np.testing.assert_allclose(log_det, other, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(flow.inverse(x, seen), bijector.inverse(x), rtol=1e-3, atol=1e-4)
    if not context:
        np.testing.assert_allclose(flow.log_prob(x), density_of(flow).log_prob(x), rtol=1e-4)


@pytest.mark.parametrize(("dim", "steps", "context"), [(1, 1, 0), (2, 3, 0), (7, 2, 3)])
def test_inverse_takes_back(dim: int, steps: int, context: int):
    flow = scattered(AutoregressiveFlow(dim, steps, (16,), context), size=0.3)
    x, seen = rows(50, dim), rows(50, context, 3) if context else None
    y, _ = flow.forward(x, seen)
    assert ops.max(ops.abs(y - x)) > 0.1
    np.testing.assert_allclose(flow.inverse(y, seen), x, atol=2e-3)


def test_density_has_a_mass_of_one():
    line = np.linspace(-60, 60, 60_001)
    of_line = scattered(AutoregressiveFlow(1, 2, (8,)), size=0.4)
    mass = np.exp(of_line.log_prob(ops.convert_to_tensor(line[:, None], "float32"))).sum()
    assert mass * (line[1] - line[0]) == pytest.approx(1, abs=1e-3)

    of_plane = scattered(AutoregressiveFlow(2, 2, (8, 8)), size=0.4)
    axis = np.linspace(-25, 25, 1001)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    density = np.exp(of_plane.log_prob(ops.convert_to_tensor(grid, "float32")))
    step = axis[1] - axis[0]
    assert density.sum() * step**2 == pytest.approx(1, abs=5e-3)
    # It is no Gaussian: its excess kurtosis or skewness is not zero.
    mean = density @ grid * step**2
    centred = (grid - mean) / np.sqrt(density @ (grid - mean) ** 2 * step**2)
    assert np.abs(density @ centred**3 * step**2).max() > 0.05


@pytest.mark.parametrize("steps", [1, 2])
def test_at_first_only_the_order_changes(steps: int):
    x = rows(4, 3)
    y, log_det = AutoregressiveFlow(3, steps, (8,)).forward(x)
    np.testing.assert_array_equal(y, ops.flip(x, axis=1) if steps == 1 else x)
    np.testing.assert_array_equal(log_det, np.zeros(4))
