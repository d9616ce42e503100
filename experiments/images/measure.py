"""Train an image model, and measure it: distances, clusters, codes, and images that show it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gmae_tf.errors import UserError
from gmae_tf.images.evaluation.material import Images, Material
from gmae_tf.images.evaluation.sets import draw, image_sets, reference
from gmae_tf.metrics.sets import Moments, f_beta_summary, frechet_distance, prd_curve
from gmae_tf.train import TrainConfig
from gmae_tf.utils.cli import console

if TYPE_CHECKING:
    from gmae_tf.images.datasets import ImageData
    from gmae_tf.images.features.extractors import Extractor
    from gmae_tf.images.model import ImageAutoencoder

SETS = {
    "prior samples": "fd_prior",
    "ex-post mixture": "fd_ex_post",
    "reconstructions": "fd_reconstruction",
    "interpolations": "fd_interpolation",
}
"""Sets of `gmae_tf.images.evaluation.sets` whose Frechet distances are compared."""
ANCHORS = ("training images", "shuffled pixels", "uniform noise")
SHOWN = 8
"""Images of each kind that are kept for the page."""
POINTS = 1000
"""Codes of the map."""


@dataclass(frozen=True)
class Shown:
    """Images [SHOWN, H, W, C] and a map of codes, for the page."""

    samples: Images
    reconstructed: Images
    """Pairs: image and reconstruction, [SHOWN, 2, H, W, C]."""
    interpolated: Images
    codes: NDArray[np.float32]
    """The two principal coordinates of test codes [POINTS, 2]."""
    labels: NDArray[np.int64]


def train_model(options: TrainConfig, data: ImageData, folder: Path) -> ImageAutoencoder:
    """Train in `folder`, as the training command does."""
    from gmae_tf.images.model import ImageAutoencoder

    return ImageAutoencoder.train(options, data, folder)


def extractor_of(data: ImageData) -> Extractor | None:
    """The features in which distances are measured; None, and a line that says why."""
    from gmae_tf.images.features.extractors import make_extractor

    try:
        extractor = make_extractor(data.name, data.test_labels is not None)
    except UserError as error:
        console().print(f"without Frechet distances: {error}", soft_wrap=True)
        return None
    if extractor is None:
        console().print("without Frechet distances: the data set has no labels for a classifier")
    return extractor


def labelled(data: ImageData) -> ImageData:
    """The same data.  `UserError` without labels, which judge groups and train a classifier."""
    if data.train_labels is None or data.test_labels is None:
        raise UserError(f"{data.name} has no labels to judge by: choose a data set with labels")
    return data


def measure(
    model: ImageAutoencoder, data: ImageData, extractor: Extractor | None, n: int, seed: int
) -> tuple[dict[str, Any], Shown]:
    """Numbers of a trained model, and what to show of it; n images of each set."""
    from gmae_tf.images.evaluation import numbers
    from gmae_tf.metrics.latent import absolute_correlation

    material = Material.collect(model, data, n, seed)
    clusters = numbers.clusters(material) or {}
    nac = absolute_correlation(material.test.codes)
    found: dict[str, Any] = {
        "mse": numbers.reconstruction(material)["mse"],
        "accuracy": clusters.get("accuracy"),
        "nmi": clusters.get("nmi"),
        "nac": nac.correlation,
        "active": nac.active,
        "latent_dim": model.latent_dim,
        "parameters": int(model.network.count_params()),
    }
    if extractor is not None:
        found |= distances(material, extractor)
    return found, show(material)


def distances(material: Material, extractor: Extractor) -> dict[str, Any]:
    """Frechet distances of the sets, and precision and recall of the samples.

    These are samples of the prior, or of the ex-post mixture where there is none.
    """
    real = extractor(reference(material))
    moments = Moments.of(real)
    found: dict[str, Any] = {"features": extractor.name}
    judged = "prior samples" if material.model.network.has_prior else "ex-post mixture"
    for one in image_sets(material):
        if one.name not in SETS:
            continue
        features = extractor(one.make())
        found[SETS[one.name]] = frechet_distance(features, moments)
        if one.name == judged:
            recall, precision = f_beta_summary(prd_curve(features, real, seed=material.seed))
            found |= {"precision": precision, "recall": recall}
    return found


def anchors(
    model: ImageAutoencoder, data: ImageData, extractor: Extractor, n: int, seed: int
) -> dict[str, float]:
    """Distances of images that no model made: the floor and the ceiling."""
    material = Material.collect(model, data, n, seed)
    moments = Moments.of(extractor(reference(material)))
    return {
        one.name: frechet_distance(extractor(one.make()), moments)
        for one in image_sets(material)
        if one.name in ANCHORS
    }


def show(material: Material) -> Shown:
    """A few images of each kind."""
    from sklearn.decomposition import PCA

    model, data, test = material.model, material.data, material.test
    rng = material.rng(20)
    if model.network.has_prior:
        samples = model.sample(SHOWN, seed=rng)
    else:
        samples = model.decode(material.densities["mixture"].sample(SHOWN, rng))
    images = draw(data.test, min(SHOWN, len(data.test)), np.random.default_rng(0))
    ends = model.encode(images[:2])
    share = np.linspace(0, 1, SHOWN)[:, None]
    codes, labels = test.codes[:POINTS], test.labels
    flat = PCA(2).fit_transform(codes) if codes.shape[1] > 2 else codes
    return Shown(
        samples,
        np.stack([images, model.reconstruct(images)], axis=1),
        model.decode((1 - share) * ends[:1] + share * ends[1:]),
        np.asarray(flat, dtype=np.float32),
        np.zeros(len(flat), np.int64) if labels is None else labels[:POINTS],
    )
