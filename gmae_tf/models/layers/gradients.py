"""Gradients that stop at weights, or go to the inputs: critics and gradient penalties."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from gmae_tf.errors import UserError


def frozen(layer: keras.layers.Layer, *inputs: Any, training: bool = False) -> Any:
    """`layer(*inputs)`, whose gradient reaches the inputs but not the weights of the layer."""
    trainable = [ops.stop_gradient(ops.convert_to_tensor(v)) for v in layer.trainable_variables]
    other = [ops.convert_to_tensor(v) for v in layer.non_trainable_variables]
    outputs, _ = layer.stateless_call(trainable, other, *inputs, training=training)
    return outputs


def input_gradient(function: Callable[[Any], Any], x: Any) -> Any:
    """Gradient of sum(function(x)) in x, of the shape of x, and itself differentiable.

    Raises `UserError` on a backend for which Keras has no such thing.
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(x)
            total = ops.sum(function(x))
        return tape.gradient(total, x)
    if backend == "jax":
        import jax

        return jax.grad(lambda value: ops.sum(function(value)))(x)
    raise UserError(
        f"this model takes gradients in its loss, which the backend {backend} does not offer: "
        "set KERAS_BACKEND to tensorflow or jax"
    )


def gradient_penalty(critic: keras.layers.Layer, real: Any, fake: Any, seed: Any) -> Any:
    """Mean of (|gradient of the critic| - 1)^2 between two batches [N, ...] (Gulrajani et al.)."""
    shape = (ops.shape(real)[0], *(1 for _ in real.shape[1:]))
    share = keras.random.uniform(shape, seed=seed)
    between = ops.stop_gradient(share * real + (1 - share) * fake)
    gradient = input_gradient(critic, between)
    axes = tuple(range(1, len(real.shape)))
    norm = ops.sqrt(ops.sum(ops.square(gradient), axis=axes) + 1e-12)
    return ops.mean(ops.square(norm - 1.0))
