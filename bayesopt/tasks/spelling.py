"""Codes to molecules: one molecule has many spellings, and the search must see it once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase
from rdkit.Chem import rdFingerprintGenerator

from bayesopt.problem import Array
from gmae_tf.errors import UserError
from grammar.counts import RuleCounts
from grammar.errors import GrammarError
from grammar.recombine import StringRecombiner

FOLDED, RING_SIZES = 256, 10
_NEIGHBOURHOODS = rdFingerprintGenerator.GetMorganGenerator(radius=1, fpSize=FOLDED)


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
        self._forms: dict[str, tuple[str | None, str | None]] = {}
        self._features: dict[str, NDArray[np.uint16]] = {}
        self._recombiner = StringRecombiner(model.codec)
        self._counts = RuleCounts(model.codec.grammar)

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
        spelt = [respelt(smiles, self._kekulized, rng) for smiles in parents]
        children = self._recombiner(spelt, rng)
        found = [None if text is None else canonical_or_none(text) for text in children]
        return [None if s is None or self._written(s)[0] is None else s for s in found]

    def features(self, smiles: Sequence[str]) -> Array:
        """What canonical SMILES [N] are made of, [N, R + 256 + 10].

        How often each of R rules of the grammar is used, and each neighbourhood of an atom and its
        bonds (Rogers & Hahn 2010, radius 1) and each size of ring found: elements by the first,
        what is next to what by the second, and what both cannot see by the last.
        """
        new = [s for s in dict.fromkeys(smiles) if s not in self._features]
        if new:
            rules = self._counts([self._form(s) for s in new])
            counts = np.concatenate([rules, parts(new)], axis=1).astype(np.uint16)
            self._features.update(zip(new, counts, strict=True))
        rows = [self._features[s] for s in smiles]
        return np.array(rows, dtype=np.float64).reshape(len(rows), -1)

    @property
    def _kekulized(self) -> bool:
        return bool(getattr(self.model, "kekulized", False))

    def refuses(self, smiles: str) -> str | None:
        """Why a molecule has no code, None if it has one."""
        return self._written(smiles)[1]

    def _written(self, smiles: str) -> tuple[str | None, str | None]:
        """The model's spelling of a molecule, or why it has none; looked for once."""
        if smiles not in self._forms:
            self._forms[smiles] = self._spelt(smiles)
        return self._forms[smiles]

    def _spelt(self, smiles: str) -> tuple[str | None, str | None]:
        try:
            form = self.model.normal_form(smiles)
            if form is None:
                return None, "outside the model's grammar"
            self.model.codec.encode([form])
        except (GrammarError, UserError) as error:
            return None, f"outside the model's grammar: {error}"
        return form, None

    def _form(self, smiles: str) -> str:
        if (form := self._written(smiles)[0]) is not None:
            return form
        # The usual spelling may be too long where the one that was decoded is not.
        if (spelling := self._spellings.get(smiles)) is not None:
            return spelling
        raise UserError(f"{smiles} cannot be written in the model's grammar: leave it out.")


def parts(smiles: Sequence[str]) -> Array:
    """Hashed counts of neighbourhoods of atoms, and counts of rings by size, [N, 256 + 10].

    Rings of 3 to 11 atoms, and larger ones, of the smallest set of smallest rings.
    """
    rows = np.zeros((len(smiles), FOLDED + RING_SIZES))
    for row, text in zip(rows, smiles, strict=True):
        mol = Chem.MolFromSmiles(text)
        row[:FOLDED] = _NEIGHBOURHOODS.GetCountFingerprintAsNumPy(mol)
        for ring in mol.GetRingInfo().AtomRings():
            row[FOLDED + min(len(ring) - 3, RING_SIZES - 1)] += 1
    return rows


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
