"""An autoencoder for molecules: SMILES to codes, and codes to molecules that are valid."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from grammar.autoencoder.model import GrammarAutoencoder
from grammar.cfg.characters import writes_characters
from grammar.decoding import StackWalk, Walk
from molecules.chem.properties import canonical
from molecules.data.kekulize import kekulize_smiles
from molecules.decoding.mask import molecule_walk


class MoleculeAutoencoder(GrammarAutoencoder):
    """A grammar autoencoder whose decodes are molecules.

    It reads and writes SMILES in its own form, kekulised or not (`details["kekulized"]`);
    `training_strings` holds canonical SMILES.  Of a kekulised model every decode is a molecule that
    RDKit accepts; of another one nearly every decode (`molecules.decoding.mask`).  A model that writes
    characters knows nothing of molecules, and its decodes are whatever they are.
    """

    @property
    def kekulized(self) -> bool:
        """Whether aromatic rings are written as alternating bonds."""
        return bool(self.details.get("kekulized", False))

    def normal_form(self, smiles: str) -> str:
        """The SMILES of a molecule as the model reads it; `UserError` if it is no molecule."""
        return kekulize_smiles(smiles) if self.kekulized else canonical(smiles)

    def walk(self, n: int, steps: int) -> Walk:
        """Derivations of molecules only, where the grammar says what a molecule is."""
        return self._make_walk(n, steps)

    @cached_property
    def _make_walk(self) -> Any:
        if writes_characters(self.grammar):
            return lambda n, steps: StackWalk(self.grammar, n, steps)
        return molecule_walk(self.grammar, aromatic=not self.kekulized)
