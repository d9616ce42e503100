"""Networks for rule sequences, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import keras

from grammar.autoencoder import networks
from grammar.autoencoder.autoregressive import AutoregressiveDecoder
from grammar.cfg.grammar import Grammar


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
        """Encoder and decoder; ValueError for an unknown name."""
        builders = {
            "expressions": _expressions,
            "zinc": _zinc,
            "autoregressive": _autoregressive,
        }
        if self.name not in builders:
            raise ValueError(f"{self.name!r} is no architecture; there are {', '.join(builders)}")
        return builders[self.name](grammar, max_length, latent_dim, **self.sizes)


EXPRESSIONS = Architecture()


def _expressions(
    grammar: Grammar, max_length: int, latent_dim: int
) -> tuple[keras.Model, keras.Model]:
    return (
        networks.rule_encoder(max_length, grammar.n_rules, latent_dim),
        # Unrolled, a short sequence trains faster once XLA compiles the step.
        networks.rule_decoder(max_length, grammar.n_rules, latent_dim, unroll=max_length <= 50),
    )


def _zinc(
    grammar: Grammar, max_length: int, latent_dim: int, units: int = 501, dense: int = 435
) -> tuple[keras.Model, keras.Model]:
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
    symbols = grammar.lhs_index.tolist()
    return (
        networks.flat_rule_encoder(max_length, grammar.n_rules, latent_dim, dense=(dense, dense)),
        AutoregressiveDecoder(max_length, symbols, latent_dim, units, dense, positions),
    )
