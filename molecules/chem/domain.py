"""Domain of applicability of molecules: a box of Morgan environment counts, structural alerts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rdkit.Chem import rdFingerprintGenerator

from gmae_tf.errors import UserError
from gmae_tf.utils.bundle import readable
from gmae_tf.utils.files import atomic_path
from gmae_tf.utils.npz import load_arrays
from gmae_tf.utils.parallel import map_chunks
from molecules.chem.penalized import Mol
from molecules.chem.properties import alerts as alerts_of
from molecules.chem.properties import parse

FILE = "domain.npz"
"""Beside a saved model: the domain of its training molecules."""
_ENVIRONMENTS = rdFingerprintGenerator.GetMorganGenerator(radius=1, includeChirality=False)


@dataclass(frozen=True, eq=False)
class Domain:
    """Applicability domain of a set of molecules: sizes, rings, atom environments and alerts of it.

    A range-based domain (Jaworska et al. 2005) on count fingerprints: a molecule lies inside if its
    heavy atoms are within the range of the set's, its rings are of sizes that occur in the set, and
    each of its atom environments (Morgan, radius 0 and 1, not hashed) occurs in the set, at most as
    often in one molecule as there.  So a chain of thirty atoms is outside where no molecule of the
    set repeats its link thirty times.  Nor may it have a structural alert (PAINS, BRENK) that is
    not allowed.

    Attributes
    ----------
    identifiers, most : environments [E], ascending, and the largest count of each in one molecule.
    atoms : least and greatest number of heavy atoms.
    rings : sizes of rings, of the smallest set of smallest rings.
    alerts : names of the structural alerts that are allowed.

    Examples
    --------
    >>> from molecules.chem.domain import Domain
    >>> domain = Domain.of(["CCCO", "CCO", "c1ccccc1C"])
    >>> domain.contains(["CCCO", "CCCCCO", "CCSSC"]).tolist()
    [True, False, False]
    >>> domain.violations("CCSSC")[0]
    'has an atom environment that no known molecule has, around S'
    """

    identifiers: NDArray[np.uint32]
    most: NDArray[np.uint8]
    atoms: tuple[int, int]
    rings: tuple[int, ...]
    alerts: frozenset[str] = frozenset()

    @classmethod
    def of(cls, smiles: Sequence[str], *, alerts: bool = True) -> Domain:
        """The domain of N SMILES, in worker processes where they are many.

        Without `alerts` it allows none, whatever the molecules have: many that are sold have some,
        and a model's training molecules are nobody's choice.

        Raises
        ------
        UserError: no list, an empty one, or what is no molecule.
        """
        if isinstance(smiles, str) or not len(smiles):
            raise UserError("a domain needs a list of SMILES, one at least.")
        if wrong := [s for s in smiles if not isinstance(s, str)]:
            raise UserError(f"a domain needs SMILES, and {wrong[0]!r} is none.")
        most: dict[int, int] = {}
        sizes, rings = set(), set()
        for counts, atoms, found in map_chunks(_described, smiles, "environments of molecules"):
            sizes.add(atoms)
            rings.update(found)
            for identifier, count in counts.items():
                if count > most.get(identifier, 0):
                    most[identifier] = count
        identifiers = np.array(sorted(most), dtype=np.uint32)
        largest = np.array([min(most[i], 255) for i in identifiers.tolist()], dtype=np.uint8)
        allowed = frozenset[str]()
        if alerts:
            allowed = allowed.union(*map_chunks(_alerts_of, smiles, "alerts of molecules"))
        return cls(identifiers, largest, (min(sizes), max(sizes)), tuple(sorted(rings)), allowed)

    def union(self, other: Domain) -> Domain:
        """The smallest domain that holds both."""
        identifiers = np.union1d(self.identifiers, other.identifiers)
        most = np.zeros(len(identifiers), dtype=np.uint8)
        for part in (self, other):
            rows = np.searchsorted(identifiers, part.identifiers)
            most[rows] = np.maximum(most[rows], part.most)
        low, high = zip(self.atoms, other.atoms, strict=True)
        rings = tuple(sorted({*self.rings, *other.rings}))
        alerts = self.alerts | other.alerts
        return Domain(identifiers, most, (min(low), max(high)), rings, alerts)

    def widened(self, smiles: Sequence[str], *, alerts: bool = True) -> Domain:
        """The smallest domain that holds these N valid SMILES, too, but for `alerts` as in `of`."""
        return self.union(Domain.of(smiles, alerts=alerts)) if len(smiles) else self

    def contains(self, smiles: Sequence[str | None]) -> NDArray[np.bool_]:
        """Whether each of N SMILES lies inside, [N]; what is None or no molecule does not."""
        return np.array([s is not None and not self._first_violation(s) for s in smiles], bool)

    def violations(self, smiles: str) -> list[str]:
        """What puts a SMILES outside, each in a few words; empty if it lies inside."""
        try:
            return list(dict.fromkeys(self.violated(parse(smiles))))
        except UserError as error:
            return [str(error)]

    def _first_violation(self, smiles: str) -> str | None:
        try:
            return next(self.violated(parse(smiles)), None)
        except UserError as error:
            return str(error)

    def violated(self, mol: Mol) -> Iterator[str]:
        """`violations` of an RDKit molecule, one by one."""
        low, high = self.atoms
        if not low <= (atoms := mol.GetNumHeavyAtoms()) <= high:
            yield f"heavy_atoms {atoms} is not within {low} to {high} of the known molecules"
        for size in sorted(set(map(len, mol.GetRingInfo().AtomRings())) - set(self.rings)):
            yield f"has a ring of {size} atoms, which no known molecule has"
        for identifier, count in _environments(mol).items():
            most = self._most.get(identifier, 0)
            if count > most:
                where = _atom_of(mol, identifier)
                if not most:
                    yield f"has an atom environment that no known molecule has, around {where}"
                else:
                    yield (
                        f"has {count} times an environment around {where} that no known molecule "
                        f"has more than {most} times"
                    )

        for alert in alerts_of(mol):
            if alert not in self.alerts:
                yield f"has the structural alert {alert}, which no molecule of yours has"

    @property
    def _most(self) -> Mapping[int, int]:
        found: dict[int, int] | None = self.__dict__.get("_table")
        if found is None:
            found = dict(zip(self.identifiers.tolist(), self.most.tolist(), strict=True))
            self.__dict__["_table"] = found
        return found

    def save(self, path: Path) -> None:
        """Write an .npz file, whole or not at all."""
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(
                file,
                identifiers=self.identifiers,
                most=self.most,
                atoms=np.array(self.atoms, np.int16),
                rings=np.array(self.rings, np.int16),
                alerts=np.array(sorted(self.alerts), str),
            )

    @classmethod
    def load(cls, path: Path) -> Domain:
        """Inverse of `save`; `UserError` for a damaged file."""
        with readable(f"{path} does not hold a domain of molecules: restore it"):
            file = load_arrays(path)
            low, high = map(int, file["atoms"])
            rings = tuple(map(int, file["rings"]))
            identifiers, most = file["identifiers"], file["most"]
            if identifiers.dtype != np.uint32 or most.dtype != np.uint8:
                raise TypeError("its counts are of another type")
            if identifiers.ndim != 1 or identifiers.shape != most.shape:
                raise ValueError("its counts are of other shapes")
            names = file.get("alerts", np.array([], str))
            if names.dtype.kind != "U":
                raise TypeError("its alerts are no names")
            return cls(identifiers, most, (low, high), rings, frozenset(names.tolist()))


def _described(smiles: str) -> tuple[dict[int, int], int, list[int]]:
    mol = parse(smiles)
    rings = [len(ring) for ring in mol.GetRingInfo().AtomRings()]
    return _environments(mol), mol.GetNumHeavyAtoms(), rings


def _alerts_of(smiles: str) -> frozenset[str]:
    return frozenset(alerts_of(parse(smiles)))


def _environments(mol: Mol) -> dict[int, int]:
    """Counts of Morgan environments of radius 0 and 1 by their 32-bit identifiers."""
    found: dict[int, int] = _ENVIRONMENTS.GetSparseCountFingerprint(mol).GetNonzeroElements()
    return found


def _atom_of(mol: Mol, identifier: int) -> str:
    """Symbol of an atom with that environment."""
    output = rdFingerprintGenerator.AdditionalOutput()
    output.AllocateBitInfoMap()
    _ENVIRONMENTS.GetSparseCountFingerprint(mol, additionalOutput=output)
    atom, _ = output.GetBitInfoMap()[identifier][0]
    return str(mol.GetAtomWithIdx(atom).GetSymbol())
