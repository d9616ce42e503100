"""Feature extractors for sets of images, and the metrics of sets in their features."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gmae_tf.metrics.frechet import Moments, frechet_distance, kernel_distance
from gmae_tf.metrics.precision_recall import f_beta_summary, neighbour_precision_recall, prd_curve
from gmae_tf.metrics.sliced_wasserstein import sliced_wasserstein

Images = NDArray[np.uint8]


class Extractor(Protocol):
    """uint8 images [N, H, W, C] -> features [N, dim]."""

    @property
    def name(self) -> str:
        """What a Frechet distance in these features is called."""
        ...

    @property
    def dim(self) -> int:
        """Numbers of a feature vector, p."""
        ...

    def __call__(self, images: Images) -> NDArray[Any]:
        """The features."""
        ...


@dataclass(frozen=True)
class SetScores:
    """One row of the table: a named set of images against the reference.

    All but `sliced_wasserstein` are None without an extractor.
    """

    name: str
    n: int
    sliced_wasserstein: float
    """Order 2, of pixels in [0, 1]."""
    frechet: float | None = None
    kernel: float | None = None
    """Mean over blocks."""
    kernel_std: float | None = None
    f8: float | None = None
    """F_8 of the precision-recall curve for distributions: recall."""
    f1_8: float | None = None
    """F_1/8 of that curve: precision."""
    precision: float | None = None
    """By nearest neighbours."""
    recall: float | None = None


def make_extractor(
    dataset: str,
    labelled: bool,
    inception: Path | None = None,
    classifier: Path | None = None,
) -> Extractor | None:
    """Inception where its weights are given, else the classifier of the data set.

    Parameters
    ----------
    dataset : name, as in `load_classifier`.
    labelled : whether the data set has labels; one without has no classifier, and the answer is
        None unless `inception` or `classifier` names a file or folder.

    Raises
    ------
    UserError: what was asked for is not there; the sentence says how to get it.
    """
    if inception is not None:
        from gmae_tf.images.features.inception import InceptionFeatures

        return InceptionFeatures(inception)
    if classifier is None and not labelled:
        return None
    from gmae_tf.images.features.classifier import load_classifier

    return load_classifier(dataset, classifier)


def evaluate_sets(
    extractor: Extractor | None,
    reference: Images,
    sets: Iterable[tuple[str, Images]],
    *,
    seed: int = 0,
) -> list[SetScores]:
    """All metrics of each named set of uint8 images against the reference, in order.

    Give anchors among the sets: other real images (the floor) and noise (the ceiling).  Frechet
    distances compare only between sets of one size.  One set is held at a time.
    """
    features = None if extractor is None else extractor(reference)
    moments = None if features is None else Moments.of(features)
    rows = []
    for name, images in sets:
        sliced = sliced_wasserstein(images, reference, seed=seed)
        scores: dict[str, float] = {}
        if extractor is not None and features is not None and moments is not None:
            scores = _feature_scores(extractor(images), features, moments, seed)
        rows.append(SetScores(name, len(images), sliced, **scores))
    return rows


def _feature_scores(
    own: NDArray[Any], reference: NDArray[Any], moments: Moments, seed: int
) -> dict[str, float]:
    kernel, kernel_std = kernel_distance(own, reference, seed=seed)
    f8, f1_8 = f_beta_summary(prd_curve(own, reference, seed=seed))
    precision, recall = neighbour_precision_recall(own, reference, seed=seed)
    return {
        "frechet": frechet_distance(own, moments),
        "kernel": kernel,
        "kernel_std": kernel_std,
        "f8": f8,
        "f1_8": f1_8,
        "precision": precision,
        "recall": recall,
    }
