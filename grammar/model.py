"""An autoencoder for the strings of a grammar: strings <-> latent codes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray

from gmae_tf import networks
from gmae_tf.autoencoder import Autoencoder
from gmae_tf.losses import MaskedCrossEntropy
from gmae_tf.penalties import Penalty
from gmae_tf.runs import atomic_path, write_atomic
from grammar.cfg import Grammar
from grammar.codec import RuleCodec
from grammar.decode import decode_logits
from grammar.errors import GrammarError
from grammar.stringset import StringSet

_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError)
NETWORK, GRAMMAR, STRINGS = "model.weights.h5", "grammar.cfg", "training.npy"
DETAILS = "model.json"


@dataclass
class GrammarAutoencoder:
    """A grammar, its codec and a network of the same sizes.

    `training_strings` knows what the network was trained on; `details` is a free record of how.
    """

    grammar: Grammar
    max_length: int
    network: Autoencoder
    training_strings: StringSet = field(default_factory=lambda: StringSet.of(()))
    details: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.codec = RuleCodec(self.grammar, self.max_length)

    @property
    def latent_dim(self) -> int:
        """D."""
        return self.network.latent_dim

    def encode(self, strings: Sequence[str]) -> NDArray[np.float64]:
        """Codes [N, D] of strings; `ParseError` for one outside the grammar."""
        return self.network.encode(self.codec.encode(list(strings))).astype(np.float64)

    def decode(self, codes: ArrayLike) -> list[str | None]:
        """The most likely complete string of each code [N, D]."""
        return self.codec.decode(decode_logits(self.network.decode(codes), self.grammar))

    def sample_strings(
        self, codes: ArrayLike, n_samples: int, rng: np.random.Generator, temperature: float = 1.0
    ) -> list[list[str | None]]:
        """Random decodes, n_samples lists of N; the network runs once."""
        rules = decode_logits(
            self.network.decode(codes),
            self.grammar,
            samples=n_samples,
            temperature=temperature,
            rng=rng,
        )
        return [self.codec.decode(walk) for walk in rules]

    def exact_match(self, rules: NDArray[np.uint8]) -> float:
        """Share of rule sequences [N, T] that greedy decoding of their code gives back."""
        decoded = decode_logits(self.network.reconstruct(rules), self.grammar)
        return float((decoded == rules).all(axis=1).mean())

    def save(self, folder: Path) -> None:
        """Write network, grammar, training strings and details into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        # Weights and our own description, not a .keras file, which older Keras cannot read; of a
        # copy, because the optimiser's moments are twice as large as the network.
        description = _describe(self.network)
        plain = _build(self.grammar, self.max_length, description)
        plain.set_weights(self.network.get_weights())
        with atomic_path(folder / NETWORK) as path:
            plain.save_weights(path)
        with atomic_path(folder / STRINGS) as path:
            self.training_strings.save(path)
        write_atomic(folder / GRAMMAR, self.grammar.text)
        details = {
            **self.details,
            "max_length": self.max_length,
            "network": description,
            "sha256": _checksum(folder),
        }
        write_atomic(folder / DETAILS, json.dumps(details, indent=2) + "\n")

    @classmethod
    def load(cls, folder: Path) -> GrammarAutoencoder:
        """Read what `save` wrote; `GrammarError` when a part is missing, damaged or foreign."""
        try:
            details = json.loads((folder / DETAILS).read_text(encoding="utf-8"))
            max_length = int(details["max_length"])
            grammar = Grammar((folder / GRAMMAR).read_text(encoding="utf-8"))
            strings = StringSet.load(folder / STRINGS)
            if _checksum(folder) != details["sha256"]:
                raise ValueError("a file is damaged or of another model")
            network = _build(grammar, max_length, details["network"])
            network.load_weights(folder / NETWORK)
        except _UNREADABLE as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise GrammarError(
                f"{folder} does not hold a trained grammar model ({reason}): name a folder that "
                "grammar.train has written"
            ) from error
        return cls(grammar, max_length, network, strings, details)


def build_network(
    grammar: Grammar,
    max_length: int,
    latent_dim: int,
    penalty: Penalty | None,
    reconstruction_weight: float,
) -> Autoencoder:
    """The network of Kusner et al. 2017 for expressions, deterministic, with a latent penalty."""
    return Autoencoder(
        networks.rule_encoder(max_length, grammar.n_rules, latent_dim),
        # Unrolled, a short sequence trains faster once XLA compiles the step.
        networks.rule_decoder(max_length, grammar.n_rules, latent_dim, unroll=max_length <= 50),
        # Two rules compete when they expand the same symbol.
        MaskedCrossEntropy(grammar.masks[grammar.lhs_index]),
        reconstruction_weight,
        penalty,
    )


def _checksum(folder: Path) -> str:
    """Of everything but the details, which hold it."""
    content = b"".join((folder / name).read_bytes() for name in (NETWORK, GRAMMAR, STRINGS))
    return sha256(content).hexdigest()


def _describe(network: Autoencoder) -> dict[str, Any]:
    """What `build_network` needs besides the grammar, as JSON."""
    penalty = network.penalty
    return {
        "latent_dim": network.latent_dim,
        "reconstruction_weight": network.reconstruction_weight,
        "penalty": keras.saving.serialize_keras_object(penalty) if penalty else None,
    }


def _build(grammar: Grammar, max_length: int, description: dict[str, Any]) -> Autoencoder:
    """The network of a description, with new weights."""
    penalty = description["penalty"]
    return build_network(
        grammar,
        max_length,
        description["latent_dim"],
        keras.saving.deserialize_keras_object(penalty) if penalty else None,
        description["reconstruction_weight"],
    )
