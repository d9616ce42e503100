"""Groups for the examples of a batch, exactly: the least sum of costs, with a price for company."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from gmae_tf.errors import UserError


def check_backend(name: str) -> None:
    """`UserError` on a backend within whose graphs nothing can be assigned."""
    if keras.backend.backend() not in ("tensorflow", "jax"):
        raise UserError(
            f"{name} assigns groups outside of the backend {keras.backend.backend()}, which "
            "does not offer that: set KERAS_BACKEND to tensorflow or jax"
        )


def assign(errors: Any, crowding: float) -> NDArray[np.float32]:
    """One-hot groups [N, K] of the least sum of errors [N, K] + crowding * pairs in one group.

    The w-th member of a group, counted from 0, costs w * crowding more: each is a column.
    """
    from scipy.optimize import linear_sum_assignment

    costs = np.nan_to_num(np.asarray(errors, dtype=np.float64))
    n, k = costs.shape
    # No group needs more places than the largest has when each example takes its best: a group
    # beyond that could give examples back, by a chain of returns, to one that has lost some.
    most = np.bincount(costs.argmin(axis=1)).max()
    places = costs[:, :, None] + crowding * np.arange(most)
    _, column = linear_sum_assignment(places.reshape(n, k * most))
    return np.eye(k, dtype=np.float32)[column // most]


def assigned(errors: Any, crowding: float) -> Any:
    """The same within a graph, which has to be left for it; no gradient comes back."""
    if keras.backend.backend() == "jax":
        import jax

        result = jax.ShapeDtypeStruct(errors.shape, np.float32)
        return jax.pure_callback(lambda values: assign(values, crowding), result, errors)
    import tensorflow as tf

    found = tf.numpy_function(lambda values: assign(values, crowding), [errors], tf.float32)
    return tf.ensure_shape(found, errors.shape)
