"""Sliced Wasserstein distance of images."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import wasserstein_distance

from gmae_tf.errors import UserError
from gmae_tf.metrics.sets import sliced_wasserstein, wasserstein_powers


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 10_000))
def test_order_one_is_that_of_scipy(n: int, m: int, seed: int):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, 1)), rng.normal(size=(m, 1)) + 0.5
    expected = wasserstein_distance(x[:, 0], y[:, 0])
    assert wasserstein_powers(x, y, 1)[0] == pytest.approx(expected)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 8), st.integers(1, 8), st.integers(0, 10_000))
def test_order_two_pairs_sorted_copies(n: int, m: int, seed: int):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, 2)), rng.normal(size=(m, 2))
    pairs = np.sort(np.repeat(x, m, axis=0), axis=0) - np.sort(np.repeat(y, n, axis=0), axis=0)
    np.testing.assert_allclose(wasserstein_powers(x, y), np.square(pairs).mean(axis=0))


def test_constant_images_are_apart_by_their_projected_gap(rng: np.random.Generator):
    dark, light = np.zeros((5, 4, 4, 1), np.uint8), np.full((7, 4, 4, 1), 255, np.uint8)
    # E (w.1)^2 = |1|^2 / 16 = 1 for unit vectors w in 16 dimensions.
    assert sliced_wasserstein(dark, light, n_directions=4000) == pytest.approx(1, abs=0.05)


def test_equal_sets_are_at_zero_and_noise_is_far(rng: np.random.Generator):
    images = rng.integers(0, 50, (1200, 6, 6, 3), dtype=np.uint8)  # more than one chunk
    assert sliced_wasserstein(images, images[::-1]) == pytest.approx(0, abs=1e-6)
    other = rng.integers(0, 50, (1200, 6, 6, 3), dtype=np.uint8)
    noise = rng.integers(0, 256, (1200, 6, 6, 3), dtype=np.uint8)
    assert sliced_wasserstein(images, noise) > 10 * sliced_wasserstein(images, other)


def test_it_repeats_with_the_seed(rng: np.random.Generator):
    a, b = rng.integers(0, 256, (2, 30, 4, 4, 1), dtype=np.uint8)
    first = sliced_wasserstein(a, b, seed=1)
    assert first == sliced_wasserstein(a, b, seed=1) != sliced_wasserstein(a, b, seed=2)


def test_images_of_other_shapes_are_refused():
    grey, colour = np.zeros((2, 4, 4, 1), np.uint8), np.zeros((2, 4, 4, 3), np.uint8)
    for a, b in ((grey, colour), (grey, grey[:0])):
        with pytest.raises(UserError, match="compared"):
            sliced_wasserstein(a, b)
