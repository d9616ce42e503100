"""RDKit molecules of texts that may be anybody's: in silence, and none that ends the process."""

from __future__ import annotations

from rdkit import Chem, rdBase

LONGEST = 5_000
"""Characters of a SMILES, and heavy atoms: RDKit's time grows with their square, and of chains of
20,000 atoms its recursion ends the process."""


def read_smiles(text: str, *, sanitize: bool = True) -> Chem.Mol | None:
    """The RDKit molecule of a SMILES; None if it is none, or too long."""
    if len(text) > LONGEST:
        return None
    with rdBase.BlockLogs():
        return Chem.MolFromSmiles(text, sanitize=sanitize)
