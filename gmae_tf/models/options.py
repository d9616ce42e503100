"""Command-line options of the model, shared by all training commands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gmae_tf.models.config import Recipe


@dataclass(frozen=True)
class ModelOptions:
    """Which model, and how its latent space is shaped."""

    model: str = "gmae"
    """Name of a model: gmae, ae, vae and others, see --list-models of gmae_tf.train."""
    model_options: dict[str, Any] = field(default_factory=dict)
    """Options of that model, as in '{"beta": 4}'; --list-models shows them."""
    components: int = 10
    """Components of the mixture, one-hot means."""
    mean_scale: float = 1.0
    """Distance of the component means from the origin."""
    ks_weight: float = 1.0
    """Weight of the KS term of gmae, which is 1 for prior samples."""
    covariance_weight: float = 1.0
    """Weight of the covariance term of gmae, which is 1 for prior samples."""
    sliced_weight: float = 0.0
    """Weight of the sliced term of gmae; it sees joint structure that the other two cannot."""
    midpoint: bool = False
    """Use the symmetric target (i - 0.5)/N in the KS and sliced terms."""
    latent_noise: float = 0.0
    """Standard deviation of noise on the codes that the decoder of gmae sees in training."""

    noise: float = 0.0
    """Largest standard deviation of the noise on the codes that the decoder of any model sees in
    training, drawn anew for each code; see `gmae_tf.models.auxiliary`."""
    noise_least: float = 0.3
    """Smallest standard deviation of that noise, as a share of the largest."""
    noise_ramp: float = 0.3
    """Share of the training in which the noise rises linearly from 0."""
    heads: int = 0
    """Auxiliary prediction heads on the codes; a command that has targets sets this itself."""
    head_weight: float = 300.0
    """Weight of the mean squared error of the heads, where there are targets."""

    def recipe(self, latent_dim: int, **others: Any) -> Recipe:
        """The recipe of these options; `others` are further fields of it."""
        from gmae_tf.models.config import Recipe

        penalty = {
            "ks": self.ks_weight,
            "covariance": self.covariance_weight,
            "sliced": self.sliced_weight,
            "midpoint": self.midpoint,
        }
        return Recipe(
            self.model,
            latent_dim,
            self.components,
            self.mean_scale,
            self.model_options,
            penalty=penalty,
            latent_noise=self.latent_noise,
            auxiliary=self._auxiliary(),
            **others,
        )

    def _auxiliary(self) -> dict[str, Any]:
        """Keywords of `AuxiliaryObjectives`; none without noise and heads."""
        if not self.noise and not self.heads:
            return {}
        return {
            "noise": self.noise,
            "ramp": self.noise_ramp,
            "least": self.noise_least,
            "heads": self.heads,
            "head_weight": self.head_weight,
        }
