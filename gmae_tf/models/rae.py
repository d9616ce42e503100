"""Regularised autoencoders (Ghosh et al. 2020): small codes, and a smooth decoder.

The loss is that of the authors' code, mean squared error + code_weight * mean square of the codes'
entries + reg_weight * regulariser, with its settings for MNIST (16 dimensions).  The paper writes
half the squared norm of a code instead, which is D / 2 times as much.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from gmae_tf.autoencoder import Autoencoder, Batch, Method
from gmae_tf.errors import UserError
from gmae_tf.models.config import Parts
from gmae_tf.models.layers import input_gradient, spectrally_normalised
from gmae_tf.penalties import NormPenalty


def build(parts: Parts, code_weight: float = 5e-4) -> Autoencoder:
    """Nothing for the decoder ("RAE"); 1e-2 in the source for CIFAR-10 and 1e-4 for CelebA."""
    return _regularised(parts, code_weight)


def build_l2(parts: Parts, code_weight: float = 1e-4, reg_weight: float = 1e-7) -> Autoencoder:
    """With the sum of squares of all kernels of the decoder, 1e-3 and 1e-6 for CIFAR-10.

    The source leaves out the dense one for MNIST, but not for CelebA.
    """
    return _regularised(parts, code_weight, DecoderDecay(parts.latent_dim, reg_weight))


def build_gp(parts: Parts, code_weight: float = 1e-4, reg_weight: float = 5e-8) -> Autoencoder:
    """With the squared norm of the decoder's Jacobian, |J|_F^2, as in the paper.

    The source has something else: the squared gradient of the sum of squared pixels.
    """
    return _regularised(
        parts, code_weight, DecoderJacobian(parts.latent_dim, reg_weight, parts.seed)
    )


def build_sn(parts: Parts, code_weight: float = 9e-3) -> Autoencoder:
    """With spectral normalisation of encoder and decoder; 3e-2 for CIFAR-10, 2.4e-3 for CelebA."""
    return _regularised(parts, code_weight, normalise=True)


def _regularised(
    parts: Parts, code_weight: float, method: Method | None = None, normalise: bool = False
) -> Autoencoder:
    encoder, decoder = parts.networks()
    if normalise:
        encoder, decoder = spectrally_normalised(encoder), spectrally_normalised(decoder)
    # The penalty is half a sum over the axes of a code, not their mean.
    norm = NormPenalty(2 * code_weight / parts.latent_dim)
    return Autoencoder(encoder, decoder, parts.reconstruction, penalty=norm, method=method)


@keras.saving.register_keras_serializable(package="gmae")
class DecoderDecay(Method):
    """Term "decoder_l2": sum of squares of the kernels of the decoder; biases are free."""

    def __init__(self, latent_dim: int, weight: float) -> None:
        super().__init__(latent_dim, {"decoder_l2": weight})

    def loss_terms(self, batch: Batch) -> dict[str, Any]:
        """The same for every batch."""
        weights = batch.network.decoder.trainable_variables
        kernels = [weight for weight in weights if weight.name.endswith("kernel")]
        return {"decoder_l2": sum(ops.sum(ops.square(ops.cast(k, "float32"))) for k in kernels)}


@keras.saving.register_keras_serializable(package="gmae")
class DecoderJacobian(Method):
    """Term "jacobian": mean of |J|_F^2, J [pixels, D] the derivative of an image by its code.

    Hutchinson's estimate: the squared length of J^T v has this mean over normal v.  In training
    the decoder has the statistics of the batch, by which one image may depend on another's code.
    """

    def __init__(self, latent_dim: int, weight: float, seed: int = 0) -> None:
        super().__init__(latent_dim, {"jacobian": weight})
        self.random = keras.random.SeedGenerator(seed)

    def loss_terms(self, batch: Batch) -> dict[str, Any]:
        """From one v for each code."""
        decoder = batch.network.decoder
        if batch.network.autoregressive:
            raise UserError("rae-gp needs a decoder that sees the code alone: choose another model")
        trainable = [weight.value for weight in decoder.trainable_variables]
        other = [weight.value for weight in decoder.non_trainable_variables]
        v = keras.random.normal(ops.shape(batch.reconstruction), seed=self.random)

        def projected(z: Any) -> Any:
            # Stateless: what batch normalisation learns of this batch it has learnt already.
            output, _ = decoder.stateless_call(trainable, other, z, training=batch.training)
            return ops.cast(output, "float32") * v

        gradient = input_gradient(projected, batch.drawn)
        return {"jacobian": ops.mean(ops.sum(ops.square(gradient), axis=1))}
