"""How far clusters that were found without labels agree with the labels.

Labels and clusters are whole numbers [N], 0 or more; the K clusters are 0 .. K-1, labels may have
gaps, and K need not be the number of classes.  A map is an array [K] of the label of each
cluster, with `NO_LABEL` for a cluster that has none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gmae_tf.errors import UserError

Labels = NDArray[np.int64]
NO_LABEL = -1
MAP_NAME = "macro one-vs-rest average precision of Hungarian-matched responsibilities"
"""What `matched_average_precision` is; the papers do not define theirs."""


@dataclass(frozen=True, eq=False)
class Confusion:
    """Counts [classes, K], the matched cluster of each class on the diagonal."""

    counts: Labels
    classes: Labels
    """[classes] the label of each row."""
    clusters: Labels
    """[K] the cluster of each column; those without a class come last."""


def clustering_accuracy(labels: ArrayLike, clusters: ArrayLike, n_clusters: int = 0) -> float:
    """Share of points that are right under the best one-to-one map (Hungarian method).

    Points of clusters and classes that stay without partner are wrong.
    """
    return majority_accuracy(labels, clusters, hungarian_map(labels, clusters, n_clusters))


def hungarian_map(labels: ArrayLike, clusters: ArrayLike, n_clusters: int = 0) -> Labels:
    """The one-to-one map [K] with most points right; K is the largest cluster + 1 by default."""
    from scipy.optimize import linear_sum_assignment

    counts, classes = contingency(labels, clusters, n_clusters)
    rows, columns = linear_sum_assignment(counts, maximize=True)
    found = np.full(counts.shape[1], NO_LABEL, dtype=np.int64)
    found[columns] = classes[rows]
    return found


def majority_map(labels: ArrayLike, clusters: ArrayLike, n_clusters: int = 0) -> Labels:
    """The most frequent label of each cluster, [K]; `NO_LABEL` for an empty cluster."""
    counts, classes = contingency(labels, clusters, n_clusters)
    return np.where(counts.any(axis=0), classes[counts.argmax(axis=0)], NO_LABEL)


def majority_accuracy(labels: ArrayLike, clusters: ArrayLike, label_of: ArrayLike) -> float:
    """Share of points whose cluster has their label by a map [K] made elsewhere.

    Take the map from training assignments: from the points themselves it flatters.
    """
    y, c = _pair(labels, clusters)
    known = np.asarray(label_of, dtype=np.int64)
    found = np.where(c < len(known), known[np.minimum(c, len(known) - 1)], NO_LABEL)
    return float(np.mean((found == y) & (found != NO_LABEL)))


def normalized_mutual_information(labels: ArrayLike, clusters: ArrayLike) -> float:
    """Mutual information over the arithmetic mean of both entropies, 0 to 1."""
    from sklearn.metrics import normalized_mutual_info_score

    return float(
        normalized_mutual_info_score(*_pair(labels, clusters), average_method="arithmetic")
    )


def matched_average_precision(labels: ArrayLike, responsibilities: ArrayLike) -> float:
    """Mean over classes of the average precision of their cluster's responsibility.

    Clusters and classes are matched by `hungarian_map` of the most likely clusters.  A class
    without a cluster counts with its frequency, which is what a constant score attains.
    Responsibilities are [N, K].
    """
    from sklearn.metrics import average_precision_score

    r = np.asarray(responsibilities, dtype=np.float64)
    y = np.asarray(labels, dtype=np.int64)
    label_of = hungarian_map(y, r.argmax(axis=1), r.shape[1])
    precisions = []
    for c in np.unique(y):
        own = np.flatnonzero(label_of == c)
        score = r[:, own[0]] if len(own) else np.zeros(len(y))
        precisions.append(average_precision_score(y == c, score))
    return float(np.mean(precisions))


def confusion(labels: ArrayLike, clusters: ArrayLike, n_clusters: int = 0) -> Confusion:
    """Counts of classes against clusters, ordered by the Hungarian match."""
    counts, classes = contingency(labels, clusters, n_clusters)
    label_of = hungarian_map(labels, clusters, counts.shape[1])
    partner = np.searchsorted(classes, label_of)
    order = np.argsort(np.where(label_of == NO_LABEL, len(classes), partner), kind="stable")
    matched = np.isin(classes, label_of)  # classes without a cluster go last as well
    rows = np.argsort(~matched, kind="stable")
    return Confusion(counts[np.ix_(rows, order)], classes[rows], order.astype(np.int64))


def contingency(
    labels: ArrayLike, clusters: ArrayLike, n_clusters: int = 0
) -> tuple[Labels, Labels]:
    """Counts [classes, K] and the label of each row; K is at least `n_clusters`."""
    y, c = _pair(labels, clusters)
    classes, row = np.unique(y, return_inverse=True)
    counts = np.zeros((len(classes), max(n_clusters, int(c.max()) + 1)), dtype=np.int64)
    np.add.at(counts, (row, c), 1)
    return counts, classes


def _pair(labels: ArrayLike, clusters: ArrayLike) -> tuple[Labels, Labels]:
    y, c = np.asarray(labels, dtype=np.int64), np.asarray(clusters, dtype=np.int64)
    if y.shape != c.shape or y.ndim != 1 or not len(y):
        raise UserError(f"labels {y.shape} and clusters {c.shape} must be equally many, not none")
    if (y < 0).any() or (c < 0).any():
        raise UserError("labels and clusters are whole numbers from 0: there are negative ones")
    return y, c
