"""Options that every training command has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from gmae_tf.penalties import Penalty


@dataclass(frozen=True)
class PenaltyOptions:
    """How the latent space is shaped."""

    regularizer: Literal["gmm", "normal", "l2", "none"] = "gmm"
    """Gaussian mixture, one standard Gaussian, squared norm of the codes, or nothing."""
    components: int = 10
    """Components of the mixture, one-hot means."""
    mean_scale: float = 1.0
    """Distance of the component means from the origin."""
    ks_weight: float = 1.0
    """Weight of the KS term, which is 1 for prior samples."""
    covariance_weight: float = 1.0
    """Weight of the covariance term, which is 1 for prior samples."""
    sliced_weight: float = 0.0
    """Weight of the sliced term; it sees joint structure that the other two cannot."""
    midpoint: bool = False
    """Use the symmetric target (i - 0.5)/N in the KS and sliced terms."""
    l2_weight: float = 1e-3
    """Weight of half the squared norm with --regularizer l2."""

    def penalty(self, dim: int, seed: int) -> Penalty | None:
        """What `--regularizer` and the weights describe, for codes of that many dimensions."""
        from gmae_tf.penalties import GaussianMixturePenalty, NormPenalty
        from gmae_tf.prior import GaussianMixture

        if self.regularizer == "none":
            return None
        if self.regularizer == "l2":
            return NormPenalty(self.l2_weight)
        prior = (
            GaussianMixture.standard_normal(dim)
            if self.regularizer == "normal"
            else GaussianMixture.one_hot(self.components, dim, self.mean_scale)
        )
        return GaussianMixturePenalty(
            prior,
            self.ks_weight,
            self.covariance_weight,
            self.sliced_weight,
            midpoint=self.midpoint,
            seed=seed,
        )
