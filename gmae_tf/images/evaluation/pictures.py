"""The pictures of an evaluation, with their captions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from gmae_tf.images import figures
from gmae_tf.images.evaluation.material import Images, Material
from gmae_tf.images.evaluation.sets import draw, nearest
from gmae_tf.images.features.extractors import Extractor
from gmae_tf.prior import GaussianMixture
from gmae_tf.utils.plotting import Picture, png

BLOCK = 2000
MAX_ROWS = 20
"""Components that are drawn at most."""


def pictures(
    material: Material,
    clusters: dict[str, Any] | None,
    history: Sequence[dict[str, float]],
    extractor: Extractor | None,
) -> Iterator[Picture]:
    """All pictures that the model and its data allow."""
    yield from _samples(material)
    if len(material.validation.images) > 1:
        yield _interpolations(material)
    yield _neighbours(material, extractor)
    yield _components(material, clusters)
    if clusters is not None:
        yield _confusion(material, clusters)
    yield from _latent(material)
    yield _reconstructions(material)
    curves = figures.training_curves(history)
    if curves is not None:
        yield Picture(
            "training",
            "training_curves",
            "Terms by epoch",
            "Unweighted; the terms of the prior are divided by what samples of the "
            "prior have on average, so 1 is their goal. Held out are the validation images, with "
            "the network in evaluation mode.",
            png(curves),
        )


def _samples(material: Material) -> Iterator[Picture]:
    rng, model = material.rng(20), material.model
    expost = model.decode(material.densities["mixture"].sample(100, rng))
    if not model.network.has_prior:
        title, text = "Samples of the ex-post mixture", "This model has no prior; these are decoded"
        images = expost
    else:
        title, text = "Samples of the prior", "Decoded"
        images = model.sample(100, seed=rng)
    yield Picture(
        "generation",
        "samples",
        title,
        f"{text} random samples, none picked.",
        png(figures.image_grid(figures.square(images, 10))),
    )
    if model.network.has_prior:
        yield Picture(
            "generation",
            "samples_expost",
            "Prior beside ex-post mixture",
            "Left samples of the prior, right samples of a mixture of ten Gaussians fitted to the "
            "training codes afterwards: the more alike, the better the codes fill the prior.",
            png(figures.side_by_side(images[:64], expost[:64], ("prior", "ex-post mixture"))),
        )


def _interpolations(material: Material) -> Picture:
    model, rng = material.model, material.rng(21)
    rows = rng.permutation(len(material.validation.images))[:16]
    count = len(rows) // 2
    start, end = rows[:count], rows[count : 2 * count]
    codes, images = material.validation.codes, material.validation.images
    share = np.linspace(0, 1, 10)[None, :, None]
    line = (1 - share) * codes[start][:, None] + share * codes[end][:, None]
    steps = model.decode(line.reshape(-1, line.shape[-1]))
    steps = steps.reshape(count, 10, *steps.shape[1:])
    return Picture(
        "generation",
        "interpolations",
        "Interpolations",
        "Between validation images, on straight lines between their codes.",
        png(figures.interpolation_rows(steps, images[start], images[end])),
    )


def _neighbours(material: Material, extractor: Extractor | None) -> Picture:
    model, train = material.model, material.data.train
    density: Any = material.prior or material.densities["mixture"]
    samples = model.decode(density.sample(8, material.rng(22)))
    flat = samples.reshape(len(samples), -1) / 255
    pixels = (block.reshape(len(block), -1) / np.float32(255) for block in _blocks(train))
    by_pixel = nearest(flat, pixels)
    near: Images | None = None
    among = f"all {len(train):,} training images"
    if extractor is not None:
        some = material.train.images
        near = some[nearest(extractor(samples), map(extractor, _blocks(some)))]
        if len(some) < len(train):
            among += f" in pixels and {len(some):,} of them in features"
    return Picture(
        "generation",
        "neighbours",
        "Nearest training images",
        f"Samples and their five nearest neighbours among {among}. A sample that equals one of its "
        "neighbours is remembered, not generated.",
        png(figures.neighbour_rows(samples, np.asarray(train[by_pixel]), near)),
    )


def _blocks(images: Images) -> Iterator[Images]:
    return (images[i : i + BLOCK] for i in range(0, len(images), BLOCK))


def _components(material: Material, clusters: dict[str, Any] | None) -> Picture:
    k = len(clusters["component_shares"]) if clusters else material.clusters.n_components
    order, words = list(range(k)), ""
    if clusters is not None:
        order = clusters["confusion"]["components"]
        words = (
            ", in the order of the classes that they are matched to (component → class); the "
            "number is the share of that class among the component's test images"
        )
    order = order[:MAX_ROWS]
    if material.groups_are_learnt:
        rows = _samples_by_group(material, order)
        of = "A row for each group that the model has learnt: samples of it that fall there"
    else:
        rng, mixture = material.rng(23), material.clusters
        only = lambda k: GaussianMixture(mixture.means[[k]], mixture.covariances[[k]])  # noqa: E731
        rows = [material.model.decode(only(k).sample(10, rng)) for k in order]
        named = "the prior" if material.clusters_are_prior else "the ex-post mixture"
        of = f"A row for each component of {named}"
    return Picture(
        "clusters",
        "components",
        "Samples of each component",
        f"{of}{words}.",
        png(figures.image_grid(np.stack(rows), row_labels=_row_labels(material, clusters, order))),
    )


def _samples_by_group(material: Material, order: Sequence[int]) -> list[Images]:
    """Ten decoded samples [10, H, W, C] for each group, white where there are too few."""
    images = material.model.sample(100 * len(order), seed=material.rng(23))
    found = material.model.groups(images)
    assert found is not None  # the model has groups
    rows = []
    for k in order:
        own = images[found.argmax(axis=1) == k][:10]
        rest = np.full((10 - len(own), *images.shape[1:]), 255, np.uint8)
        rows.append(np.concatenate([own, rest]))
    return rows


def _row_labels(
    material: Material, clusters: dict[str, Any] | None, order: Sequence[int]
) -> list[str]:
    if clusters is None:
        return [str(k + 1) for k in order]
    counts = np.array(clusters["confusion"]["counts"])
    classes, columns = clusters["confusion"]["classes"], clusters["confusion"]["components"]
    labels = []
    for k in order:
        label, column = clusters["class_of_component"][k], counts[:, columns.index(k)]
        if label < 0 or not column.sum():
            labels.append(f"{k + 1} → none")
            continue
        share = 100 * column[classes.index(label)] / column.sum()
        labels.append(f"{k + 1} → {class_name(material, label)}, {share:.0f} %")
    return labels


def class_name(material: Material, label: int) -> str:
    """A label in words."""
    names = material.data.class_names or ()
    return names[label] if label < len(names) else str(label)


def _confusion(material: Material, clusters: dict[str, Any]) -> Picture:
    table = clusters["confusion"]
    names = [class_name(material, label) for label in table["classes"]]
    columns = [str(k + 1) for k in table["components"]]
    return Picture(
        "clusters",
        "confusion",
        "Classes and components",
        "Of the test images of each class (row), the per cent in each component (column); each "
        "class stands before the component that it is matched to, so right answers lie on the "
        "diagonal.",
        png(figures.confusion_matrix(np.array(table["counts"]), names, columns)),
    )


def _latent(material: Material) -> Iterator[Picture]:
    part, prior = material.test, material.prior
    basis = prior if prior is not None else material.clusters
    pairs = figures.informative_pairs(basis)
    lines = "; the lines enclose 50, 90 and 99 % of the prior there" if prior is not None else ""
    if pairs:
        names = material.data.class_names or ()
        figure = figures.latent_pairs(part.codes, prior, pairs, part.labels, names)
        yield Picture(
            "latent",
            "latent_pairs",
            "Codes of test images, two coordinates at a time",
            f"The coordinates in which components lie furthest apart{lines}.",
            png(figure),
        )
    beside = " beside the density that the prior has there" if prior is not None else ""
    yield Picture(
        "latent",
        "marginals",
        "Codes of test images, one coordinate at a time",
        f"The first coordinates of the codes{beside}.",
        png(figures.marginal_histograms(part.codes, prior)),
    )


def _reconstructions(material: Material) -> Picture:
    images = draw(material.data.test, min(40, len(material.data.test)), material.rng(24))
    columns = min(10, len(images))
    return Picture(
        "reconstruction",
        "reconstructions",
        "Reconstructions",
        "Test images above what the network makes of them.",
        png(figures.reconstruction_pairs(images, material.model.reconstruct(images), columns)),
    )
