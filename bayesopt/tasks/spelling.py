"""Codes to molecules: one molecule has many spellings, and the search must see it once."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase

from bayesopt.problem import Array
from gmae_tf.errors import UserError
from grammar.codec import pad
from grammar.errors import GrammarError
from grammar.parser import Parser
from grammar.recombine import Recombiner


class MoleculeModel(Protocol):
    """What is asked of `molecules.model.MoleculeAutoencoder`; strings in the model's own form."""

    network: Any
    codec: Any
    training_strings: Any

    @property
    def latent_dim(self) -> int:
        """D."""
        ...

    def encode(self, strings: list[str]) -> Array:
        """Codes [N, D]; `GrammarError` outside the grammar, or too long."""
        ...

    def decode(self, codes: Array) -> list[str | None]:
        """A spelling for each code [N, D]."""
        ...

    def normal_form(self, smiles: str) -> str | None:
        """The spelling that the model reads; None or an error if it has none."""
        ...


class MoleculeCodec:
    """The `LatentCodec` of a model whose strings are canonical SMILES of RDKit.

    `decoded` and `valid` count the codes decoded so far and the molecules that they gave.
    """

    def __init__(self, model: MoleculeModel) -> None:
        self.model = model
        self.decoded = self.valid = 0
        self._spellings: dict[str, str] = {}

    @property
    def latent_dim(self) -> int:
        """D."""
        return self.model.latent_dim

    def decode(self, codes: Array) -> list[str | None]:
        """Canonical SMILES of codes [N, D]; None where RDKit accepts no molecule."""
        found: list[str | None] = []
        for spelling in self.model.decode(codes):
            smiles = None if spelling is None else canonical_or_none(spelling)
            if smiles is not None and spelling is not None:
                self._spellings.setdefault(smiles, spelling)
            found.append(smiles)
        self.decoded += len(found)
        self.valid += sum(smiles is not None for smiles in found)
        return found

    @property
    def represent(self) -> Callable[[Array], NDArray[Any]] | None:
        """Codes [N, D] -> [N, T, P], what the decoder plans for each step; None: it has no plan."""
        plan = getattr(self.model.network.decoder, "plan", None)
        return None if plan is None else lambda codes: plan(codes)[0]

    def encode(self, strings: Sequence[str]) -> Array:
        """Codes [N, D] of canonical SMILES.

        Raises
        ------
        UserError: a molecule that the model's grammar cannot write.
        """
        if not len(strings):
            return np.empty((0, self.latent_dim))
        try:
            return self.model.encode([str(self.model.normal_form(s)) for s in strings])
        except (GrammarError, UserError):  # some of them; find out which
            return self.model.encode([self._form(smiles) for smiles in strings])

    def recombine(self, parents: Sequence[str], rng: np.random.Generator) -> list[str | None]:
        """Children of canonical SMILES, about as many, as canonical SMILES; None for no molecule.

        Each parent is spelt anew at random, so that it can be cut at any bond.
        """
        grammar = self.model.codec.grammar
        parser = Parser(grammar)
        derivations = []
        for smiles in parents:
            with contextlib.suppress(GrammarError):
                derivations.append(parser.parse(respelt(smiles, self._kekulized, rng)))
        if not derivations:
            return []
        longest = self.model.codec.max_length
        children = Recombiner(grammar).children(derivations, len(parents), rng)
        kept = [child for child in children if len(child) <= longest]
        strings = self.model.codec.decode(pad(kept, longest, grammar))
        found = [None if text is None else canonical_or_none(text) for text in strings]
        return [None if s is None or self.refuses(s) is not None else s for s in found]

    @property
    def _kekulized(self) -> bool:
        return bool(getattr(self.model, "kekulized", False))

    def refuses(self, smiles: str) -> str | None:
        """Why a molecule has no code, None if it has one."""
        try:
            form = self.model.normal_form(smiles)
            if form is not None:
                self.model.codec.encode([form])
        except (GrammarError, UserError) as error:
            return f"outside the model's grammar: {error}"
        return "outside the model's grammar" if form is None else None

    def _form(self, smiles: str) -> str:
        if self.refuses(smiles) is None:
            return str(self.model.normal_form(smiles))
        # The usual spelling may be too long where the one that was decoded is not.
        if (spelling := self._spellings.get(smiles)) is not None:
            return spelling
        raise UserError(f"{smiles} cannot be written in the model's grammar: leave it out.")


def respelt(smiles: str, kekulized: bool, rng: np.random.Generator) -> str:
    """A molecule's SMILES from a random atom, in random order."""
    mol = Chem.MolFromSmiles(smiles)
    if kekulized:
        Chem.Kekulize(mol, clearAromaticFlags=True)
    seed = int(rng.integers(2**31 - 1))
    return str(Chem.MolToRandomSmilesVect(mol, 1, seed, kekuleSmiles=kekulized)[0])


@lru_cache(maxsize=200_000)
def canonical_or_none(smiles: str) -> str | None:
    """RDKit's canonical SMILES; None if it is no molecule.  Nothing is printed."""
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(smiles)
        if mol is None or not mol.GetNumAtoms():
            return None
        text = str(Chem.MolToSmiles(mol))
        if "@" in text or "/" in text or "\\" in text:
            # Marks of centres that are none any more go when it is read again.
            mol = Chem.MolFromSmiles(text)
            text = text if mol is None else str(Chem.MolToSmiles(mol))
    return text
