"""Sliced Wasserstein distance between sets of images: needs neither labels nor a network."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gmae_tf.errors import UserError

Array = NDArray[np.float64]
CHUNK = 1000


def sliced_wasserstein(
    a: NDArray[np.uint8],
    b: NDArray[np.uint8],
    n_directions: int = 256,
    order: int = 2,
    seed: int = 0,
) -> float:
    """(mean over random unit vectors w of W_order(a.w, b.w)^order)^(1/order) (Bonneel et al. 2015).

    Images [N, H, W, C] uint8 are read as pixels in [0, 1]; the sets may differ in size.

    Raises
    ------
    UserError: the images of the two sets differ in shape, or a set is empty.
    """
    if a.shape[1:] != b.shape[1:] or not len(a) or not len(b):
        raise UserError(f"images {a.shape} and {b.shape} cannot be compared: make them alike")
    rng = np.random.default_rng(seed)
    directions = rng.standard_normal((int(np.prod(a.shape[1:])), n_directions))
    directions = (directions / np.linalg.norm(directions, axis=0)).astype(np.float32)
    x, y = _project(a, directions), _project(b, directions)
    return float(np.mean(wasserstein_powers(x, y, order)) ** (1 / order))


def wasserstein_powers(x: ArrayLike, y: ArrayLike, order: int = 2) -> Array:
    """W_order^order between the columns of x [n, L] and of y [m, L], exact: [L].

    The integral of |quantile of x - quantile of y|^order over the common steps of both.
    """
    xs, ys = (np.sort(np.asarray(z, dtype=np.float64), axis=0) for z in (x, y))
    n, m = len(xs), len(ys)
    # Steps end at i/n and j/m; in units of 1/(n m) these are whole numbers.
    ends = np.unique(np.concatenate([np.arange(1, n + 1) * m, np.arange(1, m + 1) * n]))
    widths = np.diff(ends, prepend=0) / (n * m)
    gaps = np.abs(xs[(ends - 1) // m] - ys[(ends - 1) // n]) ** order
    return widths @ gaps


def _project(images: NDArray[np.uint8], directions: NDArray[np.float32]) -> NDArray[np.float32]:
    parts = (images[i : i + CHUNK] for i in range(0, len(images), CHUNK))  # large sets stay uint8
    return np.concatenate(
        [part.reshape(len(part), -1).astype(np.float32) / 255 @ directions for part in parts]
    )
