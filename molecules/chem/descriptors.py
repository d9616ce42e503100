"""Descriptors and Morgan counts of molecules, as targets of prediction heads on latent codes.

logP, SA and QED, and what is computed from Crippen's contributions, are not among them, so the
autoencoder is not trained on the properties that a search optimises.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase
from rdkit.Chem import Descriptors, GraphDescriptors, rdFingerprintGenerator
from rdkit.Chem import rdMolDescriptors as of
from scipy.special import ndtri

from gmae_tf.utils.npz import load_arrays

RADIUS, BITS = 1, 1024
KNOTS = 256
ELEMENTS = (6, 7, 8, 16, 9, 17, 35)
RING_SIZES = (3, 4, 5, 6, 7)

_FUNCTIONS: dict[str, Any] = {
    "weight": Descriptors.MolWt,  # type: ignore[attr-defined]  # missing in RDKit's stubs
    "tpsa": of.CalcTPSA,
    "area": of.CalcLabuteASA,
    "acceptors": of.CalcNumHBA,
    "donors": of.CalcNumHBD,
    "rotatable": of.CalcNumRotatableBonds,
    "amides": of.CalcNumAmideBonds,
    "sp3": of.CalcFractionCSP3,
    "heteroatoms": of.CalcNumHeteroatoms,
    "aromatic_carbocycles": of.CalcNumAromaticCarbocycles,
    "aromatic_heterocycles": of.CalcNumAromaticHeterocycles,
    "saturated_carbocycles": of.CalcNumSaturatedCarbocycles,
    "saturated_heterocycles": of.CalcNumSaturatedHeterocycles,
    "aliphatic_carbocycles": of.CalcNumAliphaticCarbocycles,
    "aliphatic_heterocycles": of.CalcNumAliphaticHeterocycles,
    "spiro": of.CalcNumSpiroAtoms,
    "bridgeheads": of.CalcNumBridgeheadAtoms,
    "stereocentres": of.CalcNumAtomStereoCenters,
    "chi0n": of.CalcChi0n,
    "chi1n": of.CalcChi1n,
    "chi0v": of.CalcChi0v,
    "chi1v": of.CalcChi1v,
    "chi2v": of.CalcChi2v,
    "chi3v": of.CalcChi3v,
    "kappa1": of.CalcKappa1,
    "kappa2": of.CalcKappa2,
    "kappa3": of.CalcKappa3,
    "alpha": of.CalcHallKierAlpha,
    "balaban": lambda mol: min(10.0, GraphDescriptors.BalabanJ(mol)),
}
_COUNTED = ("double", "triple", "charged", "fused", "branching", "terminal")
NAMES = (
    *_FUNCTIONS,
    *(f"atoms_{number}" for number in ELEMENTS),
    *(f"rings_{size}" for size in RING_SIZES),
    "rings_larger",
    *_COUNTED,
)
"""The descriptors, in the order of `describe`."""
COMPONENTS = 128
TARGETS = len(NAMES) + COMPONENTS
"""How many targets `HeadTargets` has of a large enough set."""
_morgan = rdFingerprintGenerator.GetMorganGenerator(radius=RADIUS, fpSize=BITS)


def describe(smiles: str) -> NDArray[np.float32]:
    """Descriptors [len(NAMES)] of a SMILES; not a number where RDKit has none."""
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(smiles)
    if mol is None:
        return np.full(len(NAMES), np.nan, np.float32)
    values = [float(function(mol)) for function in _FUNCTIONS.values()]
    atoms = list(mol.GetAtoms())
    numbers = [atom.GetAtomicNum() for atom in atoms]
    values += [numbers.count(number) for number in ELEMENTS]
    rings = mol.GetRingInfo()
    sizes = [len(ring) for ring in rings.AtomRings()]
    values += [sizes.count(size) for size in RING_SIZES]
    values.append(sum(size > RING_SIZES[-1] for size in sizes))
    orders = [bond.GetBondType() for bond in mol.GetBonds()]
    values += [
        orders.count(Chem.BondType.DOUBLE),
        orders.count(Chem.BondType.TRIPLE),
        sum(atom.GetFormalCharge() != 0 for atom in atoms),
        sum(rings.NumAtomRings(i) > 1 for i in range(len(atoms))),
        sum(atom.GetDegree() > 2 for atom in atoms),
        sum(atom.GetDegree() == 1 for atom in atoms),
    ]
    return np.asarray(values, np.float32)


def morgan_counts(smiles: str) -> NDArray[np.uint8]:
    """Counts of Morgan environments of radius 1 [BITS], hashed."""
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(smiles)
    if mol is None:
        return np.zeros(BITS, np.uint8)
    return np.minimum(_morgan.GetCountFingerprintAsNumPy(mol), 255).astype(np.uint8)


class HeadTargets:
    """Standardised targets of heads, by descriptors and counts of a training set; `fit` it first.

    A descriptor becomes the normal score of its rank in the training set; log(1 + counts) become
    their first principal components, divided by one number so that together they weigh as much as
    the descriptors.
    """

    def __init__(self, knots: Any, scores: Any, centre: Any, axes: Any) -> None:
        self.knots, self.scores = np.asarray(knots), np.asarray(scores)
        self.centre, self.axes = np.asarray(centre), np.asarray(axes)

    @classmethod
    def fit(
        cls, descriptors: NDArray[Any], counts: NDArray[Any], components: int = COMPONENTS
    ) -> HeadTargets:
        """Of descriptors [N, K] and counts [N, BITS] of training molecules."""
        shares = np.linspace(0.0, 1.0, KNOTS)
        tables = [_normal_scores(column, shares) for column in descriptors.T]
        x = np.log1p(counts.astype(np.float32))
        centre = x.mean(axis=0)
        _, vectors = np.linalg.eigh(np.cov(x, rowvar=False))
        axes = vectors[:, ::-1][:, :components]
        spread = np.sqrt(np.square((x - centre) @ axes).sum(axis=1).mean() / len(tables))
        knots, scores = (np.stack(part).astype(np.float32) for part in zip(*tables, strict=True))
        return cls(knots, scores, centre, (axes / spread).astype(np.float32))

    @property
    def size(self) -> int:
        """Targets of a molecule."""
        return len(self.knots) + self.axes.shape[1]

    def __call__(self, descriptors: NDArray[Any], counts: NDArray[Any]) -> NDArray[np.float32]:
        """Targets [N, size]."""
        descriptors = np.nan_to_num(descriptors)
        ranked = [
            np.interp(column, knots, scores)
            for column, knots, scores in zip(descriptors.T, self.knots, self.scores, strict=True)
        ]
        scores = np.stack(ranked, axis=1)
        return np.concatenate([scores, self.project(counts)], axis=1).astype(np.float32)

    def project(self, counts: NDArray[Any], at_once: int = 20_000) -> NDArray[np.float32]:
        """Scaled principal components [N, P] of counts [N, BITS]."""
        parts = [
            (np.log1p(counts[i : i + at_once].astype(np.float32)) - self.centre) @ self.axes
            for i in range(0, len(counts), at_once)
        ]
        return np.concatenate(parts)

    def of(self, smiles: Sequence[str]) -> NDArray[np.float32]:
        """Targets [N, size] of SMILES."""
        described = np.stack([describe(text) for text in smiles])
        return self(described, np.stack([morgan_counts(text) for text in smiles]))

    def save(self, path: Path) -> None:
        """As .npz."""
        np.savez_compressed(
            path, knots=self.knots, scores=self.scores, centre=self.centre, axes=self.axes
        )

    @classmethod
    def load(cls, path: Path) -> HeadTargets:
        """What `save` wrote."""
        arrays = load_arrays(path)
        return cls(*(arrays[name] for name in ("knots", "scores", "centre", "axes")))


def _normal_scores(values: NDArray[Any], shares: NDArray[Any]) -> tuple[Any, Any]:
    """Knots (increasing values) and their normal scores, of variance 1 over the values."""
    ordered = np.sort(values)
    knots = np.unique(np.quantile(ordered, shares))
    middle = (np.searchsorted(ordered, knots) + np.searchsorted(ordered, knots, "right")) / 2
    scores = ndtri(np.clip(middle / len(ordered), 0.5 / len(ordered), 1 - 0.5 / len(ordered)))
    scores = np.clip(scores, -3.0, 3.0)
    found = np.interp(values, knots, scores)
    scores = (scores - found.mean()) / max(float(found.std()), 0.05)
    more = KNOTS - len(knots)  # the last knot again, which interpolation does not mind
    return np.pad(knots, (0, more), mode="edge"), np.pad(scores, (0, more), mode="edge")
