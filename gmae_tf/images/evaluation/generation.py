"""Metrics of generated images: Frechet distances and others, of sets against the test set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import numpy as np

from gmae_tf.images.evaluation.material import Images, Material
from gmae_tf.images.evaluation.sets import image_sets, reference
from gmae_tf.images.features.extractors import Extractor, evaluate_sets


def generation(
    material: Material, extractor: Extractor | None, step: Callable[[str], None]
) -> dict[str, Any]:
    """Every metric of every set; `step` is called with the name of each set before it is made.

    `prior_gap_percent` is by how much the Frechet distance of prior samples exceeds that of
    samples of the ex-post mixture.
    """
    sets = list(image_sets(material))

    def made_in_turn() -> Iterator[tuple[str, Images]]:
        for one in sets:
            step(one.name)
            yield one.name, one.make()

    scores = evaluate_sets(extractor, reference(material), made_in_turn(), seed=material.seed)
    rows = [
        {**asdict(row), "what": one.what, "kind": one.kind}
        for row, one in zip(scores, sets, strict=True)
    ]
    by_name = {row["name"]: row["frechet"] for row in rows}
    return {
        "reference": "test images",
        "n": material.n,
        "extractor": describe(extractor),
        "rows": rows,
        "prior_gap_percent": percent_above(
            by_name.get("prior samples"), by_name["ex-post mixture"]
        ),
    }


def describe(extractor: Extractor | None) -> dict[str, Any] | None:
    """Name, width and, of a classifier, its test accuracy."""
    if extractor is None:
        return None
    details = getattr(extractor, "details", None)
    return {
        "name": extractor.name,
        "dim": extractor.dim,
        "test_accuracy": getattr(details, "test_accuracy", None),
    }


def percent_above(value: float | None, base: float | None) -> float | None:
    """By how many per cent `value` exceeds `base`."""
    if value is None or not base:
        return None
    return 100 * (value - base) / base


def nearest(
    queries: np.ndarray, candidates: Callable[[int], np.ndarray | None], k: int = 5
) -> np.ndarray:
    """Indices [Q, k] of the candidates nearest to queries [Q, p].

    `candidates(i)` is the i-th block [B, p], or None behind the last one, so that a large set is
    never held as floats.
    """
    best = np.full((len(queries), 0), np.inf)
    index = np.empty((len(queries), 0), dtype=np.int64)
    start, number = 0, 0
    queries = queries.astype(np.float32)
    while (block := candidates(number)) is not None:
        block = block.astype(np.float32)
        squared = np.square(block).sum(axis=1) - 2 * queries @ block.T
        best = np.concatenate([best, squared], axis=1)
        rows = np.broadcast_to(np.arange(start, start + len(block)), squared.shape)
        index = np.concatenate([index, rows], axis=1)
        order = np.argsort(best, axis=1, kind="stable")[:, :k]
        best, index = (np.take_along_axis(a, order, axis=1) for a in (best, index))
        start, number = start + len(block), number + 1
    return index
