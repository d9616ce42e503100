"""Components of a mixture prior as clusters: information maximisation under random warps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from gmae_tf.autoencoder import Batch
from gmae_tf.models.layers import Steps
from gmae_tf.models.noisy_codes import NoisyCodes
from gmae_tf.models.warp import RandomWarp
from gmae_tf.penalties.information import (
    component_entropies,
    log_responsibilities,
    symmetric_kl,
)
from gmae_tf.prior import GaussianMixture


@keras.saving.register_keras_serializable(package="gmae")
class InvariantClusters(NoisyCodes):
    """Mixture components as clusters of images that no small warp of an image changes.

    Regularised information maximisation (Krause et al. 2010) with self-augmented training (IMSAT,
    Hu et al. 2017) on the responsibilities p(c|z) of the prior's components, for the codes of the
    autoencoder itself.  Terms, in nats:

    * "invariance": KL(p(c|x) || p(c|x')) + KL(p(c|x') || p(c|x)), x' a random warp of image x;
    * "ambiguity": H(c|x), small where each image belongs to one component;
    * "imbalance": log K - H(c) of a batch, small where all components are used alike.

    All are 0 at best.  The weight is full for the first share `until` of the `steps`, and `rest`
    times as much from then on: the clusters are found first, and reconstructions are then refined.

    Parameters
    ----------
    prior : its components are the clusters.
    std : standard deviation of the noise on codes, see `NoisyCodes`.
    weight : of the first two terms.
    balance : weight of the third, as a multiple of theirs.
    temperature : of the responsibilities, see `log_responsibilities`.
    warp : keywords of `RandomWarp`.
    """

    keep_last = True  # the weight changes, so losses of different epochs cannot be compared

    def __init__(
        self,
        latent_dim: int,
        prior: GaussianMixture,
        std: float = 0.0,
        weight: float = 250.0,
        rest: float = 0.15,
        until: float = 0.2,
        balance: float = 4.0,
        temperature: float = 3.0,
        warp: Mapping[str, Any] | None = None,
        steps: int = 1000,
        seed: int = 0,
    ) -> None:
        super().__init__(latent_dim, std, seed)
        self.prior, self.temperature = prior, float(temperature)
        self.rest, self.until = float(rest), float(until)
        self.steps, self.counter = int(steps), Steps()
        self.warp = RandomWarp(**(warp or {}), seed=seed + 1)
        self.warp_seed = self.warp.seed_generator  # Keras tracks random state that a layer owns
        self.term_weights = {
            "invariance": float(weight),
            "ambiguity": float(weight),
            "imbalance": float(weight) * float(balance),
        }

    def loss_terms(self, batch: Batch) -> dict[str, Any]:
        """Of codes and those of warped images; only gradients know the schedule of the weight."""
        warped = batch.network.encoder(self.warp(batch.x), training=batch.training)
        log_p, log_q = (
            log_responsibilities(z, self.prior, self.temperature) for z in (batch.encoded, warped)
        )
        conditional, marginal = component_entropies(log_p)
        found = {
            "invariance": symmetric_kl(log_p, log_q),
            "ambiguity": conditional,
            "imbalance": float(np.log(self.prior.n_components)) - marginal,
        }
        before = self.counter.next(batch.training)
        share = ops.where(before < self.until * self.steps, 1.0, self.rest)
        return {
            name: share * term + ops.stop_gradient((1.0 - share) * term)
            for name, term in found.items()
        }
