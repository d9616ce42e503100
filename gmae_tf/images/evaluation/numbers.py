"""Numbers about clusters, codes and reconstructions, ready for JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmae_tf.images.evaluation.material import Images, Material
from gmae_tf.metrics import clustering, latent

MAX_KDE = 2000
"""Codes that a kernel density scores: each costs a pass over all that it was fitted to."""


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
    likelihoods = {
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
    return {
        "images": len(errors),
        "mse": float(errors.mean()),
        "psnr": float(decibels.mean()),
    }


def squared_errors(images: Images, others: Images) -> NDArray[np.float64]:
    """Mean squared difference of each pair of uint8 images [N, H, W, C] as pixels in [0, 1]."""
    rows = []
    for i in range(0, len(images), 1000):
        gap = images[i : i + 1000].astype(np.float32) - others[i : i + 1000]
        rows.append(np.square(gap / 255).mean(axis=(1, 2, 3), dtype=np.float64))
    return np.concatenate(rows)
