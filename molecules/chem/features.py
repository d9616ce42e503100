"""Molecular descriptors for a surrogate: global properties, hashed Morgan and other counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator

from molecules.chem.penalized import Mol
from molecules.chem.properties import PROPERTIES

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
ELEMENTS = ("B", "C", "N", "O", "F", "Si", "P", "S", "Cl", "Se", "Br", "I")
BONDS = (
    Chem.BondType.SINGLE,
    Chem.BondType.DOUBLE,
    Chem.BondType.TRIPLE,
    Chem.BondType.AROMATIC,
)
FOLDED, RING_SIZES = 1024, 10
"""With 256 counts most neighbourhoods that no known molecule has would count as some that one has,
and the surrogate would be sure of what nobody has seen."""
WIDTH = len(WHOLE) + FOLDED + RING_SIZES + 2 * len(ELEMENTS) + 4 + 2 * len(BONDS)
_ELEMENT = {symbol: i for i, symbol in enumerate(ELEMENTS)}
_BOND = {order: i for i, order in enumerate(BONDS)}
_NEIGHBOURHOODS = rdFingerprintGenerator.GetMorganGenerator(radius=1, fpSize=FOLDED)


def describe(smiles: Sequence[str]) -> NDArray[np.float64]:
    """Valid SMILES [N] -> [N, 8 + 1024 + 10 + 26 + 2 + 8].

    First the properties `WHOLE`; then hashed counts of each atom's neighbourhood (Rogers & Hahn
    2010, radius 1); counts of rings by size, of 3 to 11 atoms and of more, in the smallest set of
    smallest rings; and what neighbourhoods that no known molecule has still have in common with
    known ones: counts of atoms by element, of aromatic ones, of charges, and of bonds by order,
    outside rings and in them.
    """
    rows = [_described(Chem.MolFromSmiles(text)) for text in smiles]
    return np.array(rows, dtype=np.float64).reshape(len(smiles), WIDTH)


def _described(mol: Mol) -> NDArray[np.float64]:
    rings = np.zeros(RING_SIZES)
    for ring in mol.GetRingInfo().AtomRings():
        rings[min(len(ring) - 3, RING_SIZES - 1)] += 1
    atoms, charges = np.zeros((2, len(ELEMENTS) + 1)), np.zeros(2)
    for atom in mol.GetAtoms():
        element = _ELEMENT.get(atom.GetSymbol(), len(ELEMENTS))
        atoms[int(atom.GetIsAromatic()), element] += 1
        charge = atom.GetFormalCharge()
        charges[int(charge > 0)] += abs(charge)
    bonds = np.zeros((2, len(BONDS)))
    for bond in mol.GetBonds():
        if (order := bond.GetBondType()) in _BOND:
            bonds[int(bond.IsInRing()), _BOND[order]] += 1
    whole = [PROPERTIES[name](mol) for name in WHOLE]
    counts = _NEIGHBOURHOODS.GetCountFingerprintAsNumPy(mol)
    return np.concatenate([whole, counts, rings, atoms.ravel(), charges, bonds.ravel()])


Counts = Callable[[Sequence[str]], list[dict[int, int]]]


def _neighbourhoods(radius: int, *, features: bool) -> Counts:
    """A function of valid SMILES [N] -> N counts of Morgan identifiers (Rogers & Hahn 2010)."""
    kinds = {"atomInvariantsGenerator": rdFingerprintGenerator.GetMorganFeatureAtomInvGen()}
    generator = rdFingerprintGenerator.GetMorganGenerator(
        radius=radius, **(kinds if features else {})
    )

    def count(smiles: Sequence[str]) -> list[dict[int, int]]:
        found = map(generator.GetSparseCountFingerprint, map(Chem.MolFromSmiles, smiles))
        return [fingerprint.GetNonzeroElements() for fingerprint in found]

    return count


COUNTS = {
    "ECFP2": _neighbourhoods(1, features=False),
    "ECFP4": _neighbourhoods(2, features=False),
    "ECFP6": _neighbourhoods(3, features=False),
    "FCFP2": _neighbourhoods(1, features=True),
    "FCFP4": _neighbourhoods(2, features=True),
}
"""Counts of the neighbourhoods of atoms, for a kernel: up to 1, 2 or 3 bonds away, of elements and
bonds, or of what atoms do (aromatic, donor, acceptor, acid, base, halogen)."""
