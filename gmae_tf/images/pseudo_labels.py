"""Pseudo-labels of images: clusters of the t-SNE embedding of an autoencoder's codes.

Marginals and covariances do not say which images belong together, and a mixture whose components
lie apart freezes whatever division the first epochs happened to make.  Nearest neighbours do say
it: a neighbour embedding of a plain autoencoder's codes falls into groups that are close to the
classes (McConville et al. 2021, "N2D").
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def neighbour_clusters(
    codes: ArrayLike, k: int, *, seed: int = 0, embedded: int = 10_000
) -> NDArray[np.int32]:
    """Cluster 0..k-1 of each code, [N, D] -> [N].

    t-SNE of at most `embedded` random codes to two dimensions, a mixture of k Gaussians in it (the
    likeliest of ten fits), and for the other codes the vote of their ten nearest neighbours.
    """
    from sklearn.manifold import TSNE
    from sklearn.mixture import GaussianMixture
    from sklearn.neighbors import KNeighborsClassifier

    codes = np.asarray(codes, dtype=np.float32)
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.permutation(len(codes))[:embedded])
    perplexity = min(30.0, (len(rows) - 1) / 3)
    plane = TSNE(2, perplexity=perplexity, init="pca", random_state=seed, n_jobs=-1)
    points = plane.fit_transform(codes[rows])
    clusters = GaussianMixture(k, n_init=10, random_state=seed).fit_predict(points)
    vote = KNeighborsClassifier(min(10, len(rows)), n_jobs=-1).fit(codes[rows], clusters)
    return vote.predict(codes).astype(np.int32)
