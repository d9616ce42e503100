"""Measures of a latent space of molecules: by known molecules and by other programs."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from gmae_tf.metrics.sets import frechet_distance
from rdkit import Chem
from rdkit.Chem import QED, Crippen, Descriptors

import molecules
from gmae_tf.errors import UserError
from molecules.space.metrics import (
    PROPERTIES,
    frechet_chemnet_distance,
    properties,
    similarity,
    summary,
    table,
)
from molecules.space.report import NO_FCD, headline, sections, tables

HELD_OUT = [
    "CC(=O)Oc1ccccc1C(=O)O", "CCOC(=O)c1ccccc1", "Cc1ccccc1NC(=O)C", "COc1ccc(CNC(C)=O)cc1",
    "O=C(Nc1ccccc1)c1ccccc1", "CC(C)Cc1ccc(C(C)C(=O)O)cc1",
]  # fmt: skip
FEW = {"samples": 30, "pairs": 6, "neighbours": 4, "jobs": 1}


@pytest.fixture(scope="module")
def model() -> molecules.MoleculeAutoencoder:
    return molecules.load("compact")


@pytest.fixture(scope="module")
def found(model):
    return molecules.evaluate_space(model, HELD_OUT, **FEW)


def test_properties_are_those_of_rdkit():
    mol = Chem.MolFromSmiles("Cc1ccccc1C1CCCCCCC1")
    row = dict(zip(PROPERTIES, properties("Cc1ccccc1C1CCCCCCC1"), strict=True))
    assert row["logp"] == pytest.approx(Crippen.MolLogP(mol))
    assert row["qed"] == pytest.approx(QED.qed(mol))
    assert row["weight"] == pytest.approx(Descriptors.MolWt(mol))
    assert row["largest_ring"] == 8
    for text in (None, "C1CC", ""):
        assert np.isnan(properties(text)).all()


def test_means_are_of_the_valid():
    means = summary(table(["CCO", None, "C1CCCCCCCC1", "nothing"], jobs=1))
    assert means["valid"] == 0.5
    assert means["rings_above_7"] == 0.5
    assert means["logp"] == pytest.approx(
        np.mean([Crippen.MolLogP(Chem.MolFromSmiles(s)) for s in ("CCO", "C1CCCCCCCC1")])
    )
    assert summary(table([None], jobs=1)) == {"valid": 0.0}


def test_similarity_is_of_molecules_not_of_strings():
    assert similarity(["CCO", "c1ccccc1"], ["OCC", "C1=CC=CC=C1"]) == 1
    assert similarity(["CCO", "CCO"], ["CCO", None]) == 0.5


def test_a_space_is_measured(model, found):
    assert found["held_out_molecules"] == 6
    assert found["exact"] >= 0.5
    assert set(found["terms"]) == {"ks", "covariance", "sliced"}
    assert found["prior"]["valid"] == found["midpoints"]["valid"] == 1
    assert found["prior"]["wasserstein"]["weight"] > 0
    noise = [found["noise"][level] for level in ("0.3", "0.6", "1.0")]
    assert noise[0]["similarity"] > noise[2]["similarity"]
    assert found["gp"] == {"penalized_logp": {}, "qed": {}}  # six say nothing
    # spellings do not matter
    other = [Chem.MolToSmiles(Chem.MolFromSmiles(s), doRandom=True) for s in HELD_OUT]
    assert molecules.evaluate_space(model, other, **FEW) == found


def test_gaussian_processes_read_codes(model):
    data = molecules.load_molecules("builtin", n=40, held_out=0).smiles
    found = molecules.evaluate_space(model, data, gp=30, **FEW)
    assert found["gp"]["penalized_logp"]["training"] == 30
    assert found["gp"]["qed"]["test"] == 10
    titles = [table.title for table in tables(found)]
    assert any("Gaussian process" in title for title in titles)


def test_the_report_says_what_is_missing(model, found):
    made = sections(model, HELD_OUT, {**found, "fcd": None})
    assert made[0].sentences == [NO_FCD]
    assert [p.name for p in made[1].pictures] == ["walk", "neighbours", "map"]
    assert all(p.png.startswith(b"\x89PNG") for p in made[1].pictures)
    made = tables({**found, "fcd": 1.25})
    assert made[-1].rows == [("prior samples to held-out molecules", "1.250")]
    assert len(headline(found)) == 3


def test_an_invalid_model_is_reported_with_dashes(found):
    nothing = {"valid": 0.0, "distinct": 1.0, "wasserstein": {"logp": float("nan")}}
    broken = {**found, "prior": nothing, "midpoints": {"valid": 0.0}}
    means = next(t for t in tables(broken) if t.title.startswith("Properties"))
    logp = next(row for row in means.rows if row[0] == "logP")
    assert logp[2] == logp[3] == logp[6] == "–"


def atoms(smiles: list[str], **options: object) -> np.ndarray:
    """Features in place of ChemNet's: atoms and letters."""
    assert options in ({}, {"n_jobs": 0, "device": "cpu"})  # a fork of TensorFlow would hang
    return np.array([[Chem.MolFromSmiles(s).GetNumAtoms(), len(s)] for s in smiles], float)


def test_frechet_chemnet_distance_is_of_the_features_of_the_package(monkeypatch):
    some, others = ["CCO", "C", "CC", None, "C1"], ["OCC", "CCC", "CCCC"]
    for name in ("fcd", "fcd_torch"):
        monkeypatch.setitem(sys.modules, name, None)  # as if it were not installed
    assert frechet_chemnet_distance(some, others) is None
    expected = frechet_distance(atoms(["CCO", "C", "CC"]), atoms(["CCO", "CCC", "CCCC"]))

    other = ModuleType("fcd_torch")
    other.FCD = lambda device, n_jobs: SimpleNamespace(get_predictions=atoms)
    monkeypatch.setitem(sys.modules, "fcd_torch", other)
    assert frechet_chemnet_distance(some, others) == pytest.approx(expected)
    assert frechet_chemnet_distance(["CCO", None], others) is None

    package = ModuleType("fcd")
    package.load_ref_model = lambda: "network"
    package.get_predictions = lambda network, smiles, **options: atoms(smiles, **options)
    monkeypatch.setitem(sys.modules, "fcd", package)
    assert frechet_chemnet_distance(some, others) == pytest.approx(expected)


@pytest.mark.skipif(find_spec("fcd") is None, reason="fcd is not installed")
def test_frechet_chemnet_distance_is_that_of_fcd():
    import fcd

    some, others = ["CCO", "CCC", "c1ccccc1"], ["CCN", "CCCC", "Cc1ccccc1"]
    assert frechet_chemnet_distance(some, others) == pytest.approx(
        fcd.get_fcd(some, others), rel=1e-3
    )


@pytest.mark.parametrize(
    ("smiles", "options", "message"),
    [
        (["CCO"], {}, "at least 2"),
        ("CCO", {}, "list of SMILES"),
        (["CCO", "C1CC"], {}, "C1CC"),
        (["CCO", "C"], {"neighbours": 0}, "neighbours is 0"),
    ],
)
def test_what_cannot_be_measured_is_refused(model, smiles, options, message):
    with pytest.raises(UserError, match=message):
        molecules.evaluate_space(model, smiles, **{**FEW, **options})
