"""Layers and functions that several models share: critics' gradients, perceptrons, a counter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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


def perceptron(
    widths: Sequence[int],
    outputs: int,
    name: str,
    activation: str = "relu",
    inputs: int | None = None,
) -> keras.Sequential:
    """Dense layers; `inputs` builds them at once, as weights must be before training starts."""
    network = keras.Sequential(
        [
            *(keras.layers.Dense(width, activation=activation) for width in widths),
            keras.layers.Dense(outputs),
        ],
        name=name,
    )
    if inputs is not None:
        network.build((None, inputs))
    return network


class Steps(keras.layers.Layer):
    """Counts training steps, for terms whose weight depends on them; saved with the model."""

    def __init__(self) -> None:
        super().__init__(name="steps", dtype="float32")
        self.count = self.add_weight(shape=(), initializer="zeros", trainable=False, name="count")
        self.built = True

    def next(self, training: bool) -> Any:
        """How many training steps there were before this one; call once a batch."""
        before = self.count + 0.0  # a value, which the assignment does not change
        if training:
            self.count.assign(before + 1)
        return before


_CONVOLUTIONS = (f"Conv{d}D{kind}" for d in (1, 2, 3) for kind in ("", "Transpose"))
_WITH_KERNEL = (keras.layers.Dense, *(getattr(keras.layers, name) for name in _CONVOLUTIONS))


def spectrally_normalised(network: keras.Model) -> keras.Model:
    """A new network of the same kind with `SpectralNorm` about each dense layer and convolution.

    Raises `UserError` for an autoregressive decoder, which is no graph of layers.
    """
    if getattr(network, "autoregressive", False):
        raise UserError(
            "an autoregressive decoder cannot be spectrally normalised: choose another decoder, "
            "or another model"
        )

    def normalised(layer: keras.Layer) -> keras.Layer:
        clone = type(layer).from_config(layer.get_config())
        return SpectralNorm(clone, name=layer.name) if isinstance(layer, _WITH_KERNEL) else clone

    return keras.models.clone_model(network, clone_function=normalised)


@keras.saving.register_keras_serializable(package="gmae")
class SpectralNorm(keras.layers.Wrapper):
    """A layer with kernel / sigma in place of its kernel, sigma its largest singular value.

    The kernel is a matrix of its last axis and all others.  Each training step takes one step of
    the power iteration for the singular vector, and gradients go through sigma.  Keras's own
    `SpectralNormalization` overwrites the kernel instead, which on JAX is lost when the step ends.
    """

    def __init__(self, layer: keras.Layer, **kwargs: Any) -> None:
        super().__init__(layer, autocast=False, **kwargs)  # sigma in float32

    def build(self, input_shape: Any = None) -> None:
        """Start the power iteration from a random vector [F] of length one."""
        super().build(input_shape)
        self.vector = self.add_weight(
            shape=(self.layer.kernel.shape[-1],),
            initializer="random_normal",
            trainable=False,
            name="vector",
            dtype="float32",
        )

    def call(self, inputs: Any, training: bool = False) -> Any:
        """As the layer, with the divided kernel."""
        weights = self.layer.trainable_variables
        values = [
            value / self._sigma(value, training) if variable is self.layer.kernel else value
            for variable, value in ((weight, weight.value) for weight in weights)
        ]
        outputs, _ = self.layer.stateless_call(values, [], inputs)
        return outputs

    def _sigma(self, kernel: Any, training: bool) -> Any:
        matrix = ops.reshape(kernel, (-1, kernel.shape[-1]))
        fixed = ops.stop_gradient(matrix)
        left = _unit(ops.matmul(fixed, self.vector.value))
        right = _unit(ops.matmul(left, fixed))
        if training:
            self.vector.assign(right)
        return ops.sum(left * ops.matmul(matrix, right))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """That of the layer."""
        return self.layer.compute_output_shape(input_shape)


def _unit(vector: Any) -> Any:
    return vector / ops.sqrt(ops.sum(ops.square(vector)) + 1e-12)
