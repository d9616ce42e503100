"""Tensors and gradients of whatever backend Keras runs on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops
from numpy.typing import ArrayLike, NDArray


def tensor(values: ArrayLike, dtype: str) -> Any:
    """A backend tensor; skips the test where the backend has no float64."""
    made = ops.convert_to_tensor(np.asarray(values), dtype=dtype)
    if keras.backend.standardize_dtype(made.dtype) != dtype:
        pytest.skip("JAX computes in float64 only with JAX_ENABLE_X64=1; test_jax.py does so")
    return made


def gradient(f: Callable[[Any], Any], z: Any) -> NDArray:
    """df/dz by automatic differentiation."""
    if keras.backend.backend() == "jax":
        import jax

        return np.asarray(jax.grad(f)(z))
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(z)
        value = f(z)
    return np.asarray(tape.gradient(value, z))
