"""An autoencoder for the strings of a grammar: strings <-> latent codes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import h5py
import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray

from gmae_tf.autoencoder import Autoencoder
from gmae_tf.density import LatentDensity
from gmae_tf.losses import MaskedCrossEntropy
from gmae_tf.models import build_model
from gmae_tf.models.config import Parts, Recipe
from gmae_tf.penalties import Penalty
from gmae_tf.prior import GaussianMixture
from gmae_tf.utils.files import atomic_path, write_atomic
from grammar.autoencoder.architectures import EXPRESSIONS, Architecture
from grammar.autoencoder.hashed_set import StringSet
from grammar.cfg.grammar import Grammar
from grammar.codec import RuleCodec
from grammar.decoding import StackWalk, Walk, decode_logits, decode_steps
from grammar.errors import GrammarError

_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError)
NETWORK, GRAMMAR, STRINGS = "model.weights.h5", "grammar.cfg", "training.npy"
DETAILS = "model.json"
DECODED_AT_ONCE = 1024
EX_POST_CODES = 20_000
MakeWalk = Callable[[int, int], Walk]

Model = TypeVar("Model", bound="GrammarAutoencoder")


@dataclass
class GrammarAutoencoder:
    """A grammar, its codec and a network of the same sizes.

    `training_strings` knows what the network was trained on; `details` is a free record of how;
    `architecture` is a name in `grammar.autoencoder.architectures` and the sizes that it takes.
    """

    grammar: Grammar
    max_length: int
    network: Autoencoder
    training_strings: StringSet = field(default_factory=lambda: StringSet.of(()))
    details: dict[str, Any] = field(default_factory=dict)
    architecture: Architecture = EXPRESSIONS

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
        return self.codec.decode(self.decode_rules(codes))

    def walk(self, n: int, steps: int) -> Walk:
        """What keeps n decodes of so many steps inside the language."""
        return StackWalk(self.grammar, n, steps)

    def decode_rules(
        self,
        codes: ArrayLike,
        rng: np.random.Generator | None = None,
        temperature: float = 1.0,
        walk: MakeWalk | None = None,
    ) -> NDArray[np.uint8]:
        """Rules [N, T] of codes [N, D]: the most likely ones, or drawn with `rng`.

        `walk` replaces the model's own, to see what its masks contribute.
        """
        codes = np.asarray(codes, dtype=np.float32)
        parts = [
            self._decode_part(codes[i : i + DECODED_AT_ONCE], rng, temperature, walk or self.walk)
            for i in range(0, len(codes), DECODED_AT_ONCE)
        ]
        return np.concatenate(parts or [np.empty((0, self.max_length), np.uint8)])

    def _decode_part(
        self,
        codes: NDArray[np.float32],
        rng: np.random.Generator | None,
        temperature: float,
        walk: MakeWalk,
    ) -> NDArray[np.uint8]:
        if self.network.autoregressive:
            state = walk(len(codes), self.max_length)
            decoder = self.network.decoder
            return decode_steps(decoder, codes, state, temperature=temperature, rng=rng)
        logits = self.network.decode(codes)
        if rng is None:
            return decode_logits(logits, self.grammar, walk=walk)
        return decode_logits(
            logits, self.grammar, samples=1, temperature=temperature, rng=rng, walk=walk
        )[0]

    def sample_strings(
        self, codes: ArrayLike, n_samples: int, rng: np.random.Generator, temperature: float = 1.0
    ) -> list[list[str | None]]:
        """Random decodes, n_samples lists of N."""
        repeated = np.tile(np.asarray(codes, dtype=np.float32), (n_samples, 1))
        strings = self.codec.decode(self.decode_rules(repeated, rng, temperature))
        n = len(strings) // n_samples
        return [strings[i * n : (i + 1) * n] for i in range(n_samples)]

    def exact_match(self, rules: NDArray[np.uint8]) -> float:
        """Share of rule sequences [N, T] that greedy decoding of their code gives back."""
        decoded = self.decode_rules(self.network.encode(rules))
        return float((decoded == rules).all(axis=1).mean())

    def fit_prior(self, rules: NDArray[np.uint8], seed: int = 0) -> None:
        """Give a model without a prior the mixture of its codes of rules [N, T] to sample from.

        The ex-post density of Ghosh et al. 2020; a model that has a prior keeps it.
        """
        if not self.network.has_prior:
            codes = self.network.encode(rules)
            density = LatentDensity(max_codes=EX_POST_CODES).fit(codes, seed)
            self.network.prior = density.parameters()

    def save(self, folder: Path, half_precision: bool = False) -> None:
        """Write network, grammar, training strings and details into a folder.

        `half_precision` stores the weights as float16, in half the space.
        """
        folder.mkdir(parents=True, exist_ok=True)
        # Weights and our own description, not a .keras file, which older Keras cannot read; of a
        # copy, because the optimiser's moments are twice as large as the network.
        description = {**self._describe(), "half_precision": half_precision}
        with atomic_path(folder / NETWORK) as path:
            if half_precision:
                _write_half(path, self.network.get_weights())
            else:
                plain = _build(self.grammar, self.max_length, description)
                plain.set_weights(self.network.get_weights())
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
    def load(cls: type[Model], folder: Path) -> Model:
        """Read what `save` wrote; `GrammarError` when a part is missing, damaged or foreign."""
        try:
            details = json.loads((folder / DETAILS).read_text(encoding="utf-8"))
            max_length = int(details["max_length"])
            grammar = Grammar((folder / GRAMMAR).read_text(encoding="utf-8"))
            strings = StringSet.load(folder / STRINGS)
            if _checksum(folder) != details["sha256"]:
                raise ValueError("a file is damaged or of another model")
            network = _build(grammar, max_length, details["network"])
            if details["network"].get("half_precision"):
                network.set_weights(_read_half(folder / NETWORK))
            else:
                network.load_weights(folder / NETWORK)
        except _UNREADABLE as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise GrammarError(
                f"{folder} does not hold a trained grammar model ({reason}): name a folder that "
                "grammar.train has written"
            ) from error
        architecture = _architecture(details["network"])
        return cls(grammar, max_length, network, strings, details, architecture)

    def _describe(self) -> dict[str, Any]:
        """What `build_network` needs besides the grammar, as JSON."""
        architecture = {
            "architecture": self.architecture.name,
            "sizes": dict(self.architecture.sizes),
        }
        if self.network.recipe is not None:
            prior = self.network.prior.get_config() if self.network.prior else None
            return {"recipe": asdict(self.network.recipe), "prior": prior, **architecture}
        penalty = self.network.penalty
        return {
            "latent_dim": self.network.latent_dim,
            "reconstruction_weight": self.network.reconstruction_weight,
            "penalty": keras.saving.serialize_keras_object(penalty) if penalty else None,
            **architecture,
        }


def build_network(
    grammar: Grammar,
    max_length: int,
    latent_dim: int,
    penalty: Penalty | None,
    reconstruction_weight: float,
    architecture: Architecture = EXPRESSIONS,
) -> Autoencoder:
    """A network for rule sequences, deterministic, with a latent penalty."""
    encoder, decoder = architecture.build(grammar, max_length, latent_dim)
    # Two rules compete when they expand the same symbol.
    loss = MaskedCrossEntropy(grammar.masks[grammar.lhs_index])
    return Autoencoder(encoder, decoder, loss, reconstruction_weight, penalty)


def build_from_recipe(
    recipe: Recipe, grammar: Grammar, max_length: int, architecture: Architecture = EXPRESSIONS
) -> Autoencoder:
    """The same of any model of `gmae_tf.models`."""
    parts = Parts(
        recipe,
        lambda width: architecture.build(grammar, max_length, width)[0],
        lambda width: architecture.build(grammar, max_length, width)[1],
        MaskedCrossEntropy(grammar.masks[grammar.lhs_index]),
    )
    return build_model(parts)


def _checksum(folder: Path) -> str:
    """Of everything but the details, which hold it."""
    content = b"".join((folder / name).read_bytes() for name in (NETWORK, GRAMMAR, STRINGS))
    return sha256(content).hexdigest()


def _write_half(path: Path, weights: Sequence[NDArray[Any]]) -> None:
    with h5py.File(path, "w") as file:
        for number, array in enumerate(weights):
            file.create_dataset(f"{number:03d}", data=array.astype(np.float16))


def _read_half(path: Path) -> list[NDArray[np.float32]]:
    with h5py.File(path, "r") as file:
        return [np.asarray(file[name], dtype=np.float32) for name in sorted(file)]


def _build(grammar: Grammar, max_length: int, description: dict[str, Any]) -> Autoencoder:
    """The network of a description, with new weights."""
    if "recipe" in description:
        recipe = Recipe(**description["recipe"])
        network = build_from_recipe(recipe, grammar, max_length, _architecture(description))
        if description["prior"]:
            network.prior = GaussianMixture.from_config(description["prior"])
        return network
    penalty = description["penalty"]
    return build_network(
        grammar,
        max_length,
        description["latent_dim"],
        keras.saving.deserialize_keras_object(penalty) if penalty else None,
        description["reconstruction_weight"],
        _architecture(description),
    )


def _architecture(description: dict[str, Any]) -> Architecture:
    return Architecture(
        description.get("architecture", "expressions"), description.get("sizes", {})
    )
