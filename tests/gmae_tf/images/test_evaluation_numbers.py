"""Numbers of an evaluation: what is read off training images, and what off test images."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from gmae_tf.images.evaluation import numbers


def part(labels, found) -> SimpleNamespace:
    """Images with these labels, which the model puts into these of three components."""
    return SimpleNamespace(labels=np.array(labels), groups=np.eye(3)[found])


def test_the_majority_map_is_that_of_the_training_images():
    """Components 0 and 1 change their majorities between training and test images."""
    material = SimpleNamespace(
        train=part([0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 2, 2]),
        test=part([1, 1, 0, 0, 2, 2, 2], [0, 0, 1, 1, 2, 2, 0]),
        groups=lambda one: one.groups,
        clusters_are_prior=True,
        clusters=SimpleNamespace(n_components=3),
    )
    found = numbers.clusters(material)
    assert found["majority_accuracy"] == pytest.approx(2 / 7)  # with a map of its own: 6/7
    assert found["accuracy"] == pytest.approx(6 / 7)  # the best map of the test images
    assert found["class_of_component"] == [1, 0, 2]
    assert found["images"] == 7
    assert found["component_shares"] == pytest.approx([3 / 7, 2 / 7, 2 / 7])
