"""Encoders and decoders of rule sequences by name, and the autoencoders made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from inspect import signature
from typing import TYPE_CHECKING, Any

from gmae_tf.errors import UserError
from grammar.cfg.grammar import Grammar

if TYPE_CHECKING:
    import keras

    from gmae_tf.autoencoder import Autoencoder
    from gmae_tf.models.config import Recipe

    Networks = tuple[keras.Model, keras.Model]


@dataclass(frozen=True)
class Architecture:
    """Encoder and decoder by name, with the sizes that differ from their defaults.

    expressions : convolutions, and three recurrent layers over the repeated code (Kusner et al.
        2017).
    zinc : the same in the sizes of their molecules, without batch normalisation.
    autoregressive : a perceptron over all places, and a decoder that reads what it has written.
    sequence : a transformer encoder, and that decoder.
    """

    name: str = "expressions"
    sizes: Mapping[str, Any] = field(default_factory=dict)

    def build(self, grammar: Grammar, max_length: int, latent_dim: int) -> Networks:
        """Encoder and decoder; UserError for an unknown name or size."""
        if self.name not in BUILDERS:
            raise UserError(f"{self.name!r} is no architecture; there are {', '.join(BUILDERS)}")
        builder = BUILDERS[self.name]
        known = list(signature(builder).parameters)[3:]
        for size in self.sizes:
            if size not in known:
                has = ", ".join(known)
                raise UserError(f"{self.name} has no size {size!r}; its sizes are {has}")
        return builder(grammar, max_length, latent_dim, **self.sizes)


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
) -> Networks:
    from grammar.autoencoder import networks

    size = (max_length, grammar.n_rules, latent_dim)
    # Unrolled, a short sequence trains faster once XLA compiles the step.
    decoder = networks.rule_decoder(*size, units, unroll=max_length <= 50)
    return networks.rule_encoder(*size, dense=dense), decoder


def _zinc(
    grammar: Grammar, max_length: int, latent_dim: int, units: int = 501, dense: int = 435
) -> Networks:
    from grammar.autoencoder import networks

    size = (max_length, grammar.n_rules, latent_dim)
    convolutions = ((9, 9), (9, 9), (10, 11))
    encoder = networks.rule_encoder(*size, convolutions, dense, normalize=False)
    return encoder, networks.rule_decoder(*size, units, normalize=False)


def _autoregressive(
    grammar: Grammar,
    max_length: int,
    latent_dim: int,
    units: int = 256,
    dense: int = 1024,
    positions: int = 40,
) -> Networks:
    from grammar.autoencoder import networks
    from grammar.autoencoder.autoregressive import AutoregressiveDecoder

    symbols = grammar.lhs_index.tolist()
    return (
        networks.flat_rule_encoder(max_length, grammar.n_rules, latent_dim, dense=(dense, dense)),
        AutoregressiveDecoder(max_length, symbols, latent_dim, units, dense, positions),
    )


def _sequence(
    grammar: Grammar,
    max_length: int,
    latent_dim: int,
    units: int = 512,
    dense: int = 512,
    positions: int = 32,
    width: int = 256,
    blocks: int = 3,
    place: int = 12,
) -> Networks:
    from grammar.autoencoder.autoregressive import AutoregressiveDecoder
    from grammar.autoencoder.transformer import SequenceEncoder

    symbols = grammar.lhs_index.tolist()
    return (
        SequenceEncoder(max_length, grammar.n_rules, latent_dim, width, blocks, place=place),
        AutoregressiveDecoder(max_length, symbols, latent_dim, units, dense, positions),
    )


BUILDERS: dict[str, Callable[..., Networks]] = {
    "expressions": _expressions,
    "zinc": _zinc,
    "autoregressive": _autoregressive,
    "sequence": _sequence,
}
