"""Sizes of the rings of molecules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rdkit import Chem

USUAL = 1 / 200
"""A size is usual if at least this share of the molecules has such a ring."""
COUNTED = 20_000


def usual_ring_sizes(smiles: Sequence[str]) -> list[int]:
    """Sizes of smallest rings (SSSR) that at least one of 200 molecules has, in order.

    Of more than 20,000 molecules an even choice is counted.  ZINC 250k has rings of 3 to 7 atoms;
    8 atoms are in 1 of 500 molecules.

    >>> usual_ring_sizes(["C1CC1C2CCCCC2", "CCO"])
    [3, 6]
    """
    chosen = smiles[:: 1 + (len(smiles) - 1) // COUNTED]
    found: Counter[int] = Counter()
    for text in chosen:
        mol = Chem.MolFromSmiles(text, sanitize=False)
        found.update({len(ring) for ring in Chem.GetSymmSSSR(mol)})
    return sorted(size for size, count in found.items() if count >= USUAL * len(chosen))
