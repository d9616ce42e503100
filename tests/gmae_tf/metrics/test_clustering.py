"""Agreement of clusters and labels."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from gmae_tf.errors import UserError
from gmae_tf.metrics.clustering import (
    NO_LABEL,
    clustering_accuracy,
    confusion,
    contingency,
    hungarian_map,
    majority_accuracy,
    majority_map,
    matched_average_precision,
    normalized_mutual_information,
)


def best_by_trying(labels: np.ndarray, clusters: np.ndarray, k: int) -> float:
    """The best one-to-one map among all: labels are padded by some that nothing has."""
    classes = [*np.unique(labels), *([-5] * k)]
    return max(
        float(np.mean(np.array(choice)[clusters] == labels)) for choice in permutations(classes, k)
    )


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 4), st.integers(1, 3), st.integers(0, 10_000))
def test_accuracy_is_the_best_of_all_maps(k: int, c: int, seed: int):
    rng = np.random.default_rng(seed)
    labels, clusters = rng.integers(0, c, 30) * 3, rng.integers(0, k, 30)
    best = best_by_trying(labels, clusters, k)
    assert clustering_accuracy(labels, clusters, k) == pytest.approx(best)


def test_renamed_clusters_are_right():
    labels = np.array([1, 8, 8, 1, 8])
    assert clustering_accuracy(labels, [1, 0, 0, 1, 0]) == 1
    np.testing.assert_array_equal(hungarian_map(labels, [1, 0, 0, 1, 0]), [8, 1])


def test_more_clusters_than_classes():
    labels, clusters = [0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 2, 2]
    assert clustering_accuracy(labels, clusters) == pytest.approx(5 / 6)
    np.testing.assert_array_equal(hungarian_map(labels, clusters), [0, NO_LABEL, 1])
    label_of = majority_map(labels, clusters, 4)
    np.testing.assert_array_equal(label_of, [0, 0, 1, NO_LABEL])
    assert majority_accuracy(labels, clusters, label_of) == 1


def test_the_majority_map_comes_from_elsewhere():
    label_of = majority_map([0, 0, 1], [0, 0, 1])
    assert majority_accuracy([1, 1, 1, 0], [0, 1, 1, 0], label_of) == pytest.approx(3 / 4)
    assert majority_accuracy([1, 1], [1, 2], label_of) == pytest.approx(1 / 2)  # 2 was never seen


def information_by_loops(labels: np.ndarray, clusters: np.ndarray) -> float:
    def entropy(shares: list[float]) -> float:
        return -sum(s * np.log(s) for s in shares if s)

    joint = [
        float(np.mean((labels == a) & (clusters == b)))
        for a in np.unique(labels)
        for b in np.unique(clusters)
    ]
    own = [entropy([float(np.mean(x == v)) for v in np.unique(x)]) for x in (labels, clusters)]
    return (sum(own) - entropy(joint)) / (sum(own) / 2)


def test_mutual_information_is_normalised_by_the_mean_entropy(rng: np.random.Generator):
    labels = rng.integers(0, 4, 300)
    clusters = np.where(rng.random(300) < 0.6, labels, rng.integers(0, 7, 300))
    expected = information_by_loops(labels, clusters)
    assert normalized_mutual_information(labels, clusters) == pytest.approx(expected)
    assert 0.05 < expected < 0.9


def test_average_precision_of_matched_responsibilities(rng: np.random.Generator):
    labels = rng.integers(0, 3, 200)
    scores = rng.random((200, 3)) + 0.4 * np.eye(3)[labels]
    r = scores / scores.sum(axis=1, keepdims=True)
    expected = np.mean([average_precision_score(labels == c, r[:, c]) for c in range(3)])
    shuffled = r[:, [2, 0, 1]]
    assert matched_average_precision(labels, shuffled) == pytest.approx(expected)
    assert expected < 0.98


def test_a_class_without_a_cluster_counts_with_its_frequency():
    labels = np.array([0] * 5 + [1] * 4 + [2])
    r = np.where(labels[:, None] == [0, 1], 0.9, 0.1)
    assert matched_average_precision(labels, r) == pytest.approx((1 + 1 + 0.1) / 3)


@pytest.mark.parametrize(("k", "c"), [(3, 3), (5, 3), (2, 4)])
def test_confusion_has_its_matches_on_the_diagonal(k: int, c: int, rng: np.random.Generator):
    labels, clusters = rng.integers(0, c, 100) + 4, rng.integers(0, k, 100)
    table = confusion(labels, clusters, k)
    assert table.counts.shape == (c, k)
    right = clustering_accuracy(labels, clusters, k)
    assert np.trace(table.counts) == pytest.approx(right * 100)
    for i, label in enumerate(table.classes):
        for j, cluster in enumerate(table.clusters):
            assert table.counts[i, j] == np.sum((labels == label) & (clusters == cluster))


def test_confusion_of_three_classes_is_known():
    table = confusion([0, 0, 1, 1, 2], [2, 2, 0, 1, 1])
    np.testing.assert_array_equal(table.counts, [[2, 0, 0], [0, 1, 1], [0, 0, 1]])
    np.testing.assert_array_equal(table.clusters, [2, 0, 1])


def test_empty_clusters_are_counted():
    counts, classes = contingency([0, 2], [1, 1], 4)
    np.testing.assert_array_equal(counts, [[0, 1, 0, 0], [0, 1, 0, 0]])
    np.testing.assert_array_equal(classes, [0, 2])


def test_lists_that_do_not_fit_are_refused():
    for labels, clusters in (([0, 1], [0]), ([], []), ([0, 1], [0, -1])):
        with pytest.raises(UserError, match="labels"):
            clustering_accuracy(labels, clusters)
