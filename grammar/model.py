"""An autoencoder for the strings of a grammar: strings <-> latent codes."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
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

_UNREADABLE = (
    OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, zipfile.BadZipFile,
)  # fmt: skip
NETWORK, GRAMMAR, DETAILS, STRINGS = "model.keras", "grammar.cfg", "model.json", "training.npy"


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
        # A copy, because the optimiser's moments are twice as large as the network.
        plain = Autoencoder.from_config(self.network.get_config())
        plain.set_weights(self.network.get_weights())
        with atomic_path(folder / NETWORK) as path:
            plain.save(path)
        with atomic_path(folder / STRINGS) as path:
            self.training_strings.save(path)
        write_atomic(folder / GRAMMAR, self.grammar.text)
        details = {"max_length": self.max_length, **self.details}
        write_atomic(folder / DETAILS, json.dumps(details, indent=2) + "\n")

    @classmethod
    def load(cls, folder: Path) -> GrammarAutoencoder:
        """Read what `save` wrote; `GrammarError` when a part is missing, damaged or foreign."""
        try:
            details = json.loads((folder / DETAILS).read_text(encoding="utf-8"))
            max_length = int(details["max_length"])
            grammar = Grammar((folder / GRAMMAR).read_text(encoding="utf-8"))
            strings = StringSet.load(folder / STRINGS)
            network = _load_network(folder / NETWORK)
            shape = network.decoder.output_shape[1:]
            rivals = network.reconstruction.alternatives
        except _UNREADABLE as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise GrammarError(
                f"{folder} does not hold a trained grammar model ({reason}): name a folder that "
                "grammar.train has written"
            ) from error
        if shape != (max_length, grammar.n_rules) or (rivals != _alternatives(grammar)).any():
            raise GrammarError(
                f"the network in {folder} writes {shape[0]} rules out of {shape[1]}, but not those "
                f"of its grammar, which has {grammar.n_rules}, or not the {max_length} of its "
                "details: the files are not of one model"
            )
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
        # Unrolled, a short sequence trains several times faster once XLA compiles the step.
        networks.rule_decoder(max_length, grammar.n_rules, latent_dim, unroll=max_length <= 50),
        MaskedCrossEntropy(_alternatives(grammar)),
        reconstruction_weight,
        penalty,
    )


def _alternatives(grammar: Grammar) -> NDArray[np.bool_]:
    """Bool [R, R]: two rules compete when they expand the same symbol."""
    return grammar.masks[grammar.lhs_index]


def _load_network(path: Path) -> Any:
    with zipfile.ZipFile(path) as archive:
        damaged = archive.testzip()  # Keras does not look at checksums
    if damaged is not None:
        raise ValueError(f"{damaged} in {path.name} is damaged")
    return keras.saving.load_model(path, compile=False)
