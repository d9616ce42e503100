"""The pictures of an evaluation, with their captions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gmae_tf.images import figures
from gmae_tf.images.evaluation.material import Images, Material
from gmae_tf.images.evaluation.sets import draw, nearest
from gmae_tf.images.evaluation.tables import environment
from gmae_tf.images.features.extractors import Extractor
from gmae_tf.prior import GaussianMixture
from gmae_tf.utils.plotting import Picture, png

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLOCK = 2000
MAX_ROWS = 20
"""Components that are drawn at most."""
MAX_WALKS = 10
STEPS = 8
"""Frames from one stop of a walk to the next."""


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
    yield _walk(material)
    yield _neighbours(material, extractor)
    yield _components(material, clusters)
    if clusters is not None:
        yield _confusion(material, clusters)
    yield from _latent(material)
    yield _reconstructions(material)
    curves = figures.training_curves(history)
    if curves is not None:
        yield _picture("training_curves", curves)


def _picture(name: str, figure: Figure, **facts: Any) -> Picture:
    """A figure with the words of its macro in the template of captions."""
    return _captioned(name, png(figure), **facts)


def _captioned(name: str, file: bytes, **facts: Any) -> Picture:
    captions = environment(autoescape=False).get_template("captions.j2").module
    section, title, caption = str(getattr(captions, name)(**facts)).strip().splitlines()
    return Picture(section, name, title, caption, file)


def _samples(material: Material) -> Iterator[Picture]:
    rng, model = material.rng(20), material.model
    expost = model.decode(material.densities["mixture"].sample(100, rng))
    has_prior = model.network.has_prior
    images = model.sample(100, seed=rng) if has_prior else expost
    yield _picture("samples", figures.image_grid(figures.square(images, 10)), prior=has_prior)
    if has_prior:
        names = ("prior", "ex-post mixture")
        yield _picture("samples_expost", figures.side_by_side(images[:64], expost[:64], names))


def _interpolations(material: Material) -> Picture:
    images = material.validation.images
    rows = material.rng(21).permutation(len(images))[:16]
    start, end = (images[half] for half in np.split(rows[: len(rows) // 2 * 2], 2))
    steps = material.model.interpolate(start, end, 10)
    return _picture("interpolations", figures.interpolation_rows(steps, start, end))


def _walk(material: Material) -> Picture:
    """As many walks as there are components, each one component ahead of the one before."""
    rng, mixture = material.rng(25), material.clusters
    k = min(mixture.n_components, MAX_WALKS)
    own = (GaussianMixture(mixture.means[[i]], mixture.covariances[[i]]) for i in range(k))
    stops = np.concatenate([one.sample(1, rng) for one in own])
    stops = stops if k > 1 else mixture.sample(5, rng)
    share = (1 - np.cos(np.linspace(0, np.pi, STEPS, endpoint=False))) / 2
    legs = [stops + t * (np.roll(stops, -1, axis=0) - stops) for t in share]
    images = material.model.decode(np.concatenate(legs))
    frames = images.reshape(STEPS, len(stops), *images.shape[1:])
    # Then each walk stands where the next one began.
    turned = np.concatenate([np.roll(frames, -i, axis=1) for i in range(len(stops))])
    turns = range(0, len(turned), STEPS)
    return _captioned("walk", figures.animation(turned, turns), prior=material.clusters_are_prior)


def _neighbours(material: Material, extractor: Extractor | None) -> Picture:
    train, some = material.data.train, material.train.images
    density: Any = material.prior or material.densities["mixture"]
    samples = material.model.decode(density.sample(8, material.rng(22)))
    pixels = (block.reshape(len(block), -1) / np.float32(255) for block in _blocks(train))
    by_pixel = nearest(samples.reshape(len(samples), -1) / 255, pixels)
    near, compared = None, len(train)
    if extractor is not None:
        near = some[nearest(extractor(samples), map(extractor, _blocks(some)))]
        compared = len(some)
    figure = figures.neighbour_rows(samples, np.asarray(train[by_pixel]), near)
    return _picture("neighbours", figure, n=len(train), some=compared)


def _blocks(images: Images) -> Iterator[Images]:
    return (images[i : i + BLOCK] for i in range(0, len(images), BLOCK))


def _components(material: Material, clusters: dict[str, Any] | None) -> Picture:
    if clusters is not None:
        order = clusters["confusion"]["components"][:MAX_ROWS]
    else:
        order = list(range(min(material.clusters.n_components, MAX_ROWS)))
    if material.groups_are_learnt:
        rows = _samples_by_group(material, order)
    else:
        rng, mixture = material.rng(23), material.clusters
        only = lambda k: GaussianMixture(mixture.means[[k]], mixture.covariances[[k]])  # noqa: E731
        rows = [material.model.decode(only(k).sample(10, rng)) for k in order]
    labels = _row_labels(material, clusters, order)
    return _picture(
        "components",
        figures.image_grid(np.stack(rows), row_labels=labels),
        learnt=material.groups_are_learnt,
        prior=material.clusters_are_prior,
        labelled=clusters is not None,
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
    figure = figures.confusion_matrix(np.array(table["counts"]), names, columns)
    return _picture("confusion", figure)


def _latent(material: Material) -> Iterator[Picture]:
    part, prior = material.test, material.prior
    has_prior = prior is not None
    pairs = figures.informative_pairs(prior if prior is not None else material.clusters)
    if pairs:
        names = material.data.class_names or ()
        figure = figures.latent_pairs(part.codes, prior, pairs, part.labels, names)
        yield _picture("latent_pairs", figure, prior=has_prior)
    histograms = figures.marginal_histograms(part.codes, prior)
    yield _picture("marginals", histograms, prior=has_prior)


def _reconstructions(material: Material) -> Picture:
    images = draw(material.data.test, min(40, len(material.data.test)), material.rng(24))
    again = material.model.reconstruct(images)
    columns = min(10, len(images))
    return _picture("reconstructions", figures.reconstruction_pairs(images, again, columns))
