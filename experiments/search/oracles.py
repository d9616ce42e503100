"""Objectives of the benchmark of Brown et al. 2019 (GuacaMol) that RDKit alone computes.

Each is a function of one SMILES, in [0, 1], higher is better: `oracle("perindopril_mpo")(smiles)`.
Similarities are Tanimoto's of counts: ECFP and FCFP are Morgan fingerprints (radius 2 or 3, of
atoms or of features), AP atom pairs at most 10 bonds apart.  Values of the package guacamol 0.5.5
are in tests/experiments/search/test_oracles.py.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import cache
from typing import Any

from rdkit import Chem, DataStructs, rdBase
from rdkit.Chem import rdFingerprintGenerator, rdMolDescriptors

from gmae_tf.errors import UserError
from molecules.chem.penalized import logp

Mol = Chem.Mol
Score = Callable[[Mol], float]
Link = Callable[[float], float]

GENERATORS: dict[str, Any] = {
    "ECFP4": rdFingerprintGenerator.GetMorganGenerator(radius=2),
    "ECFP6": rdFingerprintGenerator.GetMorganGenerator(radius=3),
    "FCFP4": rdFingerprintGenerator.GetMorganGenerator(
        radius=2, atomInvariantsGenerator=rdFingerprintGenerator.GetMorganFeatureAtomInvGen()
    ),
    "AP": rdFingerprintGenerator.GetAtomPairGenerator(maxDistance=10),
}
OSIMERTINIB = "COc1cc(N(C)CCN(C)C)c(NC(=O)C=C)cc1Nc2nccc(n2)c3cn(C)c4ccccc34"
PERINDOPRIL = "O=C(OCC)C(NC(C(=O)N1C(C(=O)O)CC2CCCCC12)C)CCC"
AMLODIPINE = r"Clc1ccccc1C2C(=C(/N/C(=C2/C(=O)OCC)COCCN)C)\C(=O)OC"
RANOLAZINE = "COc1ccccc1OCC(O)CN2CCN(CC(=O)Nc3c(C)cccc3C)CC2"
SITAGLIPTIN = "Fc1cc(c(F)cc1F)CC(N)CC(=O)N3Cc2nnc(n2CC3)C(F)(F)F"
ZALEPLON = "O=C(C)N(CC)C1=CC=CC(C2=CC=NC3=C(C=NN23)C#N)=C1"
CELECOXIB = "CC1=CC=C(C=C1)C1=CC(=NN1C1=CC=C(C=C1)S(N)(=O)=O)C(F)(F)F"
MESTRANOL = "COc1ccc2[C@H]3CC[C@@]4(C)[C@@H](CC[C@@]4(O)C#C)[C@@H]3CCc2c1"
CAMPHOR, MENTHOL = "CC1(C)C2CCC1(C)C(=O)C2", "CC(C)C1CCC(C)CC1O"


def gaussian(centre: float, width: float) -> Link:
    """exp(-(x - centre)^2 / (2 width^2))."""
    return lambda x: math.exp(-0.5 * ((x - centre) / width) ** 2)


def at_most(bound: float, width: float) -> Link:
    """1 up to the bound, Gaussian beyond."""
    return lambda x: gaussian(bound, width)(max(x, bound))


def at_least(bound: float, width: float) -> Link:
    """1 from the bound, Gaussian below."""
    return lambda x: gaussian(bound, width)(min(x, bound))


def up_to(bound: float) -> Link:
    """x / bound, at most 1."""
    return lambda x: min(max(x / bound, 0.0), 1.0)


def similarity(smiles: str, kind: str) -> Score:
    """Tanimoto similarity of count fingerprints to a molecule."""
    generator = GENERATORS[kind]
    reference = generator.GetSparseCountFingerprint(Chem.MolFromSmiles(smiles))
    return lambda mol: float(
        DataStructs.TanimotoSimilarity(generator.GetSparseCountFingerprint(mol), reference)
    )


def through(score: Score, link: Link) -> Score:
    """A number of a molecule through a link."""
    return lambda mol: link(score(mol))


def geometric(*scores: Score) -> Score:
    """Geometric mean."""
    return lambda mol: math.prod(score(mol) for score in scores) ** (1 / len(scores))


def atoms(element: str) -> Score:
    """Number of atoms of an element, hydrogen included."""
    if element == "H":
        return lambda mol: sum(atom.GetTotalNumHs() for atom in mol.GetAtoms())
    return lambda mol: sum(atom.GetSymbol() == element for atom in mol.GetAtoms())


def formula(text: str) -> Score:
    """Nearness to a molecular formula: each element, and all atoms together."""
    wanted = [(e, int(n or 1)) for e, n in re.findall("([A-Z][a-z]?)([0-9]*)", text)]
    parts = [through(atoms(element), gaussian(n, 1.0)) for element, n in wanted]
    total = gaussian(sum(n for _, n in wanted), 2.0)
    return geometric(*parts, lambda mol: total(mol.GetNumAtoms() + atoms("H")(mol)))


def tpsa(mol: Mol) -> float:
    """Topological polar surface area, square angstrom."""
    return float(rdMolDescriptors.CalcTPSA(mol))


def _sitagliptin() -> Score:
    mol = Chem.MolFromSmiles(SITAGLIPTIN)
    return geometric(
        through(similarity(SITAGLIPTIN, "ECFP4"), gaussian(0.0, 0.1)),
        through(logp, gaussian(logp(mol), 0.2)),
        through(tpsa, gaussian(tpsa(mol), 5.0)),
        formula("C16H15F6N5O"),
    )


ORACLES: dict[str, Callable[[], Score]] = {
    "perindopril_mpo": lambda: geometric(
        similarity(PERINDOPRIL, "ECFP4"),
        through(rdMolDescriptors.CalcNumAromaticRings, gaussian(2, 0.5)),
    ),
    "osimertinib_mpo": lambda: geometric(
        through(similarity(OSIMERTINIB, "FCFP4"), up_to(0.8)),
        through(similarity(OSIMERTINIB, "ECFP6"), at_most(0.85, 0.1)),
        through(tpsa, at_least(100, 10)),
        through(logp, at_most(1, 1)),
    ),
    "amlodipine_mpo": lambda: geometric(
        similarity(AMLODIPINE, "ECFP4"),
        through(rdMolDescriptors.CalcNumRings, gaussian(3, 0.5)),
    ),
    "ranolazine_mpo": lambda: geometric(
        through(similarity(RANOLAZINE, "AP"), up_to(0.7)),
        through(logp, at_least(7, 1)),
        through(atoms("F"), gaussian(1, 1)),
        through(tpsa, at_least(95, 20)),
    ),
    "sitagliptin_mpo": _sitagliptin,
    "zaleplon_mpo": lambda: geometric(similarity(ZALEPLON, "ECFP4"), formula("C19H17N3O2")),
    "celecoxib_rediscovery": lambda: similarity(CELECOXIB, "ECFP4"),
    "median1": lambda: geometric(similarity(MENTHOL, "ECFP4"), similarity(CAMPHOR, "ECFP4")),
    "mestranol_similarity": lambda: through(similarity(MESTRANOL, "AP"), up_to(0.75)),
    "isomers_c9h10n2o2pf2cl": lambda: formula("C9H10N2O2PF2Cl"),
}


@cache
def oracle(name: str) -> Callable[[str], float]:
    """The objective of this name, a function of one SMILES; 0 for what is no molecule.

    Raises
    ------
    UserError: there is no such objective.
    """
    if name not in ORACLES:
        raise UserError(f"there is no objective {name!r}: use one of {', '.join(ORACLES)}.")
    score = ORACLES[name]()

    def value(smiles: str) -> float:
        with rdBase.BlockLogs():
            mol = Chem.MolFromSmiles(smiles)
        return 0.0 if mol is None else float(score(mol))

    return value
