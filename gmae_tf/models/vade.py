"""Variational deep embedding: the prior is a mixture that is learnt with the networks."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from gmae_tf import distributions as dist
from gmae_tf.autoencoder import Autoencoder, Batch
from gmae_tf.errors import UserError
from gmae_tf.models.config import Parts
from gmae_tf.models.vae import GaussianPosterior
from gmae_tf.prior import GaussianMixture

CODES = 10_000
"""To which the mixture is fitted."""
UNFITTED = 10.0
"""Nats of a dimension without noise, so that losses before the fit are no lower than after it."""


def build(parts: Parts, pretraining: float = 0.2, kl_weight: float = 0.312) -> Autoencoder:
    """Sum of squared errors + kl_weight * E KL(q(z, c|x) || p(z, c)), with p(z, c) learnt.

    Jiang et al. 2017, in whose code a squared error is a cross-entropy: of that it is worth about 3
    nats on MNIST, so the KL has the weight of `vae`.  The first share `pretraining` of the epochs
    trains a plain autoencoder; a mixture with diagonal covariances is then fitted to its codes and
    trained on (their code pretrains layer by layer, in another program).  Posterior variances start
    at a tenth of those within clusters, not at 1, which for narrow codes is noise alone.  One
    learning rate stands for their two.
    """
    recipe = parts.recipe
    method = MixturePosterior(
        parts.latent_dim,
        recipe.components,
        round(pretraining * recipe.steps),
        kl_weight,
        parts.seed,
    )
    networks = parts.networks(2 * parts.latent_dim)
    return Autoencoder(*networks, parts.reconstruction, parts.elements, method=method)


@keras.saving.register_keras_serializable(package="gmae")
class MixturePosterior(GaussianPosterior):
    """Codes are means, whose posterior shall be close to a mixture that is learnt.

    Terms in nats: "kl" from the components, each by its probability, "cluster" from their weights.
    Until the mixture is fitted, they are constants, `UNFITTED` a dimension and 0.
    """

    keep_last = True  # no weights from before the fit, whatever their loss

    def __init__(
        self, latent_dim: int, components: int, pretraining: int, kl_weight: float, seed: int = 0
    ) -> None:
        super().__init__(latent_dim, kl_weight, seed)
        self.term_weights = {"kl": kl_weight, "cluster": kl_weight}
        self.pretraining = pretraining
        self.mixture = LearntMixture(components, latent_dim, seed)
        self.offset = self.add_weight((latent_dim,), "zeros", trainable=False, name="offset")

    def moments(self, encoded: Any) -> tuple[Any, Any]:
        """Mean and log variance [N, D], the latter from where it starts."""
        mean, log_variance = super().moments(encoded)
        return mean, log_variance + self.offset

    def sample_latent(self, encoded: Any, training: bool) -> Any:
        """A sample in training, else the mean, and always the mean before the fit."""
        mean = self.latent_mean(encoded)
        return mean + self.mixture.fitted * (super().sample_latent(encoded, training) - mean)

    def loss_terms(self, batch: Batch) -> dict[str, Any]:
        """KL(q(z|x) p(c|z) || p(z, c)), p(c|z) being that of what was decoded."""
        mean, log_variance = self.moments(batch.encoded)
        log_gamma = ops.log_softmax(self.mixture.log_joint(batch.drawn))
        gamma = ops.exp(log_gamma)
        log_lambda = self.mixture.log_variances
        second_moment = (
            ops.square(mean[:, None] - self.mixture.means) + ops.exp(log_variance)[:, None]
        )
        cross_entropy = ops.sum(log_lambda + second_moment * ops.exp(-log_lambda), axis=-1)
        kl = ops.sum(gamma * cross_entropy, axis=-1) - ops.sum(1.0 + log_variance, axis=-1)
        log_weights = ops.log_softmax(self.mixture.logits)
        cluster = ops.sum(gamma * (log_gamma - log_weights), axis=-1)
        fitted = ops.convert_to_tensor(self.mixture.fitted)
        return {
            "kl": fitted * 0.5 * ops.mean(kl) + (1.0 - fitted) * UNFITTED * self.latent_dim,
            "cluster": fitted * ops.mean(cluster),
        }

    def cluster_probs(self, encoded: Any) -> Any:
        """p(c|z) for the code."""
        return ops.softmax(self.mixture.log_joint(self.latent_mean(encoded)))

    def start_epoch(self, network: Autoencoder, batches: Any, epoch: int) -> None:
        """Fit the mixture once, in the first epoch after pretraining.

        Whether it is done is saved, so a resumed training neither forgets nor repeats it.
        """
        if float(self.mixture.fitted) or epoch < round(self.pretraining / max(1, len(batches))):
            return
        found: list[NDArray[Any]] = []
        for index in range(len(batches)):
            x = batches[index][0]
            found += [network.encode(part) for part in (x if isinstance(x, tuple) else (x,))]
            if sum(map(len, found)) >= CODES:
                break
        self.mixture.fit(np.concatenate(found)[:CODES])
        fitted = self.mixture.value
        variances = np.diagonal(fitted.covariances, axis1=1, axis2=2)
        self.offset.assign(fitted.weights @ np.log(variances) - np.log(10.0))

    def sample_codes(self, n: int, rng: np.random.Generator) -> NDArray[np.floating]:
        """Of the mixture."""
        return self.mixture.value.sample(n, rng)


class LearntMixture(keras.layers.Layer):
    """Means and log variances [K, D], logits of weights [K].

    log_variances : as they are used; the weights behind them are without bounds.
    fitted : 0 or 1, saved with the model.
    """

    def __init__(self, components: int, dim: int, seed: int = 0) -> None:
        super().__init__(name="mixture", dtype="float32")
        self.components, self.seed = components, seed
        self.means = self.add_weight((components, dim), "zeros", name="means")
        self.raw_log_variances = self.add_weight((components, dim), "zeros", name="log_variances")
        self.logits = self.add_weight((components,), "zeros", name="logits")
        self.fitted = self.add_weight((), "zeros", trainable=False, name="fitted")
        self.built = True

    @property
    def log_variances(self) -> Any:
        """[K, D]."""
        return dist.bounded(self.raw_log_variances)

    def log_joint(self, z: Any) -> Any:
        """log p(z, c), [N, D] -> [N, K]."""
        within = dist.gaussian_log_prob(z[:, None], self.means, self.log_variances)
        return ops.log_softmax(self.logits) + within

    def fit(self, codes: NDArray[Any]) -> None:
        """To codes [N, D] by expectation maximisation.  `UserError` for fewer than components."""
        from sklearn.mixture import GaussianMixture as Mixture

        if len(codes) < self.components:
            raise UserError(
                f"{len(codes)} examples are too few for {self.components} clusters: "
                "train with more examples, larger batches or fewer components"
            )
        mixture = Mixture(
            self.components, covariance_type="diag", n_init=5, random_state=self.seed
        ).fit(codes.astype(np.float64))
        self.assign(mixture.weights_, mixture.means_, mixture.covariances_)
        self.fitted.assign(1.0)

    def assign(self, weights: Any, means: Any, variances: Any) -> None:
        """Set all."""
        log_variances = np.clip(np.log(variances), -9.0, 9.0)
        self.means.assign(means)
        self.raw_log_variances.assign(10.0 * np.arctanh(log_variances / 10.0))  # as bounded
        self.logits.assign(np.log(np.asarray(weights) + 1e-6))

    @property
    def value(self) -> GaussianMixture:
        """As it is now."""
        logits, means, variances = (
            ops.convert_to_numpy(values).astype(np.float64)
            for values in (self.logits, self.means, ops.exp(self.log_variances))
        )
        return GaussianMixture(means, variances, np.exp(logits - logits.max()))
