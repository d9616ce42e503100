"""How well a Gaussian process predicts a property from latent codes."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import ArrayLike, NDArray

FEWEST = 20
"""Codes, below which a test says nothing."""


def gaussian_process_score(
    codes: ArrayLike, values: ArrayLike, *, train: int = 2000, seed: int = 0
) -> dict[str, float]:
    """Test RMSE and mean log-likelihood of Gaussian process regression from codes to a property.

    An exact Gaussian process (Matérn 5/2, one length scale, Gaussian noise) on standardised codes;
    its hyperparameters maximise the marginal likelihood.  It measures how smooth the property is in
    the latent space; only results of equally many training codes compare.

    Parameters
    ----------
    codes : [N, D].
    values : [N] of the property; rows that are not finite are left out.
    train : training codes at most, drawn by `seed`; never more than nine tenths.  The others test.

    Returns
    -------
    `rmse` and `ll` (nats a code, noise included) in units of the property, `std` of the test
    values, which is the RMSE of a constant, and the numbers of `training` and `test` codes.  Empty
    for fewer than FEWEST codes or a constant property.
    """
    z, y = np.asarray(codes, dtype=np.float64), np.asarray(values, dtype=np.float64)
    finite = np.isfinite(y)
    z, y = z[finite], y[finite]
    order = np.random.default_rng(seed).permutation(len(y))
    known, asked = np.split(order, [min(train, 9 * len(y) // 10)])
    if len(y) < FEWEST or not np.ptp(y[known]):
        return {}
    scale = np.maximum(z[known].std(axis=0), 1e-9)
    z = (z - z[known].mean(axis=0)) / scale
    mean, deviation = _predict(z[known], y[known], z[asked], seed)
    error = y[asked] - mean
    density = -0.5 * (np.log(2 * np.pi * deviation**2) + (error / deviation) ** 2)
    return {
        "rmse": float(np.sqrt(np.mean(error**2))),
        "ll": float(np.mean(density)),
        "std": float(y[asked].std()),
        "training": len(known),
        "test": len(asked),
    }


def _predict(
    x: NDArray[np.float64], y: NDArray[np.float64], asked: NDArray[np.float64], seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean [M] and standard deviation [M] of a noisy value at `asked` [M, D]."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

    kernel = ConstantKernel(1.0, (1e-3, 1e3)) * Matern(
        np.sqrt(x.shape[1]), (1e-1, 1e3), nu=2.5
    ) + WhiteKernel(0.5, (1e-6, 1e1))
    process = GaussianProcessRegressor(kernel, normalize_y=True, random_state=seed)
    with warnings.catch_warnings():  # a property without noise, or noise alone, is no mistake
        warnings.simplefilter("ignore", ConvergenceWarning)
        process.fit(x, y)
    mean, deviation = process.predict(asked, return_std=True)
    return mean, deviation
