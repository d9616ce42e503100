"""The sets of images that are compared with the test set, made one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from gmae_tf.images.evaluation.material import Images, Material


@dataclass(frozen=True)
class ImageSet:
    """A row of the table: `what` is one sentence, `make` gives uint8 [n, H, W, C]."""

    name: str
    what: str
    kind: str
    """model, or anchor: a set that no model made and that shows the scale."""
    make: Callable[[], Images]


def reference(material: Material) -> Images:
    """n test images, the reference of every comparison."""
    return draw(material.data.test, material.n, material.rng(0))


def image_sets(material: Material) -> Iterator[ImageSet]:
    """Every set of the protocol, in the order of the table.

    The protocol of Ghosh et al. 2020, which the mixture's papers follow: the reference is the test
    set, and what is reconstructed and interpolated are validation images.
    """
    yield from _generated(material)
    model, n = material.model, material.n
    yield ImageSet(
        "reconstructions",
        "validation images, encoded and decoded",
        "model",
        lambda: model.reconstruct(draw(material.data.validation, n, material.rng(5))),
    )
    yield ImageSet(
        "interpolations",
        "decoded midpoints of random pairs of validation codes, on the straight line between them",
        "model",
        lambda: model.decode(midpoints(material)),
    )
    yield ImageSet(
        "training images",
        "floor: other images of the data set, which no generator can be expected to beat",
        "anchor",
        lambda: draw(material.data.train, n, material.rng(7)),
    )
    yield ImageSet(
        "shuffled pixels",
        "ceiling: test images, the pixels of each in random order",
        "anchor",
        lambda: shuffled(reference(material), material.rng(8)),
    )
    yield ImageSet(
        "uniform noise",
        "ceiling: every pixel a random level",
        "anchor",
        lambda: _noise(reference(material), material.rng(9)),
    )


def _generated(material: Material) -> Iterator[ImageSet]:
    model, n = material.model, material.n
    if model.network.has_prior:
        yield ImageSet(
            "prior samples",
            "decoded samples of the prior that the codes were shaped to match, or that was learnt",
            "model",
            lambda: model.sample(n, seed=material.rng(1)),
        )
    names = {
        "mixture": ("ex-post mixture", "a mixture of ten full Gaussians"),
        "gaussian": ("ex-post Gaussian", "one full Gaussian"),
        "kde": ("ex-post KDE", "a kernel density"),
    }
    for purpose, (kind, (name, words)) in enumerate(names.items(), start=2):

        def make(kind: str = kind, purpose: int = purpose) -> Images:
            return model.decode(material.densities[kind].sample(n, material.rng(purpose)))

        what = f"decoded samples of {words} fitted to training codes afterwards"
        yield ImageSet(name, what, "model", make)


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


def _noise(like: Images, rng: np.random.Generator) -> Images:
    return rng.integers(0, 256, like.shape, dtype=np.uint8)
