"""Valences are RDKit's; here they are checked against its periodic table and its sanitisation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdkit import Chem, rdBase

from molecules.decoding.valences import bracket_valence, organic_valence


@pytest.mark.parametrize("symbol", ["B", "C", "N", "O", "F", "P", "S", "Cl", "Br", "I"])
def test_the_organic_subset_has_the_largest_valence_of_the_periodic_table(symbol):
    values = Chem.GetPeriodicTable().GetValenceList(symbol)
    assert organic_valence(symbol) == (1 if symbol == "I" else max(values))  # see valences


@pytest.mark.parametrize(
    ("symbol", "hydrogens", "charge", "bonds"),
    [
        ("N", 4, 1, 0),
        ("N", 1, 1, 3),
        ("N", 0, 1, 4),
        ("O", 0, -1, 1),
        ("C", 1, 0, 3),
        ("S", 0, 0, 6),
        ("O", 0, 1, 3),
        ("F", 2, 0, -1),
        ("I", 0, 0, 1),
        ("I", 0, 1, 6),
        ("C", 5, 0, -1),
        ("C", 0, 3, -1),
        ("n", 1, 0, 2),
        ("n", 0, 1, 3),
        ("c", 4, 0, -1),
    ],
)
def test_bracket_atoms(symbol, hydrogens, charge, bonds):
    assert bracket_valence(symbol, hydrogens, charge) == bonds


@given(
    st.sampled_from(["B", "C", "N", "O", "F", "P", "S", "Cl", "Si", "Se", "Na", "Zn"]),
    st.integers(0, 4),
    st.integers(-2, 2),
    st.lists(st.sampled_from(["-C", "=C", "#C"]), max_size=5),
)
def test_only_the_sum_of_the_orders_counts(symbol, hydrogens, charge, partners):
    written = (f"H{hydrogens}" if hydrogens else "") + (f"{charge:+d}" if charge else "")
    smiles = f"[{symbol}{written}]" + "".join(f"({partner})" for partner in partners)
    with rdBase.BlockLogs():
        valid = Chem.MolFromSmiles(smiles) is not None
    total = sum({"-": 1, "=": 2, "#": 3}[partner[0]] for partner in partners)
    if total <= 8:  # more is never allowed
        assert valid == (total <= bracket_valence(symbol, hydrogens, charge))
