"""Properties of molecules by name, with unit, better direction and meaning.

`find("qed")("CCO")` is a number.  Each function takes an RDKit molecule or a SMILES, and gives the
same number for every way to write the same molecule.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from rdkit import Chem, DataStructs, rdBase
from rdkit.Chem import QED, Descriptors, FilterCatalog, rdFingerprintGenerator
from rdkit.Chem import rdMolDescriptors as counts

from gmae_tf.errors import UserError
from molecules.chem.penalized import (
    RAW,
    ZINC,
    ZINC_B,
    Mol,
    Normalisation,
    largest_ring,
    logp,
    synthetic_accessibility,
)
from molecules.chem.reading import LONGEST, read_smiles


@dataclass(frozen=True)
class Property:
    """A number that a molecule has.

    Attributes
    ----------
    unit : "1" for a pure number.
    maximise : whether more is better when nobody says otherwise.
    meaning : one line for a reader.
    compute : RDKit molecule -> finite number.
    """

    name: str
    unit: str
    maximise: bool
    meaning: str
    compute: Callable[[Mol], float]

    def __call__(self, molecule: str | Mol) -> float:
        """The number of a SMILES or an RDKit molecule; `UserError` if the SMILES is wrong."""
        return float(self.compute(parse(molecule) if isinstance(molecule, str) else molecule))


def parse(smiles: str) -> Mol:
    """SMILES -> sanitised RDKit molecule.

    Raises
    ------
    UserError: it is no molecule; the sentence holds RDKit's reason.  Nothing is printed.
    """
    text = smiles.strip()
    if not text or len(text.split()) != 1:
        raise UserError(f"{smiles!r} is not a molecule: give one SMILES without blanks.")
    mol = read_smiles(text)
    if mol is None:
        raise UserError(f"{text!r} is not a molecule: {_reason(text)}.")
    if not mol.GetNumAtoms():
        raise UserError(f"{text!r} is not a molecule: it has no atoms.")
    return mol


def canonical(smiles: str) -> str:
    """RDKit's canonical SMILES, stereochemistry included; `UserError` as in `parse`."""
    return str(Chem.MolToSmiles(parse(smiles)))


def fingerprint(mol: Mol, bits: int = 2048) -> DataStructs.ExplicitBitVect:
    """Morgan fingerprint of radius 2 (ECFP4), without chirality."""
    return _morgan(bits).GetFingerprint(mol)


def similarity_to(smiles: str) -> Property:
    """Tanimoto similarity in [0, 1] of Morgan fingerprints (radius 2, 2048 bits) to a molecule."""
    reference = fingerprint(parse(smiles))
    return Property(
        name="similarity",
        unit="1",
        maximise=True,
        meaning=f"Tanimoto similarity of Morgan fingerprints to {smiles}",
        compute=lambda mol: DataStructs.TanimotoSimilarity(fingerprint(mol), reference),
    )


def has_alerts(mol: Mol) -> bool:
    """Whether there is any PAINS or BRENK alert; stops at the first."""
    return _catalogue("BRENK").HasMatch(mol) or _catalogue("PAINS").HasMatch(mol)


def alerts(mol: Mol) -> Iterator[str]:
    """Names of the structural alerts of a molecule, of BRENK and then of the slower PAINS."""
    for name in ("BRENK", "PAINS"):
        yield from (match.GetDescription() for match in _catalogue(name).GetMatches(mol))


def all_alerts() -> frozenset[str]:
    """Names of all structural alerts of PAINS and BRENK."""
    catalogues = [_catalogue(name) for name in ("BRENK", "PAINS")]
    return frozenset(
        catalogue.GetEntryWithIdx(i).GetDescription()
        for catalogue in catalogues
        for i in range(catalogue.GetNumEntries())
    )


def find(name: str, to: str | None = None, normalisation: Normalisation | None = None) -> Property:
    """A property by name.

    Besides those of PROPERTIES there are `similarity`, which wants the molecule `to` compare
    with, and `penalized_logp_data`, which wants the `normalisation` of the data.

    Raises
    ------
    UserError: no such property, or it lacks what it wants.
    """
    if name == "similarity":
        if to is None:
            raise UserError("the property similarity needs a molecule to compare with (--to).")
        return similarity_to(to)
    if name == "penalized_logp_data":
        if normalisation is None:
            raise UserError("the property penalized_logp_data needs the normalisation of the data.")
        meaning = "penalised logP, normalised by the data's own means and deviations"
        return Property(name, "1", True, meaning, normalisation.score)
    if name not in PROPERTIES:
        names = [*PROPERTIES, "similarity", "penalized_logp_data"]
        near = difflib.get_close_matches(name, names, n=1)
        advice = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(names)}."
        raise UserError(f"there is no property {name!r}: {advice}")
    return PROPERTIES[name]


def _reason(smiles: str) -> str:
    """Why RDKit refuses a SMILES, in RDKit's words, without its clock and its repetitions."""
    if len(smiles) > LONGEST:
        return f"it is longer than {LONGEST:,} characters"
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(smiles, sanitize=False)
        if mol is not None:
            try:
                Chem.SanitizeMol(mol)
            except ValueError as error:
                return " ".join(str(error).split()).rstrip(".")
    capture = getattr(rdBase, "CaptureErrorLog", None)  # not in RDKit of 2025
    if capture is None:
        return "RDKit cannot read it"
    with capture() as log:
        Chem.MolFromSmiles(smiles, sanitize=False)
    try:
        messages = log.messages
    except UnicodeDecodeError:  # RDKit cuts long texts in the middle of a character
        return "RDKit cannot read it"
    first = messages.partition("\n")[0].partition("Error: ")[2]
    return first.split(" for input:")[0].split(" while parsing:")[0] or "RDKit cannot read it"


@lru_cache(maxsize=4)
def _morgan(bits: int) -> rdFingerprintGenerator.FingerprintGenerator64:
    return rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=bits)


@lru_cache(maxsize=2)
def _catalogue(name: str) -> FilterCatalog.FilterCatalog:
    catalogs = FilterCatalog.FilterCatalogParams.FilterCatalogs
    return FilterCatalog.FilterCatalog(FilterCatalog.FilterCatalogParams(getattr(catalogs, name)))


def _brenk(mol: Mol) -> float:
    return len(_catalogue("BRENK").GetMatches(mol))


def _pains(mol: Mol) -> float:
    return len(_catalogue("PAINS").GetMatches(mol))


def _weight(mol: Mol) -> float:
    return Descriptors.MolWt(mol)  # type: ignore[attr-defined]  # missing in RDKit's stubs


_MORE, _LESS = True, False
_TABLE: tuple[tuple[str, str, bool, str, Callable[[Mol], float]], ...] = (
    ("logp", "1", _MORE, "octanol-water partition, Crippen's estimate", logp),
    ("sa", "1", _LESS, "synthetic accessibility, 1 easy to 10 hard", synthetic_accessibility),
    ("qed", "1", _MORE, "drug-likeness in [0, 1], Bickerton et al. 2012", QED.qed),
    ("penalized_logp", "1", _MORE, "logP - SA - large rings, as published", ZINC.score),
    ("penalized_logp_b", "1", _MORE, "as in weighted retraining and LOL-BO", ZINC_B.score),
    ("penalized_logp_raw", "1", _MORE, "logP - SA - large rings, not normalised", RAW.score),
    ("molecular_weight", "g/mol", _LESS, "average molecular weight", _weight),
    ("tpsa", "Å²", _LESS, "topological polar surface area", counts.CalcTPSA),
    ("heavy_atoms", "atoms", _LESS, "atoms other than hydrogen", counts.CalcNumHeavyAtoms),
    ("rings", "rings", _LESS, "smallest rings", counts.CalcNumRings),
    ("aromatic_rings", "rings", _LESS, "aromatic rings", counts.CalcNumAromaticRings),
    ("largest_ring", "atoms", _LESS, "size of the largest of the smallest rings", largest_ring),
    ("hbd", "groups", _LESS, "hydrogen-bond donors", counts.CalcNumHBD),
    ("hba", "groups", _LESS, "hydrogen-bond acceptors", counts.CalcNumHBA),
    ("rotatable_bonds", "bonds", _LESS, "rotatable bonds", counts.CalcNumRotatableBonds),
    ("alerts", "alerts", _LESS, "PAINS and BRENK alerts", lambda mol: _pains(mol) + _brenk(mol)),
    ("pains", "alerts", _LESS, "pan-assay interference, Baell and Holloway 2010", _pains),
    ("brenk", "alerts", _LESS, "unwanted groups, Brenk et al. 2008", _brenk),
)
PROPERTIES: dict[str, Property] = {row[0]: Property(*row) for row in _TABLE}
"""Every property that needs nothing but the molecule, by name."""
