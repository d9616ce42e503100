"""CascadeVAE: groups are assigned to the examples of a batch, exactly, by how well they decode."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from gmae_tf import distributions as dist
from gmae_tf.autoencoder import Autoencoder, Batch
from gmae_tf.errors import UserError
from gmae_tf.losses import MeanSquaredError
from gmae_tf.models.config import Parts
from gmae_tf.models.joint_vae import JointCode
from gmae_tf.models.layers import frozen


def build(
    parts: Parts,
    beta: float = 0.1,
    closed_beta: float = 10.0,
    opening: float = 0.4,
    continuous_only: float = 4 / 15,
    crowding: float = 0.001,
) -> Autoencoder:
    """Sum of squared errors of D([z, c]) + sum_j beta_j KL_j + `crowding` for pairs in a group.

    Jeong & Song 2019, settings of their code for dSprites.  One dimension after another gets the
    small beta in the share `opening` of the steps; groups c begin after `continuous_only`.  Squared
    errors stand for cross-entropy, a Hungarian algorithm for their minimum cost flow, and there is
    no decay of weights.  They group an example by decoding it with every c; here a head of the
    encoder learns these assignments by cross-entropy, so that a code needs no decoder.
    """
    backend = keras.backend.backend()
    if backend not in ("tensorflow", "jax"):
        raise UserError(
            f"cascadevae assigns groups outside of the backend {backend}, which does not offer "
            "that: set KERAS_BACKEND to tensorflow or jax"
        )
    if not isinstance(parts.reconstruction, MeanSquaredError):
        raise UserError("cascadevae compares squared errors of examples: train it on images")
    recipe = parts.recipe
    method = AssignedCode(
        parts.latent_dim,
        recipe.components,
        parts.elements,
        beta,
        closed_beta,
        opening * recipe.steps,
        continuous_only * recipe.steps,
        crowding,
        parts.seed,
    )
    networks = parts.networks(2 * parts.latent_dim + recipe.components, method.latent_dim)
    # The weight is 0 because in the loss the assigned groups are decoded.
    return Autoencoder(*networks, parts.reconstruction, 0.0, method=method)


@keras.saving.register_keras_serializable(package="gmae")
class AssignedCode(JointCode):
    """A head of the encoder gives the group of a code, which is none until groups begin.

    Terms: "assigned", the mean squared error with assigned groups, which the loss has instead of
    that with the head's; "kl", weighted by dimension; "head", its cross-entropy in nats.
    """

    def __init__(
        self,
        continuous: int,
        components: int,
        elements: int,
        beta: float,
        closed_beta: float,
        opening_steps: float,
        continuous_steps: float,
        crowding: float,
        seed: int = 0,
    ) -> None:
        weights = {"assigned": elements, "kl": 1.0, "head": 1.0}
        super().__init__(continuous, components, weights, seed)
        self.elements, self.crowding = elements, crowding
        self.beta, self.closed_beta = beta, closed_beta
        self.opening_steps, self.continuous_steps = opening_steps, continuous_steps
        if keras.backend.backend() == "tensorflow":
            self.supports_jit = False  # XLA cannot leave TensorFlow

    def latent_mean(self, encoded: Any) -> Any:
        """Mean and group."""
        mean, _, logits = self.moments(encoded)
        return self._joined(mean, dist.hard(logits))

    def sample_latent(self, encoded: Any, training: bool) -> Any:
        """A sample of z in training, else the mean, and the group."""
        mean, log_variance, logits = self.moments(encoded)
        z = dist.gaussian_sample(mean, log_variance, self.random) if training else mean
        return self._joined(z, dist.hard(logits))

    def loss_terms(self, batch: Batch) -> dict[str, Any]:
        """All of them for one sample of z, the decoded one."""
        mean, log_variance, logits = self.moments(batch.encoded)
        z = batch.drawn[:, : self.continuous]
        groups = ops.cond(
            self._grouped(),
            lambda: assigned(self.errors(batch.network.decoder, batch.x, z), self.crowding),
            lambda: ops.zeros_like(logits),
        )
        codes = ops.concatenate([z, groups], axis=-1)
        rebuilt = batch.network.decoder(codes, training=batch.training)
        kl = 0.5 * (ops.square(mean) + ops.exp(log_variance) - 1.0 - log_variance)
        terms = {
            "assigned": batch.network.reconstruction(batch.x, rebuilt),
            "kl": ops.sum(self.betas() * ops.mean(kl, axis=0)),
            "head": -ops.mean(ops.sum(groups * ops.log_softmax(logits), axis=-1)),
        }
        self.steps.next(batch.training)
        return terms

    def errors(self, decoder: Any, x: Any, z: Any) -> Any:
        """Sums of squared errors with each group, [N, K]; nothing is learnt from them."""
        n, k = ops.shape(z)[0], self.components
        groups = ops.tile(ops.eye(k), (n, 1))
        codes = ops.concatenate([ops.repeat(z, k, axis=0), groups], axis=-1)
        decoded = ops.cast(frozen(decoder, ops.stop_gradient(codes)), "float32")
        difference = ops.reshape(decoded, (n, k, -1)) - ops.reshape(x, (n, 1, -1))
        return ops.stop_gradient(self.elements * ops.mean(ops.square(difference), axis=-1))

    def betas(self) -> Any:
        """Weights of the divergences of the dimensions in this step, [D]."""
        begins = np.arange(self.continuous, dtype=np.float32) / self.continuous
        is_open = self.steps.count >= ops.convert_to_tensor(begins * self.opening_steps)
        return ops.where(is_open, self.beta, self.closed_beta)

    def _grouped(self) -> Any:
        return self.steps.count >= self.continuous_steps

    def _joined(self, z: Any, groups: Any) -> Any:
        return ops.concatenate([z, ops.cast(self._grouped(), "float32") * groups], axis=-1)


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
