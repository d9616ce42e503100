"""Autoencoders of the strings of a grammar: fit, encode, decode, sample, interpolate, save."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gmae_tf.errors import UserError
from gmae_tf.utils.arrays import check_codes, check_int
from gmae_tf.utils.bundle import UNREADABLE, first_line, read_description, write_description
from gmae_tf.utils.files import atomic_path, make_folder, write_atomic
from gmae_tf.utils.npz import load_arrays
from gmae_tf.utils.weights import save_weights
from grammar.autoencoder.architectures import (
    EXPRESSIONS,
    Architecture,
    build_described,
    build_from_recipe,
    describe,
)
from grammar.autoencoder.hashed_set import StringSet
from grammar.autoencoder.training import MIN_STRINGS, TrainingOptions, split, train
from grammar.cfg.characters import CHARACTERS, character_grammar
from grammar.cfg.grammar import Grammar
from grammar.codec import RuleCodec, check_rules, check_strings
from grammar.decoding import DerivationMask, StackMask, decode_logits
from grammar.errors import GrammarError, check_path, check_type
from grammar.library import load_grammar
from grammar.parsing.parser import Parser
from grammar.sampling.recombine import StringRecombiner
from grammar.sampling.subtrees import subtree_counts

if TYPE_CHECKING:
    from gmae_tf.autoencoder import Autoencoder

SEARCH_CANDIDATES: dict[str, Any] = {"chains": 512, "children": 600, "generations": 10}
"""Settings of candidates in a search, for strings whose decodes are cheap."""
NETWORK, GRAMMAR, STRINGS = "model.weights.h5", "grammar.cfg", "training.npy"
PARTS = (NETWORK, GRAMMAR, STRINGS)
DETAILS = "model.json"
SHIPPED = Path(__file__).parents[1] / "pretrained"
DECODED_AT_ONCE = 1024
EX_POST_CODES = 20_000
MakeMask = Callable[[int, int], DerivationMask]

Model = TypeVar("Model", bound="GrammarAutoencoder")


@dataclass
class GrammarAutoencoder:
    """Autoencoder of the strings of a context-free grammar (Grammar VAE, Kusner et al. 2017).

    A string is the sequence of rules of its leftmost derivation; decoding is masked by the grammar,
    so that every decode is a complete string of it.

    Attributes
    ----------
    grammar, max_length : the grammar, and T, the longest sequence of rules.
    network : the Keras model, rules [N, T] <-> codes [N, D].
    training_strings : hashes of the strings that it was trained on; answers `in`.
    details : free record of the training, saved with the model.
    architecture : name and sizes of encoder and decoder.

    Examples
    --------
    >>> import grammar
    >>> model = grammar.GrammarAutoencoder.load("expressions")  # shipped with the source
    >>> codes = model.encode(["1/3+x+sin(x*x)", "x/1+3+(1*1)"])
    >>> codes.shape
    (2, 25)
    >>> model.decode(codes)
    ['1/3+x+sin(x*x)', 'x/1+3+(1*1)']
    >>> path = model.interpolate("1/3+x+sin(x*x)", "x/1+3+(1*1)", steps=3)
    >>> path[0], path[-1]
    ('1/3+x+sin(x*x)', 'x/1+3+(1*1)')
    >>> None in model.sample(5, seed=0)
    False
    """

    PRESETS: ClassVar[dict[str, Path]] = {
        "expressions": SHIPPED / "expressions",
        "scientific": SHIPPED / "scientific",
    }
    """Folders of shipped models, by the names that `load` takes."""
    TRAINED_BY: ClassVar[str] = "grammar.train"

    grammar: Grammar
    max_length: int
    network: Autoencoder
    training_strings: StringSet = field(default_factory=lambda: StringSet.of(()))
    details: dict[str, Any] = field(default_factory=dict)
    architecture: Architecture = EXPRESSIONS

    def __post_init__(self) -> None:
        self.codec = RuleCodec(self.grammar, self.max_length)

    @classmethod
    def fit(
        cls: type[Model],
        strings: Sequence[str],
        grammar: str | Path | Grammar | Parser = "arithmetic",
        *,
        latent_dim: int = 25,
        model: str = "gmae",
        components: int = 10,
        epochs: int = 50,
        seed: int = 0,
        architecture: Architecture = EXPRESSIONS,
        folder: str | Path | None = None,
        verbose: bool = True,
        **options: Any,
    ) -> Model:
        """Train a new autoencoder on strings; a tenth of them chooses the best epoch.

        For example `fit(strings, "my.cfg", latent_dim=8, components=4, epochs=20)`.

        Parameters
        ----------
        strings : at least 20 strings of the grammar.
        grammar : whatever `load_grammar` takes, or "characters" for the alphabet of the strings.
        model, components : a name of `gmae_tf.models.MODELS`, and the components of its mixture.
        seed : of weights, split and batch order.
        folder : run folder for checkpoints, in which a repeated call continues.
        verbose : print a line for each epoch.
        options : other fields of `grammar.autoencoder.training.TrainingOptions`, such as
            `batch_size`, `learning_rate`, `ks_weight` or `max_length`.

        Raises
        ------
        ParseError: a string outside the grammar.
        UserError: too few strings, or options that do not fit.
        """
        known = [option.name for option in fields(TrainingOptions)]
        for name in options:
            if name not in known:
                raise UserError(f"fit has no option {name!r}: choose among {', '.join(known)}")
        settings = TrainingOptions(
            latent_dim=latent_dim,
            model=model,
            components=components,
            epochs=epochs,
            seed=seed,
            **options,
        )
        check_type(architecture, Architecture, "architecture: give an Architecture")
        if folder is not None:
            check_path(folder, "folder: give the path of a run folder")
        strings = check_strings(strings)
        own_alphabet = isinstance(grammar, str) and grammar == CHARACTERS
        parser = load_grammar(character_grammar(strings) if own_alphabet else grammar)
        fitted, rules = cls.prepare(strings, parser, settings, architecture)
        run = None if folder is None else make_folder(folder)
        history = train(fitted.network, rules, settings, run, verbose=verbose)
        fitted.fit_prior(split(rules, seed)[0], seed)
        fitted.details = {"options": asdict(settings), "history": history}
        return fitted

    @classmethod
    def prepare(
        cls: type[Model],
        strings: Sequence[str],
        parser: Parser,
        options: TrainingOptions,
        architecture: Architecture = EXPRESSIONS,
    ) -> tuple[Model, NDArray[np.uint8]]:
        """An untrained autoencoder for strings, and their rules [N, T]."""
        codec = RuleCodec(parser, options.max_length)
        rules = codec.encode(strings)
        if len(rules) < MIN_STRINGS:
            raise UserError(
                f"{len(rules)} strings are too few to train on: at least {MIN_STRINGS} are needed"
            )
        import keras

        keras.utils.set_random_seed(options.seed)
        recipe = options.recipe(
            options.latent_dim,
            reconstruction_weight=options.reconstruction_weight,
            steps=options.epochs * max(1, len(rules) * 9 // 10 // options.batch_size),
            seed=options.seed,
        )
        network = build_from_recipe(recipe, parser.grammar, rules.shape[1], architecture)
        known = StringSet.of(map(parser.grammar.canonical, strings))
        model = cls(parser.grammar, rules.shape[1], network, known, architecture=architecture)
        return model, rules

    @property
    def latent_dim(self) -> int:
        """D, the width of a code."""
        return self.network.latent_dim

    def encode(self, strings: Sequence[str]) -> NDArray[np.float64]:
        """Codes [N, D] of strings; `ParseError` for one outside the grammar."""
        return self.network.encode(self.codec.encode(strings)).astype(np.float64)

    def decode(
        self,
        codes: ArrayLike,
        rng: np.random.Generator | None = None,
        temperature: float = 1.0,
    ) -> list[str | None]:
        """The most likely complete string of each code [N, D], or with `rng` a random one.

        None, from a model whose masks cannot rule it out, is a derivation that was not finished.
        """
        return self.codec.decode(self.decode_rules(codes, rng, temperature))

    def reconstruct(self, strings: Sequence[str]) -> list[str | None]:
        """`decode(encode(strings))`."""
        return self.decode(self.encode(strings))

    def reconstructs(self, strings: Sequence[str]) -> NDArray[np.bool_]:
        """Whether the most likely decode of a string's code is the string [N]; errors as `encode`.

        A string that does not come back has a code that stands for another one.
        """
        again = self.reconstruct(strings)
        same = [self.grammar.canonical(a) == b for a, b in zip(strings, again, strict=True)]
        return np.array(same, dtype=bool)

    def sample(self, n: int, *, seed: int = 0) -> list[str | None]:
        """n strings decoded from samples of the prior; some may be equal."""
        try:
            rng = np.random.default_rng(seed)
        except (TypeError, ValueError) as error:
            raise GrammarError(f"seed is {seed!r}: give a whole number, 0 or more") from error
        return self.decode(self.network.sample_codes(n, rng))

    def search_parts(self, constraints: Any = None) -> dict[str, Any]:
        """Keywords of `bayesopt.SearchSpace`: recombination, counts of parts, and settings."""
        del constraints
        return {
            "recombine": StringRecombiner(self.codec),
            "counts": subtree_counts(self.grammar),
            "candidates": SEARCH_CANDIDATES,
        }

    def interpolate(self, start: str, end: str, steps: int = 10) -> list[str | None]:
        """Decodes of `steps` codes on the straight line from one string's code to another's.

        Warns
        -----
        UserWarning: an end does not come back from its code.
        """
        first, last = self.encode([start, end])
        for text, same in zip((start, end), self.reconstructs([start, end]), strict=True):
            if not same:
                warnings.warn(f"{text} does not come back from its code", stacklevel=2)
        share = np.linspace(0.0, 1.0, check_int(steps, "steps"))[:, None]
        return self.decode((1 - share) * first + share * last)

    def walk(self, n: int, steps: int) -> DerivationMask:
        """The mask that keeps n decodes of so many steps inside the language."""
        return StackMask(self.grammar, n, steps)

    def decode_rules(
        self,
        codes: ArrayLike,
        rng: np.random.Generator | None = None,
        temperature: float = 1.0,
        walk: MakeMask | None = None,
    ) -> NDArray[np.uint8]:
        """Rules [N, T] of codes [N, D]: the most likely ones, or drawn with `rng`.

        `walk` replaces the model's own mask, to see what it contributes.
        """
        codes, walk = check_codes(codes, self.latent_dim), walk or self.walk
        rules = np.empty((len(codes), self.max_length), np.uint8)
        for start in range(0, len(codes), DECODED_AT_ONCE):
            part = slice(start, start + DECODED_AT_ONCE)
            if self.network.autoregressive:
                mask = walk(len(codes[part]), self.max_length)
                rules[part] = self.network.decoder.decode(
                    codes[part], mask, temperature=temperature, rng=rng
                )
            else:
                logits = self.network.decode(codes[part])
                rules[part] = decode_logits(
                    logits, self.grammar, temperature=temperature, rng=rng, walk=walk
                )
        return rules

    def exact_match(self, rules: NDArray[np.uint8]) -> float:
        """Share of rule sequences [N, T] that greedy decoding of their code gives back."""
        decoded = self.decode_rules(self.network.encode(check_rules(rules)))
        return float((decoded == rules).all(axis=1).mean())

    def fit_prior(self, rules: NDArray[np.uint8], seed: int = 0) -> None:
        """Give a model without a prior the mixture of its codes of rules [N, T] to sample from.

        The ex-post density of Ghosh et al. 2020; a model that has a prior keeps it.
        """
        from gmae_tf.density import LatentDensity

        if not self.network.has_prior:
            codes = self.network.encode(rules)
            density = LatentDensity(max_codes=EX_POST_CODES).fit(codes, seed)
            self.network.prior = density.parameters()

    def save(self, folder: str | Path, half_precision: bool = False) -> None:
        """Write network, grammar, training strings and details into a folder.

        `half_precision` stores the weights as float16, in half the space.
        """
        check_path(folder, "folder: give the path of a folder to write the model into")
        folder = make_folder(folder)
        if self.network.recipe is not None:
            description = describe(self.network, self.architecture)
        else:
            description = self.details["network"]  # as it was loaded
        description = {**description, "half_precision": half_precision}
        # Weights and our own description, not a .keras file, which older Keras cannot read; of a
        # copy, because the optimiser's moments are twice as large as the network.
        if half_precision:
            _write_half(folder / NETWORK, self.network.get_weights())
        else:
            plain, _ = build_described(description, self.grammar, self.max_length)
            plain.set_weights(self.network.get_weights())
            save_weights(plain, folder / NETWORK)
        with atomic_path(folder / STRINGS) as path:
            np.save(path, self.training_strings.hashes)
        write_atomic(folder / GRAMMAR, self.grammar.text)
        details = {**self.details, "max_length": self.max_length, "network": description}
        write_description(folder / DETAILS, details, PARTS)

    @classmethod
    def load(cls: type[Model], source: str | Path) -> Model:
        """The model of a folder that `save` wrote, or a shipped one by its name in `PRESETS`.

        Raises
        ------
        GrammarError: a part is missing, damaged or of another model.
        """
        known = ", ".join(cls.PRESETS)
        check_path(
            source, f"give the folder of a saved model, or a name of a shipped one ({known})"
        )
        folder = cls.PRESETS.get(str(source), Path(source))
        try:
            details = read_description(folder / DETAILS, PARTS)
            max_length = int(details["max_length"])
            grammar = Grammar((folder / GRAMMAR).read_text(encoding="utf-8"))
            strings = StringSet(load_arrays(folder / STRINGS)[""].astype(np.uint64))
            network, architecture = build_described(details["network"], grammar, max_length)
            if details["network"].get("half_precision"):
                network.set_weights(_read_half(folder / NETWORK))
            else:
                network.load_weights(folder / NETWORK)
        except UNREADABLE as error:
            raise GrammarError(
                f"{folder} does not hold a trained model ({first_line(error)}): name a "
                f"folder that {cls.TRAINED_BY} has written"
            ) from error
        return cls(grammar, max_length, network, strings, details, architecture)


def _write_half(path: Path, weights: Sequence[NDArray[Any]]) -> None:
    import h5py

    memory = io.BytesIO()  # see gmae_tf.utils.weights
    with h5py.File(memory, "w") as file:
        for number, array in enumerate(weights):
            file.create_dataset(f"{number:03d}", data=array.astype(np.float16))
    write_atomic(path, memory.getvalue())


def _read_half(path: Path) -> list[NDArray[np.float32]]:
    import h5py

    with h5py.File(path, "r") as file:
        return [np.asarray(file[name], dtype=np.float32) for name in sorted(file)]
