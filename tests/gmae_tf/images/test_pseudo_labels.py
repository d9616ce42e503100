"""Groups among codes, found without labels."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from gmae_tf.images.training import neighbour_clusters


@pytest.fixture
def crescents(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two interleaved half circles in three dimensions, which no mixture of two can tell apart."""
    label = rng.integers(0, 2, size=700)
    angle = rng.uniform(0, np.pi, size=700) + np.pi * label
    centre = np.stack([label, 0.5 * label], axis=1)
    plane = centre + np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return np.c_[plane, np.zeros(700)] + 0.03 * rng.normal(size=(700, 3)), label


def test_neighbours_tell_what_a_mixture_cannot(crescents: tuple[np.ndarray, np.ndarray]):
    from sklearn.mixture import GaussianMixture

    codes, label = crescents
    plain = GaussianMixture(2, random_state=0).fit_predict(codes)
    found = neighbour_clusters(codes, 2)
    assert adjusted_rand_score(label, found) > adjusted_rand_score(label, plain) + 0.2


def test_codes_that_are_not_embedded_follow_their_neighbours(rng: np.random.Generator):
    label = np.repeat([0, 1, 2], 100)
    codes = 10 * np.eye(3)[label] + rng.normal(size=(300, 3))
    found = neighbour_clusters(codes, 3, embedded=90)
    assert found.shape == (300,)
    assert adjusted_rand_score(label, found) == 1
    assert set(found) == {0, 1, 2}


def test_it_is_repeatable(rng: np.random.Generator):
    codes = rng.normal(size=(120, 4))
    np.testing.assert_array_equal(
        neighbour_clusters(codes, 3, seed=5), neighbour_clusters(codes, 3, seed=5)
    )
