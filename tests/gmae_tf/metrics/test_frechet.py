"""Frechet and kernel distance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm

from gmae_tf.errors import UserError
from gmae_tf.metrics.sets import Moments, frechet_distance, kernel_distance


def correlated(rng: np.random.Generator, n: int, p: int, shift: float = 0.0) -> np.ndarray:
    return rng.normal(size=(n, p)) @ rng.normal(size=(p, p)) + shift


def by_sqrtm(a: np.ndarray, b: np.ndarray) -> float:
    c1, c2 = np.cov(a.T), np.cov(b.T)
    gap = a.mean(axis=0) - b.mean(axis=0)
    return gap @ gap + np.trace(c1 + c2 - 2 * sqrtm(c1 @ c2).real)


@pytest.mark.parametrize("p", [2, 7, 30])
def test_frechet_is_that_of_the_matrix_root(p: int, rng: np.random.Generator):
    a, b = correlated(rng, 200, p), correlated(rng, 150, p, 0.5)
    assert frechet_distance(a, b) == pytest.approx(by_sqrtm(a, b), rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.floats(0.0, 5.0), min_size=3, max_size=3),
    st.lists(st.floats(0.0, 5.0), min_size=3, max_size=3),
    st.floats(-3, 3),
)
def test_diagonal_gaussians_have_a_closed_form(s1: list[float], s2: list[float], shift: float):
    first = Moments(np.zeros(3), np.diag(np.square(s1)), 10)
    second = Moments(np.full(3, shift), np.diag(np.square(s2)), 10)
    expected = 3 * shift**2 + np.square(np.subtract(s1, s2)).sum()
    assert frechet_distance(first, second) == pytest.approx(expected, abs=1e-6)


def test_fewer_features_than_dimensions(rng: np.random.Generator):
    # On the 9-dimensional span of both sets the distance is the same, and sqrtm is at ease there.
    a, b = rng.normal(size=(6, 40)), rng.normal(size=(5, 40))
    basis = np.linalg.qr(np.concatenate([a, b]).T)[0]
    far = frechet_distance(a, b)
    assert isinstance(far, float)
    assert far == pytest.approx(frechet_distance(a @ basis, b @ basis), rel=1e-6)
    assert far > 1


def test_constant_features_and_equal_sets(rng: np.random.Generator):
    a = correlated(rng, 100, 5)
    dead = np.concatenate([a, np.ones((100, 3))], axis=1)
    assert frechet_distance(dead, dead) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(dead, dead + 1) == pytest.approx(8, rel=1e-9)
    assert frechet_distance(np.ones((4, 2)), np.zeros((4, 2))) == pytest.approx(2)


def test_moments_are_numpys_and_serve_again(rng: np.random.Generator):
    a, b = correlated(rng, 50, 4), correlated(rng, 60, 4)
    moments = Moments.of(a.astype(np.float32))
    np.testing.assert_allclose(moments.covariance, np.cov(a.T, ddof=1), rtol=1e-5)
    assert moments.n == 50
    assert frechet_distance(Moments.of(a), b) == frechet_distance(a, Moments.of(b))


def test_it_is_symmetric_and_grows_with_the_shift(rng: np.random.Generator):
    a, b = correlated(rng, 100, 6), correlated(rng, 100, 6)
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a))
    assert frechet_distance(a, a + 2) == pytest.approx(24)


def kernel_by_loops(x: np.ndarray, y: np.ndarray) -> float:
    p = x.shape[1]

    def mean(u: np.ndarray, v: np.ndarray, skip: bool) -> float:
        values = [
            (float(u[i] @ v[j]) / p + 1) ** 3
            for i in range(len(u))
            for j in range(len(v))
            if not (skip and i == j)
        ]
        return sum(values) / len(values)

    return mean(x, x, True) + mean(y, y, True) - 2 * mean(x, y, False)


def test_kernel_distance_is_the_double_loop(rng: np.random.Generator):
    a, b = correlated(rng, 12, 3), correlated(rng, 12, 3, 1.0)
    mean, std = kernel_distance(a, b, n_blocks=3)
    assert mean == pytest.approx(kernel_by_loops(a, b), rel=1e-9)
    assert std == pytest.approx(0, abs=1e-9)  # every block is the whole


def test_kernel_distance_is_unbiased(rng: np.random.Generator):
    same = [kernel_distance(*rng.normal(size=(2, 30, 4)), n_blocks=1)[0] for _ in range(400)]
    error = np.std(same) / np.sqrt(len(same))
    assert abs(np.mean(same)) < 4 * error
    assert min(same) < 0


def test_kernel_blocks_are_random_and_repeat(rng: np.random.Generator):
    a, b = rng.normal(size=(300, 4)), rng.normal(size=(200, 4)) + 1
    first = kernel_distance(a, b, n_blocks=20, block_size=50, seed=1)
    assert first == kernel_distance(a, b, n_blocks=20, block_size=50, seed=1)
    assert first != kernel_distance(a, b, n_blocks=20, block_size=50, seed=2)
    assert first[1] > 0
    whole, _ = kernel_distance(a[:200], b, n_blocks=1)
    assert first[0] == pytest.approx(whole, abs=4 * first[1] / np.sqrt(20) + 0.2)


@pytest.mark.parametrize("measure", [frechet_distance, kernel_distance])
def test_bad_features_are_refused(measure, rng: np.random.Generator):
    a = rng.normal(size=(10, 3))
    with pytest.raises(UserError, match="3 and 4"):
        measure(a, rng.normal(size=(10, 4)))
    with pytest.raises(UserError, match="finite"):
        measure(a, np.where(a > a.max() - 1e-9, np.nan, a))
    with pytest.raises(UserError, match="at least 2"):
        measure(a[:1], a)
