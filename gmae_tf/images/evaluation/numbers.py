"""Metrics of generation, clusters, codes and reconstructions, ready for JSON."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gmae_tf.images.evaluation.material import Images, Material
from gmae_tf.images.evaluation.sets import generation
from gmae_tf.images.options import SMALLEST
from gmae_tf.metrics import clustering, latent

if TYPE_CHECKING:
    from gmae_tf.images.datasets import ImageData
    from gmae_tf.images.features.extractors import Extractor
    from gmae_tf.images.model import ImageAutoencoder

MAX_KDE = 2000
"""Codes that a kernel density scores: each costs a pass over all that it was fitted to."""


def measure(
    model: ImageAutoencoder,
    data: ImageData,
    *,
    n: int = 10_000,
    seed: int = 0,
    extractor: Extractor | None = None,
    batch_size: int = 100,
) -> dict[str, Any]:
    """All metrics of a trained model on test images, as in the evaluation.json of a run.

    Parameters
    ----------
    data : the images that it was trained on, see `gmae_tf.images.datasets.from_arrays`.
    n : images of each set that is compared, at most those of the smallest part.
    extractor : features of Frechet distances, see `make_extractor`; only pixels without one.
    batch_size : of the terms of the prior, which compare batches of codes with it.

    Examples
    --------
    >>> import numpy as np
    >>> from gmae_tf.images import ImageAutoencoder
    >>> from gmae_tf.images.datasets import from_arrays
    >>> from gmae_tf.images.evaluation import measure
    >>> images = np.random.default_rng(0).integers(0, 256, (100, 8, 8), dtype=np.uint8)
    >>> results = measure(ImageAutoencoder.build(8, 1, latent_dim=2), from_arrays(images))
    >>> sorted(results), results["reconstruction"]["images"]
    (['clusters', 'generation', 'latent', 'reconstruction'], 10)
    """
    most = min(len(data.train), len(data.validation), len(data.test))
    material = Material.collect(model, data, min(n, most), seed)
    return measure_material(material, extractor, batch_size)


def measure_material(
    material: Material,
    extractor: Extractor | None,
    batch_size: int,
    step: Callable[[str], None] = lambda name: None,
) -> dict[str, Any]:
    """`measure` of encoded images; `step` is called with the name of each step before it."""
    step("clusters")
    by_cluster = clusters(material)
    step("codes")
    by_code = codes(material, batch_size)
    step("reconstruction")
    errors = reconstruction(material)
    large = material.n >= SMALLEST
    return {
        "generation": generation(material, extractor, step) if large else None,
        "clusters": by_cluster,
        "latent": by_code,
        "reconstruction": errors,
    }


def clusters(material: Material) -> dict[str, Any] | None:
    """Agreement of components with labels on test images; None without labels.

    No label was used in training; the map of `accuracy` is the best one to one, that of
    `majority_accuracy` was read off the training images.
    """
    labels = material.test.labels
    if labels is None or material.train.labels is None:
        return None
    r = material.groups(material.test)
    k = r.shape[1]
    found = r.argmax(axis=1)
    seen = material.groups(material.train).argmax(axis=1)
    by_majority = clustering.majority_map(material.train.labels, seen, k)
    table = clustering.confusion(labels, found, k)
    return {
        "source": cluster_source(material),
        "components": k,
        "images": len(labels),
        "accuracy": clustering.clustering_accuracy(labels, found, k),
        "majority_accuracy": clustering.majority_accuracy(labels, found, by_majority),
        "nmi": clustering.normalized_mutual_information(labels, found),
        "map": clustering.matched_average_precision(labels, r),
        "map_definition": clustering.MAP_NAME,
        "confidence": float(r.max(axis=1).mean()),
        "component_shares": (np.bincount(found, minlength=k) / len(found)).tolist(),
        "class_of_component": clustering.hungarian_map(labels, found, k).tolist(),
        "confusion": {
            "counts": table.counts.tolist(),
            "classes": table.classes.tolist(),
            "components": table.clusters.tolist(),
        },
    }


def cluster_source(material: Material) -> str:
    """What the clusters are, in words."""
    if material.clusters_are_prior:
        return f"the {material.clusters.n_components} components of the prior"
    if material.groups_are_learnt:
        return "the groups that the model has learnt"
    return (
        f"the {material.clusters.n_components} components of a mixture fitted to the training "
        "codes afterwards, because the prior of this model has no components"
    )


def codes(material: Material, batch_size: int) -> dict[str, Any]:
    """How well held-out codes, in evaluation mode, fit the prior, and their densities in nats."""
    prior, z = material.prior, material.test.codes
    likelihoods: dict[str, float] = {
        kind: latent.mean_log_likelihood(density, z[:MAX_KDE] if kind == "kde" else z)
        for kind, density in material.densities.items()
    }
    terms = None
    if prior is not None:
        likelihoods["prior"] = latent.mean_log_likelihood(prior, z)
        midpoint = getattr(material.model.network.penalty, "midpoint", False)
        terms = latent.prior_terms(z, prior, batch_size, material.seed, midpoint=midpoint)
    return {
        "latent_dim": material.model.latent_dim,
        "images": len(z),
        "batch_size": batch_size,
        "terms": terms,
        "independence": asdict(latent.absolute_correlation(z, prior)),
        "log_likelihood": likelihoods,
    }


def reconstruction(material: Material) -> dict[str, Any]:
    """Mean squared error of test images, pixels in [0, 1], and the peak signal-to-noise ratio."""
    errors = squared_errors(material.test.images, material.model.decode(material.test.codes))
    decibels = -10 * np.log10(np.maximum(errors, 1e-10))
    return {"images": len(errors), "mse": float(errors.mean()), "psnr": float(decibels.mean())}


def squared_errors(images: Images, others: Images) -> NDArray[np.float64]:
    """Mean squared difference of each pair of uint8 images [N, H, W, C] as pixels in [0, 1]."""
    rows = []
    for i in range(0, len(images), 1000):
        gap = images[i : i + 1000].astype(np.float32) - others[i : i + 1000]
        rows.append(np.square(gap / 255).mean(axis=(1, 2, 3), dtype=np.float64))
    return np.concatenate(rows)
