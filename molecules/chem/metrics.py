"""How good a sample of molecules is: validity, uniqueness, novelty, diversity and scaffolds.

The definitions are those of MOSES (Polykovskiy et al. 2020).
"""

from __future__ import annotations

from collections.abc import Container, Sequence

import numpy as np
from rdkit import DataStructs
from rdkit.Chem import MolToSmiles
from rdkit.Chem.Scaffolds import MurckoScaffold

from gmae_tf.errors import UserError
from molecules.chem.penalized import Mol
from molecules.chem.properties import fingerprint, parse

MOSES_BITS = 1024
MOST_COMPARED = 1_000
"""Molecules of which all pairs are compared; more are sampled."""


def summarise(
    smiles: Sequence[str | None],
    known: Container[str],
    rng: np.random.Generator | None = None,
) -> dict[str, float | int]:
    """Numbers about N decoded SMILES; None counts as not valid.

    Parameters
    ----------
    known : canonical SMILES of the training data, a set or a `StringSet`.
    rng : for the choice of molecules that are compared; a fixed one by default.

    Returns
    -------
    `sampled` (N), `valid` (share of N), `unique` (distinct molecules, share of the valid),
    `novel` (not known, share of the distinct), `diversity` (`internal_diversity` of the valid) and
    `scaffolds` (how many distinct); a share of nothing is NaN.
    """
    mols = [mol for mol in map(_parsed, smiles) if mol is not None]
    distinct = dict.fromkeys(MolToSmiles(mol) for mol in mols)
    return {
        "sampled": len(smiles),
        "valid": _share(len(mols), len(smiles)),
        "unique": _share(len(distinct), len(mols)),
        "novel": _share(sum(text not in known for text in distinct), len(distinct)),
        "diversity": internal_diversity(mols, rng),
        "scaffolds": len(scaffolds(mols)),
    }


def internal_diversity(mols: Sequence[Mol], rng: np.random.Generator | None = None) -> float:
    """1 - mean Tanimoto similarity over all ordered pairs, each with itself too; NaN for none.

    IntDiv1 of MOSES, on Morgan fingerprints of radius 2 and 1,024 bits.  Of more than
    MOST_COMPARED molecules that many are drawn with `rng`, by default one of seed 0.
    """
    if not mols:
        return float("nan")
    chosen: Sequence[Mol] = mols
    if len(mols) > MOST_COMPARED:
        rng = np.random.default_rng(0) if rng is None else rng
        chosen = [mols[i] for i in rng.choice(len(mols), MOST_COMPARED, replace=False)]
    prints = [fingerprint(mol, MOSES_BITS) for mol in chosen]
    rows = [np.mean(DataStructs.BulkTanimotoSimilarity(one, prints)) for one in prints]
    return 1.0 - float(np.mean(rows))


def scaffolds(mols: Sequence[Mol]) -> set[str]:
    """Distinct Bemis-Murcko scaffolds (rings and what links them); none of acyclic molecules."""
    return {text for mol in mols if (text := MurckoScaffold.MurckoScaffoldSmiles(mol=mol))}


def _parsed(smiles: str | None) -> Mol | None:
    try:
        return None if smiles is None else parse(smiles)
    except UserError:
        return None


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
