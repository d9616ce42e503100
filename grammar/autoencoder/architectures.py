"""Encoders and decoders of rule sequences by name, and the autoencoders made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from gmae_tf.errors import UserError
from grammar.cfg.grammar import Grammar

if TYPE_CHECKING:
    import keras

    from gmae_tf.autoencoder import Autoencoder
    from gmae_tf.models.config import Recipe


@dataclass(frozen=True)
class Architecture:
    """Encoder and decoder by name, with the sizes that differ from their defaults.

    expressions : convolutions, and three recurrent layers over the repeated code (Kusner et al.
        2017).
    zinc : the same in the sizes of their molecules, without batch normalisation.
    autoregressive : a perceptron over all places, and a decoder that reads what it has written.
    """

    name: str = "expressions"
    sizes: Mapping[str, Any] = field(default_factory=dict)

    def build(
        self, grammar: Grammar, max_length: int, latent_dim: int
    ) -> tuple[keras.Model, keras.Model]:
        """Encoder and decoder; UserError for an unknown name."""
        builders = {
            "expressions": _expressions,
            "zinc": _zinc,
            "autoregressive": _autoregressive,
        }
        if self.name not in builders:
            raise UserError(f"{self.name!r} is no architecture; there are {', '.join(builders)}")
        return builders[self.name](grammar, max_length, latent_dim, **self.sizes)


EXPRESSIONS = Architecture()


def build_from_recipe(
    recipe: Recipe, grammar: Grammar, max_length: int, architecture: Architecture = EXPRESSIONS
) -> Autoencoder:
    """The untrained network of a model of `gmae_tf.models` for rule sequences."""
    from gmae_tf.models import build_model
    from gmae_tf.models.config import Parts

    parts = Parts(
        recipe,
        lambda width: architecture.build(grammar, max_length, width)[0],
        lambda width: architecture.build(grammar, max_length, width)[1],
        _loss(grammar),
    )
    return build_model(parts)


def describe(network: Autoencoder, architecture: Architecture) -> dict[str, Any]:
    """What `build_described` needs besides the grammar, as JSON."""
    assert network.recipe is not None  # of `build_from_recipe`
    return {
        "recipe": asdict(network.recipe),
        "prior": network.prior.get_config() if network.prior else None,
        "architecture": architecture.name,
        "sizes": dict(architecture.sizes),
    }


def build_described(
    description: Mapping[str, Any], grammar: Grammar, max_length: int
) -> tuple[Autoencoder, Architecture]:
    """The network of a description, with new weights."""
    import keras

    from gmae_tf.autoencoder import Autoencoder
    from gmae_tf.models.config import Recipe
    from gmae_tf.prior import GaussianMixture

    architecture = Architecture(
        description.get("architecture", "expressions"), description.get("sizes", {})
    )
    if "recipe" in description:
        recipe = Recipe(**description["recipe"])
        network = build_from_recipe(recipe, grammar, max_length, architecture)
        if description["prior"]:
            network.prior = GaussianMixture.from_config(description["prior"])
        return network, architecture
    # Saved before models had recipes: an autoencoder with a penalty, as the shipped ones.
    penalty = description["penalty"]
    network = Autoencoder(
        *architecture.build(grammar, max_length, description["latent_dim"]),
        _loss(grammar),
        description["reconstruction_weight"],
        keras.saving.deserialize_keras_object(penalty) if penalty else None,
    )
    return network, architecture


def _loss(grammar: Grammar) -> Any:
    """Two rules compete when they expand the same symbol."""
    from grammar.autoencoder.losses import MaskedCrossEntropy

    return MaskedCrossEntropy(grammar.masks[grammar.lhs_index])


def _expressions(
    grammar: Grammar, max_length: int, latent_dim: int, units: int = 100, dense: int = 100
) -> tuple[keras.Model, keras.Model]:
    from grammar.autoencoder import networks

    size = (max_length, grammar.n_rules, latent_dim)
    return (
        networks.rule_encoder(*size, dense=dense),
        # Unrolled, a short sequence trains faster once XLA compiles the step.
        networks.rule_decoder(*size, units, unroll=max_length <= 50),
    )


def _zinc(
    grammar: Grammar, max_length: int, latent_dim: int, units: int = 501, dense: int = 435
) -> tuple[keras.Model, keras.Model]:
    from grammar.autoencoder import networks

    convolutions = ((9, 9), (9, 9), (10, 11))
    size = (max_length, grammar.n_rules, latent_dim)
    return (
        networks.rule_encoder(*size, convolutions, dense, normalize=False),
        networks.rule_decoder(*size, units, normalize=False),
    )


def _autoregressive(
    grammar: Grammar,
    max_length: int,
    latent_dim: int,
    units: int = 256,
    dense: int = 1024,
    positions: int = 40,
) -> tuple[keras.Model, keras.Model]:
    from grammar.autoencoder import networks
    from grammar.autoencoder.autoregressive import AutoregressiveDecoder

    symbols = grammar.lhs_index.tolist()
    return (
        networks.flat_rule_encoder(max_length, grammar.n_rules, latent_dim, dense=(dense, dense)),
        AutoregressiveDecoder(max_length, symbols, latent_dim, units, dense, positions),
    )
