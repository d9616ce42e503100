"""A mixture of Gaussians with diagonal covariances that is fitted once, and then trained."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from gmae_tf import distributions as dist
from gmae_tf.errors import UserError
from gmae_tf.prior import GaussianMixture


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
