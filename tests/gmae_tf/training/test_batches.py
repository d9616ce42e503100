"""Batches whose order depends on the seed and the epoch alone."""

from __future__ import annotations

import numpy as np
import pytest

from gmae_tf.training.batches import ImageBatches, SeededBatches

DATA = np.arange(103)


def epoch(batches: SeededBatches) -> np.ndarray:
    return np.stack([batches[i][0] for i in range(len(batches))])


def test_batches_are_equal_and_no_row_comes_twice():
    rows = epoch(SeededBatches(DATA, 10))
    assert rows.shape == (10, 10)  # the three rows left over are dropped
    assert len(np.unique(rows)) == 100


def test_the_order_is_a_permutation():
    batches = SeededBatches(DATA, 10, seed=5)
    np.testing.assert_array_equal(np.sort(batches.order), DATA)
    assert (batches.order != DATA).any()


def test_every_epoch_has_its_own_order_and_its_own_leftover():
    batches = SeededBatches(DATA, 10)
    orders = []
    for number in range(3):
        batches.start_epoch(number)
        orders.append(epoch(batches))
    assert not np.array_equal(orders[0], orders[1])
    assert not np.array_equal(orders[1], orders[2])
    assert len({tuple(sorted(set(DATA) - set(order.ravel()))) for order in orders}) == 3


def test_an_epoch_can_be_started_anywhere():
    walked, jumped = SeededBatches(DATA, 10, seed=1), SeededBatches(DATA, 10, seed=1)
    for number in range(5):
        walked.start_epoch(number)
    jumped.start_epoch(4)
    np.testing.assert_array_equal(epoch(walked), epoch(jumped))


def test_keras_does_not_change_the_order():
    batches = SeededBatches(DATA, 10)
    before = epoch(batches)
    batches.on_epoch_end()
    np.testing.assert_array_equal(epoch(batches), before)


def test_another_seed_gives_another_order():
    assert not np.array_equal(epoch(SeededBatches(DATA, 10, 0)), epoch(SeededBatches(DATA, 10, 1)))


@pytest.mark.parametrize("size", [103, 1000])
def test_few_rows_make_one_batch(size: int):
    batches = SeededBatches(DATA, size)
    assert len(batches) == 1
    np.testing.assert_array_equal(np.sort(epoch(batches)[0]), DATA)


def test_images_are_floats_a_batch_at_a_time_and_keep_their_numbers():
    images = np.arange(24, dtype=np.uint8).reshape(6, 2, 2, 1)
    numbers = np.arange(6)
    batches = ImageBatches((images, numbers), 4, seed=3)
    x, y = batches[0]
    assert x.dtype == np.float32
    np.testing.assert_array_equal(y, batches.order[:4])
    np.testing.assert_allclose(255 * x, images[y], rtol=1e-6)
    (alone,) = ImageBatches(images, 4, seed=3)[0]
    np.testing.assert_array_equal(alone, x)
