"""Checks of arrays that users give."""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gmae_tf.errors import UserError


def check_codes(codes: ArrayLike, dim: int) -> NDArray[np.float32]:
    """Codes as float32 [N, dim].  `UserError` for another shape, or values that are not finite."""
    try:
        array = np.asarray(codes, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise UserError(f"codes are not numbers ({error}): give an array [N, {dim}]") from error
    if array.ndim != 2 or array.shape[1] != dim:
        raise UserError(f"codes have the shape {list(array.shape)}: give [N, {dim}]")
    if not np.isfinite(array).all():
        row = int(np.flatnonzero(~np.isfinite(array).all(axis=1))[0])
        raise UserError(f"codes[{row}] is not finite: give finite numbers")
    return array


def check_count(n: Any) -> int:
    """A number of samples, 0 or more.  `UserError` for anything else."""
    try:
        count = index(n)
    except TypeError as error:
        raise UserError(f"n is {n!r}: give a whole number of samples") from error
    if count < 0:
        raise UserError(f"n is {count}: give 0 samples or more")
    return count
