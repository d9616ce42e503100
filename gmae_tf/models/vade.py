"""Variational deep embedding: the prior is a mixture that is learnt with the networks."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from gmae_tf.autoencoder import Autoencoder
from gmae_tf.errors import UserError
from gmae_tf.models import tools
from gmae_tf.models.method import Batch
from gmae_tf.models.parts import Parts
from gmae_tf.models.vae import GaussianPosterior
from gmae_tf.prior import GaussianMixture

CODES = 10_000
"""To which the mixture is fitted."""
UNFITTED = 1e5
"""In nats, above any loss, so that no epoch before the fit has the best validation loss."""


def build(parts: Parts, pretraining: float = 0.2, kl_weight: float = 1.0) -> Autoencoder:
    """Sum of squared errors + kl_weight * E KL(q(z, c|x) || p(z, c)), with p(z, c) learnt.

    Jiang et al. 2017.  The first share `pretraining` of the epochs trains a plain autoencoder; a
    mixture with diagonal covariances is then fitted to its codes and trained on (their code
    pretrains layer by layer, in another program).  Posterior variances start at a tenth of those
    within clusters, not at 1, which for narrow codes is noise alone.  Squared errors stand for
    their cross-entropy, and one learning rate for their two.
    """
    recipe = parts.recipe
    method = LearntMixture(
        parts.latent_dim,
        recipe.components,
        round(pretraining * recipe.steps),
        kl_weight,
        parts.seed,
    )
    return Autoencoder(
        parts.encoder(2 * parts.latent_dim),
        parts.decoder(parts.latent_dim),
        parts.reconstruction,
        parts.elements,
        method=method,
    )


@keras.saving.register_keras_serializable(package="gmae")
class LearntMixture(GaussianPosterior):
    """Codes are means, whose posterior shall be close to a mixture that is learnt.

    Terms: "kl" from the components, each by its probability, "cluster" from their weights; both
    are 0 until the mixture is fitted, and "unfitted" is 1 in validation.
    """

    def __init__(
        self, latent_dim: int, components: int, pretraining: int, kl_weight: float, seed: int = 0
    ) -> None:
        super().__init__(latent_dim, kl_weight, seed)
        self.term_weights = {"kl": kl_weight, "cluster": kl_weight, "unfitted": UNFITTED}
        self.components, self.pretraining = components, pretraining

        def weight(name: str, *shape: int, trainable: bool = True) -> Any:
            return self.add_weight(shape=shape, initializer="zeros", trainable=trainable, name=name)

        self.means = weight("means", components, latent_dim)
        self.log_variances = weight("log_variances", components, latent_dim)
        self.logits = weight("logits", components)
        self.offset = weight("offset", latent_dim, trainable=False)
        self.fitted = weight("fitted", trainable=False)  # 0 or 1, saved with the model

    def moments(self, encoded: Any) -> tuple[Any, Any]:
        """Mean and log variance [N, D], the latter from where it starts."""
        mean, log_variance = super().moments(encoded)
        return mean, log_variance + self.offset

    def draw(self, encoded: Any, training: bool) -> Any:
        """A sample in training, else the mean, and always the mean before the fit."""
        mean = self.code(encoded)
        return mean + self.fitted * (super().draw(encoded, training) - mean)

    def terms(self, batch: Batch) -> dict[str, Any]:
        """KL(q(z|x) p(c|z) || p(z, c)), p(c|z) being that of what was decoded."""
        mean, log_variance = self.moments(batch.encoded)
        log_gamma = ops.log_softmax(self._log_joint(batch.drawn))
        gamma = ops.exp(log_gamma)
        log_lambda = tools.bounded(self.log_variances)
        second_moment = ops.square(mean[:, None] - self.means) + ops.exp(log_variance)[:, None]
        cross_entropy = ops.sum(log_lambda + second_moment * ops.exp(-log_lambda), axis=-1)
        kl = ops.sum(gamma * cross_entropy, axis=-1) - ops.sum(1.0 + log_variance, axis=-1)
        cluster = ops.sum(gamma * (log_gamma - ops.log_softmax(self.logits)), axis=-1)
        fitted = ops.convert_to_tensor(self.fitted)
        return {
            "kl": fitted * 0.5 * ops.mean(kl),
            "cluster": fitted * ops.mean(cluster),
            "unfitted": 0.0 * fitted if batch.training else 1.0 - fitted,
        }

    def groups(self, encoded: Any) -> Any:
        """p(c|z) for the code."""
        return ops.softmax(self._log_joint(self.code(encoded)))

    def start_epoch(self, network: Autoencoder, batches: Any, epoch: int) -> None:
        """Fit the mixture once, in the first epoch after pretraining.

        Whether it is done is saved, so a resumed training neither forgets nor repeats it.
        """
        if float(self.fitted) or epoch < round(self.pretraining / max(1, len(batches))):
            return
        found: list[NDArray[Any]] = []
        for index in range(len(batches)):
            x = batches[index][0]
            found += [network.encode(part) for part in (x if isinstance(x, tuple) else (x,))]
            if sum(map(len, found)) >= CODES:
                break
        self._fit(np.concatenate(found)[:CODES])

    def _fit(self, codes: NDArray[Any]) -> None:
        from sklearn.mixture import GaussianMixture as Mixture

        if len(codes) < self.components:
            raise UserError(
                f"{len(codes)} examples are too few for {self.components} clusters: "
                "train with more examples, larger batches or fewer components"
            )
        mixture = Mixture(
            self.components, covariance_type="diag", n_init=5, random_state=self.seed
        ).fit(codes.astype(np.float64))
        log_variances = np.clip(np.log(mixture.covariances_), -9.0, 9.0)
        self.means.assign(mixture.means_)
        self.log_variances.assign(10.0 * np.arctanh(log_variances / 10.0))  # as they are bounded
        self.offset.assign(mixture.weights_ @ log_variances - np.log(10.0))
        self.logits.assign(np.log(mixture.weights_ + 1e-6))
        self.fitted.assign(1.0)

    @property
    def mixture(self) -> GaussianMixture:
        """The prior as it is now."""
        logits, means, variances = (
            ops.convert_to_numpy(values).astype(np.float64)
            for values in (self.logits, self.means, ops.exp(tools.bounded(self.log_variances)))
        )
        return GaussianMixture(means, variances, np.exp(logits - logits.max()))

    def sample_codes(self, n: int, rng: np.random.Generator) -> NDArray[np.floating]:
        """Of the mixture."""
        return self.mixture.sample(n, rng)

    def _log_joint(self, z: Any) -> Any:
        """log p(z, c), [N, D] -> [N, K]."""
        log_variances = tools.bounded(self.log_variances)
        within = tools.gaussian_log_prob(z[:, None], self.means, log_variances)
        return ops.log_softmax(self.logits) + within

    def get_config(self) -> dict[str, Any]:
        """Everything the constructor needs."""
        return {
            **super().get_config(),
            "components": self.components,
            "pretraining": self.pretraining,
        }
