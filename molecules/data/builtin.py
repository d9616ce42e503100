"""Molecules that the project makes itself, so that every command also runs without data.

Known drugs (`drugs.smi`) are cut at the bonds that BRICS (Degen et al. 2008) calls synthetically
accessible, and the pieces are joined again at random, along BRICS pairs only.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from rdkit import Chem, rdBase
from rdkit.Chem import BRICS

from gmae_tf.errors import UserError

MIN_ATOMS, MAX_ATOMS = 10, 38
"""Heavy atoms of the molecules made; ZINC 250k has 6 to 38."""
_MEAN_ATOMS, _SPREAD = 23.0, 5.0  # about those of ZINC 250k
_NO_HYDROGEN = {1, 6, 11, 12}  # acids, thioethers, sulfones: an H there makes an odd compound
_LARGEST_PIECE = 16
_TRIES = 200  # refused molecules in a row (of several in ten) before giving up


@dataclass(frozen=True, eq=False)
class Piece:
    """A fragment of a drug whose open ends are dummy atoms; one of them is marked for joining."""

    mol: Any
    heavy: int
    ends: int


def read_drugs() -> dict[str, str]:
    """Names and canonical SMILES of the known drugs and simple compounds in the package."""
    lines = (Path(__file__).parent / "drugs.smi").read_text(encoding="utf-8").splitlines()
    return {name: smiles for smiles, name in (line.split("\t") for line in lines)}


def builtin_molecules(n: int = 5000, seed: int = 0) -> list[str]:
    """`n` different drug-like molecules in canonical SMILES, all in the `smiles` grammar.

    They have 10 to 38 heavy atoms and depend on `seed` only; the first of a longer list are the
    same.

    Raises
    ------
    UserError: n is below 1, or beyond what the fragments give.
    """
    if n < 1:
        raise UserError(f"n is {n}: ask for at least one molecule.")
    rng = np.random.default_rng(seed)
    found: dict[str, None] = {}
    refused = 0
    with rdBase.BlockLogs():
        while len(found) < n:
            smiles = _grow(rng)
            if smiles is None or smiles in found:
                refused += 1
                if refused > _TRIES:
                    raise UserError(f"only {len(found)} molecules could be made: ask for fewer.")
                continue
            refused = 0
            found[smiles] = None
    return list(found)


def _grow(rng: np.random.Generator) -> str | None:
    """Join pieces until about the wanted size, close what is open; None if it did not work out."""
    starts, partners = _pieces()
    wanted = float(np.clip(rng.normal(_MEAN_ATOMS, _SPREAD), MIN_ATOMS, MAX_ATOMS))
    mol = Chem.Mol(starts[rng.integers(len(starts))].mol)
    heavy = _heavy(mol)
    while ends := [atom for atom in mol.GetAtoms() if atom.GetAtomicNum() == 0]:
        end = ends[rng.integers(len(ends))]
        piece = _choose(partners[end.GetIsotope()], wanted - heavy, len(ends), rng)
        if piece is not None:
            end.SetAtomMapNum(1)
            mol = Chem.molzip(mol, piece.mol)
            heavy += piece.heavy
        elif end.GetIsotope() in _NO_HYDROGEN:
            return None
        else:
            end.SetAtomicNum(1)
            end.SetIsotope(0)
    if not MIN_ATOMS <= heavy <= MAX_ATOMS:
        return None
    return _canonical(mol)


def _choose(pieces: list[Piece], room: float, ends: int, rng: np.random.Generator) -> Piece | None:
    """A random piece that fits into `room` heavy atoms, and does not open ends without need."""
    for _ in range(8):
        piece = pieces[rng.integers(len(pieces))]
        if piece.heavy <= room + 2 and (piece.ends == 1 or (ends == 1 and room > 10)):
            return piece
    return None


def _canonical(mol: Any) -> str | None:
    """Canonical SMILES of a joined molecule, None if RDKit or the grammar does not accept it."""
    try:
        smiles = Chem.MolToSmiles(Chem.RemoveHs(mol))
    except Chem.MolSanitizeException:
        return None
    read = Chem.MolFromSmiles(smiles)  # marks of centres that are none any more go
    if read is None:
        return None
    smiles = Chem.MolToSmiles(read)
    # The drugs are in the grammar, so all that joining them can add is a ninth open ring.
    return None if set("09%") & set(smiles) else smiles


@cache
def _pieces() -> tuple[list[Piece], dict[int, list[Piece]]]:
    """Pieces to start from, and for each BRICS label those that may be joined to it."""
    mols = {}
    for smiles in read_drugs().values():
        broken = BRICS.BreakBRICSBonds(Chem.MolFromSmiles(smiles))
        for part in Chem.GetMolFrags(broken, asMols=True):
            mols[Chem.MolToSmiles(part)] = part
    starts: list[Piece] = []
    by_label: dict[int, list[Piece]] = {}
    for _, mol in sorted(mols.items()):
        ends = [atom.GetIdx() for atom in mol.GetAtoms() if atom.GetAtomicNum() == 0]
        labels = {mol.GetAtomWithIdx(i).GetIsotope() for i in ends}
        if not ends or 7 in labels or _heavy(mol) > _LARGEST_PIECE:  # 7: a double bond was cut
            continue
        starts.append(Piece(mol, _heavy(mol), len(ends)))
        for i in ends:
            marked = Chem.Mol(mol)
            marked.GetAtomWithIdx(i).SetAtomMapNum(1)
            label = marked.GetAtomWithIdx(i).GetIsotope()
            by_label.setdefault(label, []).append(Piece(marked, _heavy(mol), len(ends)))
    partners = {
        label: [piece for other in sorted(_partners(label)) for piece in by_label.get(other, [])]
        for label in by_label
    }
    return starts, partners


def _partners(label: int) -> set[int]:
    """BRICS labels that may be bonded to `label` by a single bond."""
    pairs = [
        (int(a), int(b))
        for reactions in BRICS.reactionDefs
        for a, b, bond in reactions
        if bond == "-"
    ]
    return {b for a, b in pairs if a == label} | {a for a, b in pairs if b == label}


def _heavy(mol: Any) -> int:
    """Heavy atoms, open ends not counted."""
    return sum(atom.GetAtomicNum() > 1 for atom in mol.GetAtoms())
