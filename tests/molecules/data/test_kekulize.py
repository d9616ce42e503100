"""Kekulised SMILES are the same molecules, written without aromatic atoms."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from gmae_tf.errors import UserError
from grammar.library import load_grammar
from molecules.data import kekulize
from molecules.data.builtin import builtin_molecules
from molecules.data.kekulize import kekulize_all, kekulize_cached, kekulize_smiles
from molecules.data.zinc import ZINC_FILE, ZINC_SHA256, read_checked

MADE = builtin_molecules(150, seed=1)
AROMATIC = re.compile(r"(?<![A-Z])[bcnops]")


@pytest.mark.parametrize(
    ("smiles", "expected"),
    [
        ("c1ccccc1", "C1=CC=CC=C1"),
        ("c1cc[nH]c1", "C1=CNC=C1"),
        ("C/C=C/[C@H](N)O", "C/C=C/[C@H](N)O"),
        ("OCC", "CCO"),
    ],
)
def test_known_forms(smiles, expected):
    assert kekulize_smiles(smiles) == expected


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(MADE), st.integers(0, 2**31 - 1))
def test_same_molecule_and_one_form_however_it_is_written(smiles, seed):
    form = kekulize_smiles(smiles)
    other = Chem.MolToRandomSmilesVect(Chem.MolFromSmiles(smiles), 1, seed)[0]
    assert Chem.CanonSmiles(form) == smiles
    assert kekulize_smiles(other) == form == kekulize_smiles(form)
    assert not AROMATIC.search(form.replace("Cl", "X").replace("Br", "X"))


def test_forms_are_in_the_grammar():
    parser = load_grammar("smiles")
    for smiles in MADE[:30]:
        assert parser.parse(kekulize_smiles(smiles))  # raises where it is not


def test_no_molecule():
    with pytest.raises(UserError, match=r"'c1ccc1c' is not a molecule"):
        kekulize_smiles("c1ccc1c")


def test_the_cache_is_used_kept_apart_and_mended(tmp_path, monkeypatch):
    expected = kekulize_all(MADE)
    assert kekulize_cached(MADE, folder=tmp_path) == expected
    (file,) = tmp_path.iterdir()
    with monkeypatch.context() as patch:
        patch.setattr(kekulize, "kekulize_all", lambda *_, **__: pytest.fail("not cached"))
        assert kekulize_cached(MADE, folder=tmp_path) == expected
    file.write_bytes(file.read_bytes()[:50])
    assert kekulize_cached(MADE, folder=tmp_path) == expected
    assert kekulize_cached(MADE[1:], folder=tmp_path) == expected[1:]
    assert len(list(tmp_path.iterdir())) == 2


def test_a_place_that_cannot_be_written_is_done_without(tmp_path):
    (tmp_path / "file").write_text("in the way")
    assert kekulize_cached(MADE[:3], folder=tmp_path / "file") == kekulize_all(MADE[:3])


@pytest.mark.data
def test_zinc_keeps_its_molecules_and_its_ring_digits_carry_no_bonds(data_dir):
    """Of all 249,455 only ten have a bond symbol before a ring-closure digit, none of these."""
    zinc = read_checked(data_dir / ZINC_FILE, ZINC_SHA256)[::100]
    forms = kekulize_all(zinc)
    assert list(map(Chem.CanonSmiles, forms)) == list(map(Chem.CanonSmiles, zinc))
    assert not any(re.search(r"[-=#/\\]\d", re.sub(r"\[.*?\]", "*", form)) for form in forms)
