"""Bounds that candidate molecules must satisfy; cheap tests come first."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from numbers import Real

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from gmae_tf.errors import UserError
from molecules.chem.domain import Domain
from molecules.chem.formula import bound
from molecules.chem.penalized import Mol
from molecules.chem.properties import PROPERTIES, Property, has_alerts, parse, similarity_to


@dataclass(frozen=True)
class Constraints:
    """Bounds on molecules: size, elements, similarity, synthetic accessibility, structural alerts.

    None leaves a property free.

    Attributes
    ----------
    min_heavy_atoms, max_heavy_atoms : atoms other than hydrogen.
    max_molecular_weight : g/mol.
    elements : symbols that may occur besides hydrogen, such as ("C", "N", "O").
    min_similarity, to : Tanimoto similarity in [0, 1] of Morgan fingerprints to the molecule `to`.
    max_sa : synthetic accessibility, from 1 (easy) to 10.
    no_alerts : refuse PAINS and BRENK alerts.
    require : comparisons of any properties, such as "1 <= logp <= 3" (`molecules.chem.formula`).
    domain : refuse what lies outside a domain of applicability.

    Raises
    ------
    UserError: bounds that nothing can satisfy, or that lack their other half.

    Examples
    --------
    >>> import molecules
    >>> bounds = molecules.Constraints(max_heavy_atoms=6, elements=("C", "N", "O"))
    >>> bounds.allows(["CCO", "CCCl", "c1ccccc1O"])
    array([ True, False, False])
    >>> bounds.violations("c1ccccc1O")
    ['heavy_atoms 7 is above 6']
    """

    min_heavy_atoms: int | None = None
    max_heavy_atoms: int | None = None
    max_molecular_weight: float | None = None
    elements: tuple[str, ...] | None = None
    min_similarity: float | None = None
    to: str | None = None
    max_sa: float | None = None
    no_alerts: bool = False
    require: tuple[str, ...] = ()
    domain: Domain | None = None

    def __post_init__(self) -> None:
        _check_bounds(self)
        _check_elements(self.elements)
        similarity = None if self.to is None else similarity_to(self.to)
        if (similarity is None) != (self.min_similarity is None):
            raise UserError(
                "a least similarity and the molecule to compare with go together: "
                "give both (--min-similarity and --to) or neither."
            )
        if isinstance(self.require, str):
            object.__setattr__(self, "require", (self.require,))
        required = [bound(text, self.to) for text in self.require]
        # The instance is frozen, and these cost parsing and a fingerprint.
        object.__setattr__(self, "_similarity", similarity)
        object.__setattr__(self, "_required", required)

    def violations(self, smiles: str) -> list[str]:
        """What a SMILES violates, each in a few words; empty if it is allowed."""
        try:
            return list(self._violated(parse(smiles)))
        except UserError as error:
            return [str(error)]

    def allows(self, smiles: Sequence[str | None]) -> NDArray[np.bool_]:
        """N SMILES -> [N]; what is None or no molecule is not allowed."""
        return np.array([text is not None and self._allows(text) for text in smiles], dtype=bool)

    def _allows(self, smiles: str) -> bool:
        try:
            return next(self._violated(parse(smiles)), None) is None
        except UserError:
            return False

    def _violated(self, mol: Mol) -> Iterator[str]:
        yield from self._too_small(mol)
        yield from self._too_large(mol, "heavy_atoms", self.max_heavy_atoms)
        if self.elements is not None:
            others = {atom.GetSymbol() for atom in mol.GetAtoms()} - {*self.elements, "H"}
            if others:
                yield f"elements {', '.join(sorted(others))} are not allowed"
        yield from self._too_large(mol, "molecular_weight", self.max_molecular_weight)
        yield from self._too_unlike(mol)
        yield from self._too_large(mol, "sa", self.max_sa)
        if self.no_alerts and has_alerts(mol):
            yield "has PAINS or BRENK alerts"
        for holds in getattr(self, "_required", ()):
            if not holds(mol):
                yield f"{holds.name} does not hold"
        if self.domain is not None:
            yield from self.domain.violated(mol)

    def _too_small(self, mol: Mol) -> Iterator[str]:
        atoms = mol.GetNumHeavyAtoms()
        if self.min_heavy_atoms is not None and atoms < self.min_heavy_atoms:
            yield f"heavy_atoms {atoms} is below {self.min_heavy_atoms}"

    def _too_large(self, mol: Mol, name: str, bound: float | None) -> Iterator[str]:
        if bound is not None and (value := PROPERTIES[name](mol)) > bound:
            yield f"{name} {value:g} is above {bound:g}"

    def _too_unlike(self, mol: Mol) -> Iterator[str]:
        similarity: Property | None = getattr(self, "_similarity", None)
        if similarity is not None and self.min_similarity is not None:
            value = similarity(mol)
            if value < self.min_similarity:
                yield f"similarity {value:.3g} is below {self.min_similarity:g}"


_RANGES = {
    "min_heavy_atoms": (0.0, math.inf),
    "max_heavy_atoms": (0.0, math.inf),
    "max_molecular_weight": (0.0, math.inf),
    "max_sa": (1.0, 10.0),
    "min_similarity": (0.0, 1.0),
}


def _check_bounds(bounds: Constraints) -> None:
    for name, (least, most) in _RANGES.items():
        value = getattr(bounds, name)
        if value is not None and not (isinstance(value, Real) and least <= float(value) <= most):
            raise UserError(f"{name} is {value!r}: give a number from {least:g} to {most:g}.")
    low, high = bounds.min_heavy_atoms, bounds.max_heavy_atoms
    if high is not None and high < max(1, low or 0):
        raise UserError(
            f"no molecule has at most {high} and at least {max(1, low or 0)} heavy atoms: "
            "raise the larger bound."
        )
    if not isinstance(bounds.to, str | None):
        raise UserError(f"to is {bounds.to!r}: give a SMILES.")


def _check_elements(symbols: Iterable[str] | None) -> None:
    if isinstance(symbols, str) or not isinstance(symbols, Iterable | None):
        raise UserError(f'elements is {symbols!r}: give symbols such as ("C", "N", "O").')
    table = Chem.GetPeriodicTable()
    known = {table.GetElementSymbol(number) for number in range(1, 119)}
    for symbol in symbols or ():
        if symbol not in known:
            raise UserError(
                f"{symbol!r} is not the symbol of an element: write C, N, Cl and so on."
            )
