"""Children of molecules: whole molecules made of what their parents are made of."""

from __future__ import annotations

from collections import Counter

import pytest
from rdkit import Chem

from molecules.chem import recombine
from molecules.data.builtin import builtin_molecules

WAYS = range(400)


def canonical(smiles):
    return None if smiles is None else Chem.MolToSmiles(Chem.MolFromSmiles(smiles))


def mol(smiles):
    return Chem.MolFromSmiles(smiles)


def test_children_are_canonical_molecules_of_the_kinds_of_atoms_of_their_parents(rng):
    parents = builtin_molecules(300)
    found = recombine.children(parents, rng)
    assert len(found) > 200
    assert [canonical(s) for s in found] == found
    assert not any("." in s for s in found)
    kinds = set().union(*(recombine._kinds(mol(s)) for s in parents))
    assert all(recombine._kinds(mol(s)) <= kinds for s in found)
    assert len(set(found) - set(parents)) > 150


def test_children_of_equal_generators_are_equal(rng):
    import numpy as np

    parents = builtin_molecules(50)
    once, again = (recombine.children(parents, np.random.default_rng(3)) for _ in range(2))
    assert once == again


def test_children_have_no_more_atoms_than_they_may(rng):
    parents = builtin_molecules(300)
    found = recombine.children(parents, rng, most=12)
    assert max(mol(s).GetNumHeavyAtoms() for s in found) == 12
    assert max(mol(s).GetNumHeavyAtoms() for s in recombine.children(parents, rng)) > 12


def test_hydrocarbons_have_hydrocarbon_children(rng):
    parents = ["CCCCC", "c1ccccc1C", "C1CCCCC1CC"] * 100
    for child in recombine.children(parents, rng):
        assert {a.GetSymbol() for a in mol(child).GetAtoms()} == {"C"}


def test_joined_parts_are_those_of_both_sides_of_two_cuts(rng):
    found = {canonical(recombine.join(mol("CCO"), mol("NS"), rng)) for _ in WAYS}
    # C|CO and CC|O, joined with N or S.
    assert found == {"CN", "CS", "NCO", "OCS", "CCN", "CCS", "NO", "OS"}


def test_parts_are_put_into_a_bond(rng):
    found = {canonical(recombine.insert(mol("FC"), mol("NOS"), rng)) for _ in WAYS}
    assert found == {"COF"}
    found = {canonical(recombine.insert(mol("FC"), mol("NOCS"), rng)) for _ in WAYS}
    assert found == {"COF", "CCF", "CCOF", "COCF"}


@pytest.mark.parametrize("copies", [1, 2, 8])
def test_a_part_is_repeated(rng, copies):
    found = {canonical(recombine.repeat(mol("FOSN"), copies, rng)) for _ in WAYS}
    counts = [Counter(a.GetSymbol() for a in mol(s).GetAtoms()) for s in found]
    assert all(count["F"] == count["N"] == 1 for count in counts)
    parts = {(count["O"], count["S"]) for count in counts}
    more = copies + 1
    assert parts == {(more, 1), (1, more), (more, more)}


def test_a_part_is_repeated_while_there_is_room(rng):
    found = {recombine.repeat(mol("CCCCCC"), 32, rng, most=20) for _ in WAYS}
    sizes = {mol(s).GetNumAtoms() for s in found}
    # Parts of one to four atoms, in 14 free places.
    assert sizes == {20, 18}
    assert {mol(recombine.repeat(mol("CCC"), 32, rng)).GetNumAtoms() for _ in WAYS} == {35}


def test_every_other_part_is_one_link_of_a_chain(rng):
    long = "N" + "C" * 20 + "O" + "C" * 20 + "N"
    alone = sum("O" * 8 in recombine.repeat(mol(long), 8, rng) for _ in range(2_000))
    assert alone / 2_000 == pytest.approx(0.5 / 41, abs=0.006)  # of 41 atoms; else 1 in 861 pairs


def test_a_part_is_left_out(rng):
    found = {canonical(recombine.leave_out(mol("CNOS"), rng)) for _ in WAYS}
    ends, middles = {"C", "NOS"} | {"CN", "OS"} | {"CNO", "S"}, {"COS", "CNS", "CS"}
    assert found == {canonical(s) for s in ends | middles}


def test_an_atom_is_replaced_put_into_a_bond_or_added(rng):
    found = {canonical(recombine.change_atom(mol("CC"), [8], rng)) for _ in WAYS}
    assert found == {"CO", "COC", "CCO"}
    # In a ring the replacement is aromatic, and nothing is put into its bonds.
    found = {recombine.change_atom(mol("c1ccccc1"), [7], rng) for _ in WAYS} - {None}
    assert {canonical(s) for s in found} == {"c1ccncc1", "Nc1ccccc1"}


def test_bonds_change_order_and_rings_open_and_close(rng):
    found = {canonical(recombine.change_bond(mol("CCC"), rng)) for _ in WAYS}
    assert found == {None, "CCC", "C=CC", "C#CC", "C1CC1"}
    found = {recombine.change_bond(mol("C1CCC1"), rng) for _ in WAYS}
    assert {"CCCC", "C1=CCC1"} <= {canonical(s) for s in found if s and mol(s)}


def test_what_cannot_be_cut_is_not(rng):
    ring, ethane = mol("c1ccccc1"), mol("CC")
    assert recombine.join(ring, ethane, rng) is None
    assert recombine.insert(ring, mol("CCC"), rng) is None
    assert recombine.insert(ethane, ethane, rng) is None  # one cut has no part between two
    assert recombine.repeat(ring, 4, rng) is recombine.repeat(ethane, 4, rng) is None
    assert recombine.leave_out(ring, rng) is None
    assert recombine.change_bond(mol("C"), rng) is None
    assert recombine.children([], rng) == []
    assert set(recombine.children(["C"] * 50, rng)) <= {"C", "CC"}
