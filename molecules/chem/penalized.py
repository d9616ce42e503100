"""Penalised logP in all its variants, and the two parts that RDKit has no ready function for.

J = (logP - m1) / s1 + (-SA - m2) / s2 + (-max(0, largest ring - 6) - m3) / s3, with means m and
population standard deviations s over a data set (Gómez-Bombarelli et al. 2018; Kusner et al. 2017).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import RDConfig, rdMolDescriptors

from gmae_tf.errors import UserError

Mol = Any
"""An RDKit molecule; RDKit's own types say little to a type checker."""

FREE_RING_SIZE = 6
"""Rings up to this size cost nothing."""


@dataclass(frozen=True)
class Normalisation:
    """Means and standard deviations of (logP, -SA, ring term), each [3]."""

    means: tuple[float, float, float]
    stds: tuple[float, float, float]

    @classmethod
    def of(cls, terms: Iterable[tuple[float, float, float]]) -> Normalisation:
        """That of a data set, from the `terms` of its molecules.

        A term that is the same for every molecule (no large ring, say) is centred, not scaled.

        Raises
        ------
        UserError: there are no terms, or one is not finite.
        """
        table: NDArray[np.float64] = np.array(list(terms), dtype=np.float64)
        if table.ndim != 2 or not np.isfinite(table).all():
            raise UserError("a normalisation needs finite terms of at least one molecule.")
        means, stds = table.mean(axis=0), table.std(axis=0)
        stds[stds < 1e-12] = 1.0
        return cls(tuple(means.tolist()), tuple(stds.tolist()))

    def score(self, mol: Mol) -> float:
        """Penalised logP of a molecule, higher is better."""
        parts = zip(terms(mol), self.means, self.stds, strict=True)
        return sum((value - mean) / std for value, mean, std in parts)


ZINC = Normalisation(
    means=(2.4570953396190123, -3.0525811293166134, -0.0485696876403053),
    stds=(1.434324401111988, 0.8335207024513095, 0.2860212110245455),
)
"""Constants A, of ZINC 250k: JT-VAE, GCPN and most published tables."""
ZINC_B = Normalisation(
    means=(2.45777691, -3.05352042, -0.04861121), stds=(1.43341767, 0.83460587, 0.28746695)
)
"""Constants B, also of ZINC 250k: weighted retraining, LOL-BO and LaMBO."""
RAW = Normalisation(means=(0.0, 0.0, 0.0), stds=(1.0, 1.0, 1.0))
"""No normalisation: logP - SA - ring term, as in MolDQN."""


def terms(mol: Mol) -> tuple[float, float, float]:
    """The three terms that are normalised and summed: logP, -SA, -max(0, largest ring - 6)."""
    ring = -float(max(0, largest_ring(mol) - FREE_RING_SIZE))
    return logp(mol), -synthetic_accessibility(mol), ring


def logp(mol: Mol) -> float:
    """Octanol-water partition by atom contributions, Wildman and Crippen 1999."""
    return float(rdMolDescriptors.CalcCrippenDescriptors(mol)[0])


def largest_ring(mol: Mol) -> int:
    """Atoms of the largest ring among the smallest rings (SSSR); 0 without rings.

    The published code takes the longest cycle of networkx.cycle_basis instead, which depends on
    the order of the atoms: for adamantane it can be 8, though all its smallest rings have 6.  Of
    5,000 molecules of ZINC 250k, 21 differ, most of them bridged.
    """
    return max(map(len, mol.GetRingInfo().AtomRings()), default=0)


def synthetic_accessibility(mol: Mol) -> float:
    """SA score from 1 (easy to make) to 10 (hard), Ertl and Schuffenhauer 2009.

    Hydrogens that are atoms of the molecule are taken away first: the score counts all atoms.
    """
    if mol.GetNumAtoms() > mol.GetNumHeavyAtoms():
        mol = Chem.RemoveHs(mol)
    return float(_sascorer().calculateScore(mol))


@lru_cache(maxsize=1)
def _sascorer() -> ModuleType:
    """RDKit's contributed module, which lies in the package's folder but is no package."""
    path = Path(RDConfig.RDContribDir) / "SA_Score" / "sascorer.py"
    spec = importlib.util.spec_from_file_location("rdkit_contrib_sascorer", path)
    if not path.exists() or spec is None or spec.loader is None:
        raise UserError(
            f"RDKit's SA score is not at {path}: install RDKit with `pip install rdkit`."
        )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
