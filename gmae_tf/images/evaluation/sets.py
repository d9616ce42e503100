"""The sets of images that are compared with the test set, made one at a time, and their metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from gmae_tf.density import DensityKind
from gmae_tf.images.evaluation.material import Images, Material
from gmae_tf.images.features.extractors import Extractor, evaluate_sets

FITTED = "decoded samples of {} fitted to training codes afterwards"


class ImageSet(NamedTuple):
    """A row of the table: `what` is one sentence, `make` gives uint8 [n, H, W, C]."""

    name: str
    what: str
    make: Callable[[], Images]
    kind: str = "model"
    """model, or anchor: a set that no model made and that shows the scale."""


def reference(material: Material) -> Images:
    """n test images, the reference of every comparison."""
    return draw(material.data.test, material.n, material.rng(0))


def image_sets(material: Material) -> Iterator[ImageSet]:
    """Every set of the protocol, in the order of the table.

    The protocol of Ghosh et al. 2020, which the mixture's papers follow: the reference is the test
    set, and what is reconstructed and interpolated are validation images.
    """
    model, data, n, rng = material.model, material.data, material.n, material.rng

    def fitted(kind: DensityKind, purpose: int) -> Callable[[], Images]:
        return lambda: model.decode(material.densities[kind].sample(n, rng(purpose)))

    if model.network.has_prior:
        yield ImageSet(
            "prior samples",
            "decoded samples of the prior that the codes were shaped to match, or that was learnt",
            lambda: model.sample(n, seed=rng(1)),
        )
    mixture = FITTED.format("a mixture of ten full Gaussians")
    yield ImageSet("ex-post mixture", mixture, fitted("mixture", 2))
    yield ImageSet("ex-post Gaussian", FITTED.format("one full Gaussian"), fitted("gaussian", 3))
    yield ImageSet("ex-post KDE", FITTED.format("a kernel density"), fitted("kde", 4))
    yield ImageSet(
        "reconstructions",
        "validation images, encoded and decoded",
        lambda: model.reconstruct(draw(data.validation, n, rng(5))),
    )
    yield ImageSet(
        "interpolations",
        "decoded midpoints of random pairs of validation codes, on the straight line between them",
        lambda: model.decode(midpoints(material)),
    )
    yield ImageSet(
        "training images",
        "floor: other images of the data set, which no generator can be expected to beat",
        lambda: draw(data.train, n, rng(7)),
        "anchor",
    )
    yield ImageSet(
        "shuffled pixels",
        "ceiling: test images, the pixels of each in random order",
        lambda: shuffled(reference(material), rng(8)),
        "anchor",
    )
    yield ImageSet(
        "uniform noise",
        "ceiling: every pixel a random level",
        lambda: rng(9).integers(0, 256, (n, *data.test.shape[1:]), dtype=np.uint8),
        "anchor",
    )


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
        {**row, "what": one.what, "kind": one.kind} for row, one in zip(scores, sets, strict=True)
    ]
    by_name = {row["name"]: row["frechet"] for row in rows}
    gap = percent_above(by_name.get("prior samples"), by_name["ex-post mixture"])
    about = None
    if extractor is not None:
        accuracy = getattr(getattr(extractor, "details", None), "test_accuracy", None)
        about = {"name": extractor.name, "dim": extractor.dim, "test_accuracy": accuracy}
    return {
        "reference": "test images",
        "n": material.n,
        "extractor": about,
        "rows": rows,
        "prior_gap_percent": gap,
    }


def percent_above(value: float | None, base: float | None) -> float | None:
    """By how many per cent `value` exceeds `base`."""
    return None if value is None or not base else 100 * (value - base) / base


def nearest(queries: np.ndarray, blocks: Iterable[np.ndarray], k: int = 5) -> np.ndarray:
    """Indices [Q, k] of the candidates nearest to queries [Q, p].

    Candidates come in blocks [B, p], so that a large set is never held as floats.
    """
    queries = queries.astype(np.float32)
    squared = [
        np.square(block).sum(axis=1) - 2 * queries @ block.T
        for block in (block.astype(np.float32) for block in blocks)
    ]
    return np.argsort(np.concatenate(squared, axis=1), axis=1, kind="stable")[:, :k]


def midpoints(material: Material) -> np.ndarray:
    """Midpoints [n, D] of random pairs of validation codes.

    Straight, not spherical: a mixture has no centre about which to turn.
    """
    codes, rng = material.validation.codes, material.rng(6)
    first = rng.integers(len(codes), size=material.n)
    second = (first + rng.integers(1, len(codes), size=material.n)) % len(codes)  # another one
    return (codes[first] + codes[second]) / 2


def draw(images: Images, n: int, rng: np.random.Generator) -> Images:
    """n different images at random; those of a file on disk are read in its order."""
    return np.asarray(images[np.sort(rng.choice(len(images), n, replace=False))])


def shuffled(images: Images, rng: np.random.Generator) -> Images:
    """Each image [N, H, W, C] with its pixels in an order of its own."""
    flat = images.reshape(len(images), -1, images.shape[-1])
    order = np.argsort(rng.random(flat.shape[:2]), axis=1)
    return np.take_along_axis(flat, order[:, :, None], axis=1).reshape(images.shape)
