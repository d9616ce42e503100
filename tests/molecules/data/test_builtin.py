"""Molecules made by the project: valid, different, seeded, drug-like, in the grammar."""

from __future__ import annotations

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import QED
from rdkit.Chem.rdMolDescriptors import CalcMolFormula

from gmae_tf.errors import UserError
from grammar.library import load_grammar
from molecules.data.builtin import MAX_ATOMS, MIN_ATOMS, builtin_molecules, read_drugs


@pytest.fixture(scope="module")
def made():
    return builtin_molecules(400, seed=3)


def test_drugs_are_different_canonical_and_in_the_grammar():
    drugs = read_drugs()
    parser = load_grammar("smiles")
    assert 150 <= len(drugs) == len(set(drugs.values()))
    for smiles in drugs.values():
        assert Chem.CanonSmiles(smiles) == smiles
        assert parser.parse(smiles)  # raises where it is not


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("aspirin", "C9H8O4"),
        ("imatinib", "C29H31N7O"),
        ("sildenafil", "C22H30N6O4S"),
        ("testosterone", "C19H28O2"),
        ("omeprazole", "C17H19N3O3S"),
        ("bortezomib", "C19H25BN4O4"),
    ],
)
def test_drugs_have_their_published_formulas(name, formula):
    assert CalcMolFormula(Chem.MolFromSmiles(read_drugs()[name])) == formula


def test_molecules_are_canonical_different_and_of_drug_size(made):
    assert len(made) == len(set(made)) == 400
    for smiles in made:
        assert Chem.CanonSmiles(smiles) == smiles
        assert MIN_ATOMS <= Chem.MolFromSmiles(smiles).GetNumHeavyAtoms() <= MAX_ATOMS
        assert not set(".%09*") & set(smiles)


def test_molecules_are_in_the_grammar(made):
    parser = load_grammar("smiles")
    for smiles in made[:60]:
        assert parser.parse(smiles)  # raises where it is not


def test_molecules_are_as_drug_like_as_those_of_zinc(made):
    """ZINC 250k has 23.2 heavy atoms and a QED of 0.73 on average."""
    mols = [Chem.MolFromSmiles(smiles) for smiles in made]
    assert np.mean([mol.GetNumHeavyAtoms() for mol in mols]) == pytest.approx(21, abs=2.5)
    assert np.mean([QED.qed(mol) for mol in mols]) > 0.6


def test_the_seed_alone_decides_and_a_longer_list_begins_alike(made):
    assert builtin_molecules(50, seed=3) == made[:50]
    assert builtin_molecules(50, seed=4) != made[:50]


def test_too_few():
    with pytest.raises(UserError, match="at least one"):
        builtin_molecules(0)
