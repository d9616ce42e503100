"""Random warps of images, against SciPy and exact moves."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops
from scipy.ndimage import map_coordinates

from gmae_tf.models.warp import RandomWarp, bilinear

RNG = np.random.default_rng(0)
IMAGES = RNG.random((3, 6, 8, 2)).astype(np.float32)
STILL = {"rotation": 0.0, "shift": 0.0, "zoom": 0.0}


def warped(images=IMAGES, **options):
    return ops.convert_to_numpy(RandomWarp(**{**STILL, **options})(ops.convert_to_tensor(images)))


def test_interpolation_is_that_of_scipy():
    rows = RNG.uniform(-2, 8, (3, 5, 7))
    columns = RNG.uniform(-2, 10, (3, 5, 7))
    found = bilinear(*(ops.convert_to_tensor(a, "float32") for a in (IMAGES, rows, columns)))
    for i in range(3):
        for channel in range(2):
            expected = map_coordinates(
                IMAGES[i, ..., channel], [rows[i], columns[i]], order=1, mode="nearest"
            )
            np.testing.assert_allclose(
                ops.convert_to_numpy(found)[i, ..., channel], expected, atol=1e-5
            )


def test_without_sizes_nothing_changes():
    np.testing.assert_allclose(warped(), IMAGES, atol=1e-5)


def test_a_flip_mirrors_some_images_and_leaves_the_others():
    images = RNG.random((40, 6, 8, 1)).astype(np.float32)
    found = warped(images, flip=True)
    mirrored = [np.allclose(a, b[:, ::-1], atol=1e-5) for a, b in zip(found, images, strict=True)]
    same = [np.allclose(a, b, atol=1e-5) for a, b in zip(found, images, strict=True)]
    assert all(np.logical_xor(mirrored, same))
    assert 5 < sum(mirrored) < 35


@pytest.mark.parametrize(
    ("option", "size", "moved"),
    [("rotation", 0.1, 2.7), ("shift", 0.1, 2.0), ("zoom", 0.2, 1.8), ("elastic", 0.05, 3.5)],
)
def test_a_dot_moves_by_no_more_than_the_size_allows(option, size, moved):
    y, x = np.mgrid[:16, :16]
    dot = np.exp(-((y - 4) ** 2 + (x - 7.5) ** 2) / 4)[None, ..., None].repeat(50, axis=0)
    found = warped(dot.astype(np.float32), **{option: size})[..., 0]
    total = found.sum(axis=(1, 2))
    centres = np.stack([(found * a).sum(axis=(1, 2)) / total for a in (y, x)], axis=1)
    distance = np.linalg.norm(centres - [4, 7.5], axis=1)
    assert distance.max() <= moved
    assert np.median(distance) > 0.2  # it does move
    assert len(np.unique(np.round(distance, 4))) > 40  # each image in its own way


def test_contrast_keeps_means_and_the_range():
    grey = (0.4 + 0.2 * IMAGES).astype(np.float32)
    found = warped(grey, contrast=0.3)
    np.testing.assert_allclose(found.mean(axis=(1, 2, 3)), grey.mean(axis=(1, 2, 3)), atol=1e-5)
    ratio = found.std(axis=(1, 2, 3)) / grey.std(axis=(1, 2, 3))
    assert np.all((ratio > np.exp(-0.3) - 1e-4) & (ratio < np.exp(0.3) + 1e-4))
    assert np.ptp(ratio) > 0.01


def test_the_same_seed_gives_the_same_warps_after_serialisation():
    warp = RandomWarp(elastic=0.03, flip=True, seed=3)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(warp))
    images = ops.convert_to_tensor(IMAGES)
    first = ops.convert_to_numpy(warp(images))
    np.testing.assert_array_equal(first, ops.convert_to_numpy(again(images)))
    assert not np.array_equal(first, ops.convert_to_numpy(warp(images)))
