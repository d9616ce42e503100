"""Feature extractors for sets of images, and the metrics of sets in their features."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gmae_tf.metrics.sets import (
    Moments,
    f_beta_summary,
    frechet_distance,
    kernel_distance,
    neighbour_precision_recall,
    prd_curve,
    sliced_wasserstein,
)

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


SCORES = ("frechet", "kernel", "kernel_std", "f8", "f1_8", "precision", "recall")
"""Metrics in features: Frechet and kernel distance (mean and deviation of blocks), F_8 and F_1/8 of
the precision-recall curve for distributions, precision and recall by nearest neighbours."""


def make_extractor(
    dataset: str, labelled: bool, inception: Path | None = None, classifier: Path | None = None
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
) -> list[dict[str, Any]]:
    """All metrics of each named set of uint8 images against the reference, in order.

    A row has name, n, `sliced_wasserstein` (order 2, of pixels in [0, 1]) and `SCORES`, which are
    None without an extractor.  Give anchors among the sets: other real images (the floor) and noise
    (the ceiling).  Frechet distances compare only between sets of one size.  One set is held at a
    time.
    """
    real = None if extractor is None else extractor(reference)
    moments = None if real is None else Moments.of(real)
    rows = []
    for name, images in sets:
        sliced = sliced_wasserstein(images, reference, seed=seed)
        scores: Iterable[float | None] = [None] * len(SCORES)
        if extractor is not None and real is not None and moments is not None:
            own = extractor(images)
            scores = (
                frechet_distance(own, moments),
                *kernel_distance(own, real, seed=seed),
                *f_beta_summary(prd_curve(own, real, seed=seed)),
                *neighbour_precision_recall(own, real, seed=seed),
            )
        row = {"name": name, "n": len(images), "sliced_wasserstein": sliced}
        rows.append({**row, **dict(zip(SCORES, scores, strict=True))})
    return rows
