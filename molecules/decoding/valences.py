"""Largest valences of atoms, found by RDKit's own sanitisation."""

from __future__ import annotations

from functools import cache

CARBON = 4
MOST_BONDS = 8
MOST_HYDROGENS = 4
LARGEST_CHARGE = 2
"""What is written inside brackets stays within these; real molecules do."""
_HALOGENS = {"F", "Cl", "Br", "I"}
"""One bond only: RDKit rewrites hypervalent iodine, and refuses some of what it has rewritten."""
_AROMATIC = {"b": 3, "c": 3, "n": 3, "o": 2, "p": 3, "s": 2, "se": 2, "te": 2, "as": 3}
_AROMATIC_CATIONS = {"n": 3, "o": 3, "s": 3, "se": 3, "te": 3, "c": 3, "p": 3}
_AROMATIC_ANIONS = {"n": 2, "c": 3, "p": 2}


@cache
def organic_valence(symbol: str) -> int:
    """Largest sum of bond orders of an atom written without brackets; -1 if that is no atom.

    RDKit fills what is missing with hydrogens. For aromatic atoms see `bracket_valence`.
    """
    if symbol in _AROMATIC:
        return _AROMATIC[symbol]
    return 1 if symbol in _HALOGENS else _largest(symbol)


@cache
def bracket_valence(symbol: str, hydrogens: int, charge: int) -> int:
    """Largest sum of bond orders of `[symbol Hn charge]` besides its hydrogens; -1 if refused.

    An aromatic atom is counted with one for each bond, also for a double bond that leaves the
    ring: necessary, but not enough for RDKit to find its double bonds.
    """
    if hydrogens > MOST_HYDROGENS or abs(charge) > LARGEST_CHARGE:
        return -1
    if symbol in _AROMATIC:
        table = {0: _AROMATIC, 1: _AROMATIC_CATIONS, -1: _AROMATIC_ANIONS}.get(charge, {})
        return max(-1, table.get(symbol, -1) - hydrogens)
    if symbol in _HALOGENS and charge == 0:
        return max(-1, 1 - hydrogens)
    written_hydrogens = f"H{hydrogens}" if hydrogens else ""
    written_charge = f"{charge:+d}" if charge else ""
    return _largest(f"[{symbol}{written_hydrogens}{written_charge}]")


def is_aromatic(symbol: str) -> bool:
    """Whether the symbol of an atom is an aromatic one, in lower case."""
    return symbol in _AROMATIC


def _largest(atom: str) -> int:
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        for bonds in range(MOST_BONDS + 1):
            if Chem.MolFromSmiles(atom + "(C)" * bonds) is None:
                return bonds - 1
    return MOST_BONDS
