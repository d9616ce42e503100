"""What molecules are like as a whole and what they are made of, for a surrogate to read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator

from molecules.properties import PROPERTIES

WHOLE = (
    "heavy_atoms",
    "molecular_weight",
    "tpsa",
    "hba",
    "hbd",
    "rotatable_bonds",
    "rings",
    "aromatic_rings",
)
"""Properties of a whole molecule; none of them is what searches are usually for, such as logP."""
FOLDED, RING_SIZES = 1024, 10
"""With 256 counts most neighbourhoods that no known molecule has would count as some that one has,
and the surrogate would be sure of what nobody has seen."""
_NEIGHBOURHOODS = rdFingerprintGenerator.GetMorganGenerator(radius=1, fpSize=FOLDED)


def describe(smiles: Sequence[str]) -> NDArray[np.float64]:
    """Valid SMILES [N] -> [N, 8 + 1024 + 10].

    First the properties `WHOLE`; then hashed counts of each atom's neighbourhood (Rogers & Hahn
    2010, radius 1), and counts of rings by size, of 3 to 11 atoms and of more, in the smallest set
    of smallest rings.
    """
    rows = np.zeros((len(smiles), len(WHOLE) + FOLDED + RING_SIZES))
    for row, text in zip(rows, smiles, strict=True):
        mol = Chem.MolFromSmiles(text)
        row[: len(WHOLE)] = [PROPERTIES[name](mol) for name in WHOLE]
        row[len(WHOLE) : -RING_SIZES] = _NEIGHBOURHOODS.GetCountFingerprintAsNumPy(mol)
        for ring in mol.GetRingInfo().AtomRings():
            row[min(len(ring) - 3, RING_SIZES - 1) - RING_SIZES] += 1
    return rows
