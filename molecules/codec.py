"""Codes to molecules: one molecule has many spellings, and the search must see it once."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from itertools import islice
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase

from gmae_tf.errors import UserError
from gmae_tf.utils.bundle import first_line
from grammar.errors import GrammarError
from molecules.chem.features import COUNTS, WHOLE, describe
from molecules.chem.reading import read_smiles
from molecules.chem.recombine import children

Array = NDArray[np.float64]
ATOM = re.compile("[A-Z][a-z]?|[bcnops]")
"""An atom in a terminal of a grammar, hydrogen included."""
REMEMBERED = 50_000
"""Molecules, at most, whose spellings, and whose features, 4 kB each, are remembered."""


class MoleculeModel(Protocol):
    """The part of `molecules.MoleculeAutoencoder` used here; strings in the model's own form."""

    network: Any
    codec: Any
    training_strings: Any

    @property
    def latent_dim(self) -> int:
        """D."""
        ...

    def encode_spellings(self, strings: list[str]) -> Array:
        """Codes [N, D]; `GrammarError` outside the grammar, or too long."""
        ...

    def decode_spellings(self, codes: Array) -> list[str | None]:
        """A spelling for each code [N, D]."""
        ...

    def normal_form(self, smiles: str) -> str:
        """The spelling that the model reads; `UserError` of what is no molecule."""
        ...


def spelling(model: MoleculeModel, smiles: str) -> str:
    """The model's own spelling of a molecule; `UserError` that says why it has none."""
    form = model.normal_form(smiles)
    try:
        model.codec.encode([form])
    except GrammarError as error:
        reason = first_line(error).rstrip(":")
        raise UserError(f"{smiles!r} is outside the model's grammar: {reason}") from error
    return form


class MoleculeCodec:
    """The `LatentCodec` of a model whose strings are canonical SMILES of RDKit.

    `decoded` and `valid` count the codes decoded so far and the molecules that they gave.
    """

    def __init__(self, model: MoleculeModel) -> None:
        self.model = model
        self.decoded = self.valid = 0
        self._spellings: dict[str, str] = {}
        self._forms: dict[str, tuple[str | None, str | None]] = {}
        self._features: dict[str, NDArray[np.float32]] = {}

    @property
    def latent_dim(self) -> int:
        """D."""
        return self.model.latent_dim

    def decode(self, codes: Array) -> list[str | None]:
        """Canonical SMILES of codes [N, D]; None where RDKit accepts no molecule."""
        found: list[str | None] = []
        for spelling in self.model.decode_spellings(codes):
            smiles = None if spelling is None else canonical_or_none(spelling)
            if smiles is not None and spelling is not None:
                self._spellings.setdefault(smiles, spelling)
            found.append(smiles)
        _forget_older(self._spellings)
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
            return self.model.encode_spellings([str(self.model.normal_form(s)) for s in strings])
        except UserError:  # some of them; find out which
            return self.model.encode_spellings([self._form(smiles) for smiles in strings])

    def normalize(self, smiles: str) -> str | None:
        """The canonical SMILES of a molecule; None if it is none."""
        return canonical_or_none(smiles)

    def search_parts(self, constraints: Any = None) -> dict[str, Any]:
        """Keywords of `bayesopt.SearchSpace` for molecules within constraints."""
        cap = getattr(constraints, "max_heavy_atoms", None)
        most = min(cap or self.most_atoms, self.most_atoms)
        return {
            "codec": self,
            "recombine": partial(children, most=most),
            "features": self.features,
            "counts": COUNTS,
            "n_global_features": len(WHOLE),
            "represent": self.represent,
            "domain": getattr(self.model, "domain", None),
            "novel": True,
        }

    @property
    def most_atoms(self) -> int:
        """No molecule that the model writes has more: each production writes a few at most."""
        rules = self.model.codec.grammar.rules
        texts = ["".join(s.name for s in rule.rhs if s.terminal) for rule in rules]
        return int(self.model.codec.max_length * max(len(ATOM.findall(text)) for text in texts))

    def features(self, smiles: Sequence[str]) -> Array:
        """What canonical SMILES [N] are made of, see `molecules.chem.features.describe`."""
        new = [s for s in dict.fromkeys(smiles) if s not in self._features]
        if new:
            rows = describe(new).astype(np.float32)
            self._features.update(zip(new, rows, strict=True))
        found = np.array([self._features[s] for s in smiles], dtype=np.float64)
        _forget_older(self._features)
        return found.reshape(len(smiles), -1)

    def refuses(self, smiles: str) -> str | None:
        """Why a molecule has no code, None if it has one."""
        return self._written(smiles)[1]

    def writes(self, smiles: str) -> bool:
        """Whether a molecule has a code: by one spelling that was decoded, or by its usual one."""
        return smiles in self._spellings or self.refuses(smiles) is None

    def _written(self, smiles: str) -> tuple[str | None, str | None]:
        """The model's spelling of a molecule, or why it has none; looked for once."""
        if smiles not in self._forms:
            _forget_older(self._forms)
            self._forms[smiles] = self._spelt(smiles)
        return self._forms[smiles]

    def _spelt(self, smiles: str) -> tuple[str | None, str | None]:
        try:
            return spelling(self.model, smiles), None
        except UserError as error:
            return None, str(error).removeprefix(f"{smiles!r} is ")

    def _form(self, smiles: str) -> str:
        if (form := self._written(smiles)[0]) is not None:
            return form
        # The usual spelling may be too long where the one that was decoded is not.
        if (spelling := self._spellings.get(smiles)) is not None:
            return spelling
        raise UserError(f"{smiles} cannot be written in the model's grammar: leave it out.")


def _forget_older(memory: dict[str, Any]) -> None:
    """Forget the older half of what is remembered, if it is too much."""
    if len(memory) > REMEMBERED:
        for key in [*islice(memory, len(memory) // 2)]:
            del memory[key]


@lru_cache(maxsize=200_000)
def canonical_or_none(smiles: str) -> str | None:
    """RDKit's canonical SMILES; None if it is no molecule.  Nothing is printed."""
    with rdBase.BlockLogs():
        mol = read_smiles(smiles)
        if mol is None or not mol.GetNumAtoms():
            return None
        text = str(Chem.MolToSmiles(mol))
        if "@" in text or "/" in text or "\\" in text:
            # Marks of centres that are none any more go when it is read again.
            mol = Chem.MolFromSmiles(text)
            text = text if mol is None else str(Chem.MolToSmiles(mol))
    return text
