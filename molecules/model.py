"""An autoencoder for molecules: SMILES to codes, and codes to molecules that are valid."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import compress, groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gmae_tf.errors import UserError
from gmae_tf.models.options import ModelOptions
from gmae_tf.utils.arrays import check_int, check_kind
from gmae_tf.utils.parallel import map_chunks
from grammar.autoencoder.architectures import Architecture
from grammar.autoencoder.hashed_set import StringSet
from grammar.autoencoder.model import GrammarAutoencoder
from grammar.cfg.characters import CHARACTERS, character_grammar, writes_characters
from grammar.cfg.grammar import Grammar
from grammar.codec import RuleCodec
from grammar.decoding import DerivationMask, StackMask
from grammar.library import load_grammar
from molecules.chem.constraints import Constraints
from molecules.chem.domain import FILE as DOMAIN
from molecules.chem.domain import Domain
from molecules.chem.properties import canonical
from molecules.chem.rings import usual_ring_sizes
from molecules.codec import MoleculeCodec, canonical_or_none, spelling
from molecules.data.cleaning import string_list
from molecules.data.kekulize import kekulize_smiles
from molecules.decoding.mask import limits_rings, molecule_walk
from molecules.presets import PRESETS, find_model
from molecules.training import check_options, fit_network, usable

if TYPE_CHECKING:
    from gmae_tf.models.config import Recipe

ROUNDS = 20
"""Of draws before `sample` gives up finding more different molecules."""
CHECKED = 100
"""Molecules, at most, that `encode` decodes again."""


class MoleculeAutoencoder(GrammarAutoencoder):
    """A grammar autoencoder whose decodes are molecules.

    Its own spelling of a molecule is kekulised or not (`details["kekulized"]`); whoever calls
    `encode` and `decode` need not know.  Of a kekulised model every decode is a molecule that RDKit
    accepts, of another one nearly every decode, and `details["ring_sizes"]` limits their rings
    (`molecules.decoding.mask`).  A model that writes characters has no masks, and its decodes are
    whatever they are.  `training_strings` holds canonical SMILES.

    Examples
    --------
    >>> import molecules
    >>> model = molecules.load("compact")
    >>> codes = model.encode(["CC(=O)Nc1ccc(O)cc1", "c1ccccc1"])
    >>> codes.shape, len(model.decode(codes))
    ((2, 128), 2)
    >>> model.reconstructs(["CC(=O)Nc1ccc(O)cc1", "CCO"])
    array([ True, False])
    >>> len(model.sample(3, seed=0))
    3
    """

    PRESETS: ClassVar[dict[str, Path]] = PRESETS
    TRAINED_BY: ClassVar[str] = "molecules.train or molecules.pack"
    """Folders of shipped models, by the names that `load` takes."""

    domain: Domain | None = None
    """Domain of applicability of the training molecules, of a model that `molecules.pack` made."""

    @classmethod
    def load(cls, source: str | Path = "compact") -> MoleculeAutoencoder:
        """The model of a folder, or a shipped one by its name; errors as of `molecules.load`."""
        folder = find_model(source)
        model = super().load(folder)
        if (folder / DOMAIN).is_file():
            model.domain = Domain.load(folder / DOMAIN)
        return model

    def save(self, folder: str | Path, half_precision: bool = False) -> None:
        """As of `GrammarAutoencoder`, and the domain of applicability."""
        super().save(folder, half_precision)
        if self.domain is not None:
            self.domain.save(Path(folder) / DOMAIN)

    @property
    def kekulized(self) -> bool:
        """Whether aromatic rings are written as alternating bonds."""
        return bool(self.details.get("kekulized", False))

    def encode(self, smiles: Iterable[str]) -> NDArray[np.float64]:
        """Codes [N, D] of molecules, a list (array, Series) of SMILES in any spelling.

        Not every molecule comes back from its code.  Up to 100 are decoded again to find out;
        `reconstructs` says it of any number.

        Raises
        ------
        UserError: a single string, no molecule, or one outside the model's grammar or too long;
            the sentence says which.

        Warns
        -----
        UserWarning: the model does not give a molecule back.
        """
        strings = string_list(smiles)
        codes = self._encode(strings)
        if len(strings) <= CHECKED:
            self._warn_of_others(strings, codes)
        return codes

    def decode(
        self,
        codes: ArrayLike,
        rng: np.random.Generator | None = None,
        temperature: float = 1.0,
    ) -> list[str | None]:
        """Canonical SMILES of codes [N, D]: the most likely molecule, or with `rng` a random one.

        None where RDKit accepts no molecule, which a kekulised model does not write.
        """
        return [
            text and canonical_or_none(text) for text in super().decode(codes, rng, temperature)
        ]

    def encode_spellings(self, spellings: Sequence[str]) -> NDArray[np.float64]:
        """Codes [N, D] of strings in the model's own form, as they are; `GrammarError`."""
        return super().encode(spellings)

    def decode_spellings(self, codes: ArrayLike) -> list[str | None]:
        """The strings that codes [N, D] decode to, in the model's own form."""
        return super().decode(codes)

    def normal_form(self, smiles: str) -> str:
        """The model's own spelling of a molecule; `UserError` if it is no molecule."""
        return kekulize_smiles(smiles) if self.kekulized else canonical(smiles)

    def reconstruct(self, smiles: Iterable[str]) -> list[str | None]:
        """Molecules [N] encoded and decoded; errors as of `encode`."""
        return self.decode(self._encode(string_list(smiles)))

    def reconstructs(self, smiles: Iterable[str]) -> NDArray[np.bool_]:
        """Whether the most likely decode of a molecule's code is the molecule [N]; as `encode`."""
        strings = string_list(smiles)
        again = self.reconstruct(strings)
        same = [canonical(text) == other for text, other in zip(strings, again, strict=True)]
        return np.array(same, dtype=bool)

    def sample(  # type: ignore[override]  # all are strings
        self,
        n: int,
        *,
        seed: int = 0,
        near: str | None = None,
        distance: float = 0.6,
        new: bool = False,
        constraints: Constraints | None = None,
    ) -> list[str]:
        """Canonical SMILES of n different molecules, from the prior or around a given one.

        Parameters
        ----------
        near : a SMILES, which is not among the samples itself.
        distance : of the samples from `near`: 0 is the molecule itself, 1 forgets it.
        new : only molecules that the model was not trained on.
        constraints : that all satisfy, such as `Constraints(domain=model.domain)`.

        Warns
        -----
        UserWarning: fewer were found, or the model does not give `near` back.
        """
        check_int(n, "n", 1)
        check_kind(near, str | None, "near")
        check_kind(constraints, Constraints | None, "constraints")
        if not 0 < distance <= 1:
            raise UserError(f"distance is {distance}: give a number above 0 and at most 1.")
        rng = np.random.default_rng(check_int(seed, "seed"))
        found: dict[str, None] = {}
        centre = None
        if near is not None:
            codes = self._encode([near])
            found[canonical(near)] = None
            self._warn_of_others([near], codes)
            centre = codes[0]
        wanted = n + len(found)
        for _ in range(ROUNDS):
            codes = self.network.sample_codes(min(1000, 2 * n + 20), rng)
            if centre is not None:  # keeps the spread of the prior about the centre, however far
                codes = np.sqrt(1 - distance**2) * centre + distance * codes
            drawn = [text for text in self.decode(codes) if text and text not in found]
            if new:
                drawn = [text for text in drawn if text not in self.training_strings]
            if constraints is not None:
                drawn = list(compress(drawn, constraints.allows(drawn)))
            found.update(dict.fromkeys(drawn))
            if len(found) >= wanted:
                break
        samples = list(found)[wanted - n : wanted]
        if len(samples) < n:
            warnings.warn(f"only {len(samples)} different molecules were found", stacklevel=2)
        return samples

    def interpolate(self, start: str, end: str, steps: int = 50) -> list[str]:  # type: ignore[override]
        """Canonical SMILES of `steps` codes from one molecule to another; equal neighbours are one.

        Warns
        -----
        UserWarning: the model does not give an end back.
        """
        check_int(steps, "steps", 2)
        a, b = ends = self._encode([start, end])
        self._warn_of_others([start, end], ends)
        share = np.linspace(0.0, 1.0, steps)[:, None]
        passed = [s for s in self.decode((1 - share) * a + share * b) if s is not None]
        return [text for text, _ in groupby([canonical(start), *passed, canonical(end)])]

    @classmethod
    def fit(  # type: ignore[override]  # other options
        cls,
        smiles: Iterable[str],
        *,
        latent_dim: int = 56,
        epochs: int = 6,
        seed: int = 0,
        grammar: str | Path = "smiles_compact",
        kekulize: bool = True,
        architecture: Literal["autoregressive", "sequence", "zinc"] = "autoregressive",
        sizes: dict[str, int] | None = None,
        max_length: int | None = None,
        reconstruction_weight: float = 10.0,
        batch_size: int = 250,
        learning_rate: float = 2e-3,
        schedule: Literal["plateau", "cosine"] = "cosine",
        folder: str | Path | None = None,
        verbose: bool = True,
        **options: Any,
    ) -> MoleculeAutoencoder:
        """Train on SMILES, such as `frame["smiles"]`; the defaults are of the preset `compact`.

        Parameters
        ----------
        grammar : smiles, smiles_extended, smiles_compact, a file, or `characters`.
        kekulize : write aromatic rings as alternating bonds, which makes every decode valid.
        architecture, sizes : see `grammar.autoencoder.architectures`.
        max_length : longest sequence of rules; by default that of the data.
        reconstruction_weight : of the cross-entropy in nats per molecule.
        schedule : the learning rate falls when the validation loss stalls, or along a half cosine.
        folder : for checkpoints, from which a repeated call continues; none are kept by default.
        verbose : show the progress of the epochs.
        options : of the latent model, see `gmae_tf.models.options.ModelOptions`: model="vae",
            components=20, ...

        Raises
        ------
        UserError: too few molecules can be used.

        Warns
        -----
        UserWarning: molecules are left out, with the first and the reason.
        """
        positive = {"latent_dim": latent_dim, "epochs": epochs, "batch_size": batch_size}
        check_options({**positive, "learning_rate": learning_rate}, options)
        cfg = None if grammar == CHARACTERS else load_grammar(grammar).grammar
        spellings = usable(smiles, cfg, kekulize, max_length)
        options.setdefault("components", min(10, latent_dim))
        recipe = ModelOptions(**options).recipe(
            latent_dim,
            reconstruction_weight=reconstruction_weight,
            steps=epochs * max(1, len(spellings) // batch_size),
            seed=seed,
        )
        model, rules = cls.untrained(
            spellings,
            recipe,
            grammar=cfg,
            kekulized=kekulize,
            architecture=Architecture(architecture, sizes or {}),
            max_length=max_length,
        )
        history = fit_network(
            model.network,
            rules,
            model.grammar.padding,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            schedule=schedule,
            seed=seed,
            folder=None if folder is None else Path(folder),
            verbose=verbose,
        )
        model.finish(rules, spellings, seed, history)
        return model

    @classmethod
    def untrained(
        cls,
        spellings: Sequence[str],
        recipe: Recipe,
        *,
        grammar: Grammar | None,
        kekulized: bool,
        architecture: Architecture,
        max_length: int | None = None,
        held_out: Sequence[str] = (),
    ) -> tuple[MoleculeAutoencoder, NDArray[np.uint8]]:
        """A model with new weights by the recipe's seed, and the rules [N + H, T] of all strings.

        Of N to train on and H held out.  `grammar` None: that of their characters.
        """
        import keras

        from grammar.autoencoder.architectures import build_from_recipe

        every = [*spellings, *held_out]
        grammar = grammar or character_grammar(every)
        codec = RuleCodec(grammar, max_length)
        rules = codec.encode(every)
        assert codec.max_length is not None  # encode has set it
        keras.utils.set_random_seed(recipe.seed)
        network = build_from_recipe(recipe, grammar, codec.max_length, architecture)
        details: dict[str, Any] = {"kekulized": kekulized}
        if not writes_characters(grammar) and limits_rings(grammar):
            details["ring_sizes"] = usual_ring_sizes(spellings)
        model = cls(grammar, codec.max_length, network, details=details, architecture=architecture)
        return model, rules

    def finish(
        self, rules: NDArray[np.uint8], spellings: Sequence[str], seed: int, history: list[Any]
    ) -> None:
        """After the training on rules [N, T] of N spellings: the prior, and what was learnt."""
        self.fit_prior(rules, seed)
        self.remember(spellings)
        self.details["results"] = {"history": history, "training_molecules": len(rules)}

    def remember(self, smiles: Sequence[str]) -> None:
        """Make these the training molecules, in whatever spelling they are looked for."""
        self.training_strings = StringSet.of(map_chunks(canonical, smiles, "canonical SMILES"))

    def search_parts(self, constraints: Any = None) -> dict[str, Any]:
        """Keywords of `bayesopt.SearchSpace`: canonical SMILES, recombination, descriptors."""
        return MoleculeCodec(self).search_parts(constraints)

    def walk(self, n: int, steps: int) -> DerivationMask:
        """Derivations of molecules only, where the grammar says what a molecule is."""
        return self._make_walk(n, steps)

    @cached_property
    def _make_walk(self) -> Any:
        if writes_characters(self.grammar):
            return lambda n, steps: StackMask(self.grammar, n, steps)
        sizes = self.details.get("ring_sizes")
        return molecule_walk(self.grammar, aromatic=not self.kekulized, ring_sizes=sizes)

    def _encode(self, strings: list[str]) -> NDArray[np.float64]:
        """Codes [N, D]; `UserError` that names the first molecule that has none."""
        try:
            return self.encode_spellings([self.normal_form(text) for text in strings])
        except UserError:
            for place, text in enumerate(strings):
                try:
                    spelling(self, text)
                except UserError as error:
                    raise UserError(f"smiles[{place}]: {error}") from error
            raise

    def _warn_of_others(self, smiles: list[str], codes: NDArray[np.float64]) -> None:
        again = self.decode(codes)
        others = [(a, b) for a, b in zip(smiles, again, strict=True) if canonical(a) != b]
        if others:
            text, other = others[0]
            more = f", and {len(others) - 1} more for others" if len(others) > 1 else ""
            warnings.warn(
                f"the model takes {text} for {other or 'no molecule'}{more}", stacklevel=3
            )


def load(source: str | Path = "compact") -> MoleculeAutoencoder:
    """A trained autoencoder of molecules: a shipped one by name, or one's own by its folder.

    `compact` was trained on ZINC 250k, kekulised, with 128 latent dimensions, noise on codes, and
    heads that predict descriptors.

    Raises
    ------
    UserError: there is no such model, or a file of it is damaged.

    Examples
    --------
    >>> import molecules
    >>> molecules.load("compact").latent_dim
    128
    """
    return MoleculeAutoencoder.load(source)
