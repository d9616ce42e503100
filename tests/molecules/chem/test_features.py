"""What molecules are like as a whole and what they are made of."""

from __future__ import annotations

import numpy as np
import pytest
from rdkit import Chem

from molecules.chem import features as described
from molecules.chem.features import BONDS, ELEMENTS, FOLDED, RING_SIZES, WHOLE, describe

END = len(WHOLE) + FOLDED


def parts(smiles):
    """Counts of rings, atoms [2, 13], charges [2] and bonds [2, 4]."""
    (row,) = describe([smiles])
    atoms, bonds = 2 * (len(ELEMENTS) + 1), 2 * len(BONDS)
    sizes = [RING_SIZES, atoms, 2, bonds]
    rings, atoms, charges, bonds = np.split(row[END:], np.cumsum(sizes)[:-1])
    return rings, atoms.reshape(2, -1), charges, bonds.reshape(2, -1)


def test_atoms_and_bonds_are_counted_by_kind():
    rings, atoms, charges, bonds = parts("C[N+](C)(C)CC(=O)[O-]")  # betaine
    names = [*ELEMENTS, "other"]
    assert {n: k for n, k in zip(names, atoms[0], strict=True) if k} == {"C": 5, "N": 1, "O": 2}
    assert not atoms[1].any()
    assert charges.tolist() == [1, 1]
    assert bonds.tolist() == [[6, 1, 0, 0], [0, 0, 0, 0]]
    assert not rings.any()


def test_rings_and_aromatic_atoms_are_told_apart():
    rings, atoms, _, bonds = parts("C1CC1c1cc[nH]c1[Te]C")
    assert np.flatnonzero(rings).tolist() == [0, 2]  # three atoms and five
    assert atoms[1][[ELEMENTS.index("C"), ELEMENTS.index("N")]].tolist() == [4, 1]
    assert atoms[0][-1] == 1  # tellurium is another element
    assert bonds.tolist() == [[3, 0, 0, 0], [3, 0, 0, 5]]


def test_large_rings_are_counted_together():
    rings, *_ = parts("C1CCCCCCCCCCCCC1")
    assert rings.tolist() == [0] * 9 + [1]


def test_counts_add_up_and_begin_with_the_whole():
    smiles = ["CCO", "c1ccccc1C(=O)NC", "O=S(=O)(Cl)c1ccc(Br)cc1"]
    rows = describe(smiles)
    assert rows.shape == (3, described.WIDTH)
    for row, text in zip(rows, smiles, strict=True):
        mol = Chem.MolFromSmiles(text)
        assert row[WHOLE.index("heavy_atoms")] == mol.GetNumAtoms()
        # Each atom has a neighbourhood of radius 0, and one of radius 1 unless it is the same.
        assert mol.GetNumAtoms() < row[len(WHOLE) : END].sum() <= 2 * mol.GetNumAtoms()
        kinds = row[END + RING_SIZES :]
        assert kinds[:26].sum() == mol.GetNumAtoms()
        assert kinds[28:].sum() == mol.GetNumBonds()
    assert describe([]).shape == (0, described.WIDTH)


def test_every_spelling_has_the_same_features():
    assert describe(["OCC(N)=O"]) == pytest.approx(describe(["C(O)C(=O)N"]))
