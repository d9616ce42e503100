"""Networks whose kernels have a largest singular value of one (Miyato et al. 2018)."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

from gmae_tf.errors import UserError

_WITH_KERNEL = (
    layers.Dense,
    layers.Conv1D,
    layers.Conv2D,
    layers.Conv3D,
    layers.Conv1DTranspose,
    layers.Conv2DTranspose,
    layers.Conv3DTranspose,
)


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
class SpectralNorm(layers.Wrapper):
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
