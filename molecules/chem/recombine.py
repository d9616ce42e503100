"""New molecules from known ones: parts of their graphs joined, repeated or left out, atoms changed.

Crossover at bonds outside rings and mutations of atoms and bonds are those of genetic algorithms on
graphs (Jensen 2019); a part may also be repeated at once as often as in a polymer.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from rdkit import Chem, rdBase

from molecules.chem.penalized import Mol

Bond = tuple[int, int]

LINK = Chem.MolFromSmarts("[!#1]-;!@[!#1]")
"""A bond at which a molecule may be cut: a single one outside rings."""
MOST_DOUBLINGS = 5
"""A part is repeated up to 2 to the power of this."""
RING_SIZES = range(3, 8)
"""Atoms of a ring that a new bond closes."""


def children(
    parents: Sequence[str], rng: np.random.Generator, most: int | None = None
) -> list[str]:
    """Canonical SMILES of children of SMILES [N], at most one of each and another parent.

    None has more than `most` heavy atoms, and none has a kind of atom (element, charge, valence)
    that no parent has: nobody knows what it does, and RDKit accepts more than chemists do.
    """
    molecules = [_read(smiles) for smiles in parents]
    usual = set().union(*map(_kinds_of, parents))
    elements = sorted({element for element, _, _ in usual})
    found = []
    with rdBase.BlockLogs():
        for mol in molecules:
            other = molecules[rng.integers(len(molecules))]
            text = _child(mol, other, elements, rng, most)
            child = None if text is None else Chem.MolFromSmiles(text)
            if child is None or (most is not None and child.GetNumHeavyAtoms() > most):
                continue
            if usual.issuperset(_kinds(child)):
                found.append(str(Chem.MolToSmiles(child)))
    return found


def _child(
    mol: Mol, other: Mol, elements: list[int], rng: np.random.Generator, most: int | None
) -> str | None:
    """A SMILES that may be no molecule's; None where the way that was drawn leads nowhere."""
    way = rng.integers(7)
    if way < 2:
        return join(mol, other, rng)
    if way == 2:
        return insert(mol, other, rng)
    if way == 3:
        return repeat(mol, 2 ** int(rng.integers(MOST_DOUBLINGS + 1)), rng, most)
    if way == 4:
        return leave_out(mol, rng)
    if way == 5:
        return change_atom(mol, elements, rng)
    return change_bond(mol, rng)


def join(one: Mol, other: Mol, rng: np.random.Generator) -> str | None:
    """A part of each, joined at the bonds where they were cut."""
    cuts = [*_links(one, 1, rng), *_links(other, 1, rng)]
    if len(cuts) < 2:
        return None
    (a, b), (c, d) = cuts
    graph, shift = Chem.RWMol(one), one.GetNumAtoms()
    graph.InsertMol(other)
    graph.RemoveBond(a, b)
    graph.RemoveBond(c + shift, d + shift)
    graph.AddBond(a, c + shift, Chem.BondType.SINGLE)
    return _part(graph, a)


def insert(one: Mol, other: Mol, rng: np.random.Generator) -> str | None:
    """`one` with the part between two cuts of `other` in one of its bonds."""
    return _inserted(one, other, _links(other, 2, rng), 1, rng)


def repeat(mol: Mol, copies: int, rng: np.random.Generator, most: int | None = None) -> str | None:
    """`mol` with a chain of copies of a part of it in one of its bonds.

    As many copies as make no more than `most` atoms.  Every other part is one link of a chain, an
    atom and what hangs on it: of the parts between any two cuts these are few.
    """
    ends = _links(mol, 2, rng) if rng.random() < 0.5 else _one_link(mol, rng)
    return _inserted(mol, mol, ends, copies, rng, most)


def _inserted(
    one: Mol,
    other: Mol,
    ends: list[Bond],
    copies: int,
    rng: np.random.Generator,
    most: int | None = None,
) -> str | None:
    """`one` with copies of what lies between two cuts of `other` in one of its bonds."""
    cut = _links(one, 1, rng)
    if not cut or not ends:
        return None
    graph, part, (last, end) = Chem.RWMol(one), Chem.RWMol(other), cut[0]
    left, right = _only(part, _between(part, ends))
    if most is not None:
        copies = max(min(copies, (most - one.GetNumAtoms()) // part.GetNumAtoms()), 1)
    graph.RemoveBond(last, end)
    for _ in range(copies):
        shift = graph.GetNumAtoms()
        graph.InsertMol(part)
        graph.AddBond(last, left + shift, Chem.BondType.SINGLE)
        last = right + shift
    graph.AddBond(last, end, Chem.BondType.SINGLE)
    return _part(graph, end)


def leave_out(mol: Mol, rng: np.random.Generator) -> str | None:
    """`mol` without the part between two cuts, or without what lies behind one."""
    graph, ends = Chem.RWMol(mol), _links(mol, int(rng.integers(1, 3)), rng)
    if not ends:
        return None
    if len(ends) == 1:
        graph.RemoveBond(*ends[0])
        return _part(graph, ends[0][0])
    inner = _between(graph, ends)
    start, end = (sum(bond) - inside for bond, inside in zip(ends, inner, strict=True))
    graph.AddBond(start, end, Chem.BondType.SINGLE)
    return _part(graph, start)


def change_atom(mol: Mol, elements: list[int], rng: np.random.Generator) -> str | None:
    """`mol` with one of the elements in place of an atom, in a bond, or at the end of a new one."""
    graph, new = Chem.RWMol(mol), Chem.Atom(elements[rng.integers(len(elements))])
    way = rng.integers(3)
    if way == 0:
        cut = _links(mol, 1, rng)
        if not cut:
            return None
        graph.RemoveBond(*cut[0])
        place = graph.AddAtom(new)
        for end in cut[0]:
            graph.AddBond(place, end, Chem.BondType.SINGLE)
        return _part(graph, place)
    place = int(rng.integers(graph.GetNumAtoms()))
    atom = graph.GetAtomWithIdx(place)
    if way == 1:
        new.SetIsAromatic(atom.GetIsAromatic())
        graph.ReplaceAtom(place, new)
    elif atom.GetTotalNumHs():
        graph.AddBond(place, graph.AddAtom(new), Chem.BondType.SINGLE)
        atom.SetNumExplicitHs(max(atom.GetNumExplicitHs() - 1, 0))
    return _part(graph, place)


def change_bond(mol: Mol, rng: np.random.Generator) -> str | None:
    """`mol` with a bond of another order, or with a ring opened or closed."""
    graph = Chem.RWMol(mol)
    Chem.Kekulize(graph, clearAromaticFlags=True)
    start = int(rng.integers(graph.GetNumAtoms()))
    if rng.random() < 0.5:
        distance = Chem.GetDistanceMatrix(mol)[start]
        ends = np.flatnonzero(np.isin(distance + 1, RING_SIZES))
        if not len(ends):
            return None
        graph.AddBond(start, int(ends[rng.integers(len(ends))]), Chem.BondType.SINGLE)
        return _part(graph, start)
    bonds = graph.GetAtomWithIdx(start).GetBonds()
    if not bonds:
        return None
    bond = bonds[rng.integers(len(bonds))]
    order = int(rng.integers(4))
    if order:
        bond.SetBondType(Chem.BondType.values[order])
    elif bond.IsInRing():
        graph.RemoveBond(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())
    return _part(graph, start)


@lru_cache(maxsize=10_000)
def _read(smiles: str) -> Mol:
    return Chem.MolFromSmiles(smiles)


@lru_cache(maxsize=10_000)
def _kinds_of(smiles: str) -> set[tuple[int, int, int]]:
    return _kinds(_read(smiles))


def _kinds(mol: Mol) -> set[tuple[int, int, int]]:
    return {(a.GetAtomicNum(), a.GetFormalCharge(), a.GetTotalValence()) for a in mol.GetAtoms()}


def _links(mol: Mol, n: int, rng: np.random.Generator) -> list[Bond]:
    """n different bonds to cut, in random order and direction; none if there are fewer."""
    bonds = mol.GetSubstructMatches(LINK)
    if len(bonds) < n:
        return []
    chosen = [bonds[i] for i in rng.choice(len(bonds), n, replace=False)]
    return [bond if rng.random() < 0.5 else bond[::-1] for bond in chosen]


def _one_link(mol: Mol, rng: np.random.Generator) -> list[Bond]:
    """Two bonds to cut that have an atom in common; none if there are no such."""
    bonds = _links(mol, len(mol.GetSubstructMatches(LINK)), rng)
    for i, bond in enumerate(bonds):
        for other in bonds[:i]:
            if set(bond) & set(other):
                return [bond, other]
    return []


def _between(graph: Mol, cuts: Sequence[Bond]) -> Bond:
    """Cut two bonds outside rings; returns the ends of the part between them."""
    for cut in cuts:
        graph.RemoveBond(*cut)
    part = {atom: i for i, atoms in enumerate(Chem.GetMolFrags(graph)) for atom in atoms}
    return next((a, b) for a in cuts[0] for b in cuts[1] if part[a] == part[b])


def _only(graph: Mol, ends: Bond) -> Bond:
    """Keep the part that two atoms belong to; returns their new numbers."""
    kept = sorted(_around(graph, ends[0]))
    graph.BeginBatchEdit()
    for atom in set(range(graph.GetNumAtoms())).difference(kept):
        graph.RemoveAtom(atom)
    graph.CommitBatchEdit()
    return kept.index(ends[0]), kept.index(ends[1])


def _part(graph: Mol, atom: int) -> str:
    """The SMILES of the part of a graph that an atom belongs to."""
    around = _around(graph, atom)
    return str(Chem.MolFragmentToSmiles(graph, atomsToUse=around, canonical=False))


def _around(graph: Mol, atom: int) -> list[int]:
    return list(next(atoms for atoms in Chem.GetMolFrags(graph) if atom in atoms))
