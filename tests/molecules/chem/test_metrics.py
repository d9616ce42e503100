"""Metrics of samples against their definitions, computed another way."""

from __future__ import annotations

import math

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import AllChem
from rdkit.Chem.Scaffolds import MurckoScaffold

from grammar.autoencoder.hashed_set import StringSet
from molecules.chem import metrics
from molecules.chem.metrics import internal_diversity, scaffolds, summarise

SAMPLE = ["CCO", "OCC", "c1ccccc1C", "c1ccccc1CC", None, "C1CC", "CCCCC1cccc(c1)", "C1CCCCC1N"]


@pytest.mark.parametrize("known", [{"CCO", "CC"}, StringSet.of(["CCO", "CC"])])
def test_a_sample_counted_by_hand(known: set[str]) -> None:
    found = summarise(SAMPLE, known)
    diversity = found.pop("diversity")
    assert found == {
        "sampled": 8,
        "valid": 5 / 8,
        "unique": 4 / 5,
        "novel": 3 / 4,
        "scaffolds": 2,  # benzene twice, cyclohexane
    }
    assert 0 < diversity < 1


def test_diversity_is_one_minus_the_mean_of_all_ordered_pairs() -> None:
    mols = [Chem.MolFromSmiles(text) for text in ("CCO", "CCO", "c1ccccc1C", "CCCCN", "C1CC1CO")]
    generator = AllChem.GetMorganGenerator(radius=2, fpSize=1024)
    bits = np.array([generator.GetFingerprintAsNumPy(mol) for mol in mols]).astype(int)
    shared = bits @ bits.T
    count = bits.sum(axis=1)
    tanimoto = shared / (count[:, None] + count[None, :] - shared)
    assert internal_diversity(mols) == pytest.approx(1 - tanimoto.mean())
    assert internal_diversity(mols[:2]) == 0.0


def test_of_many_molecules_a_seeded_choice_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    mols = [Chem.MolFromSmiles("C" * n + "O" * (n % 3) + "N") for n in range(1, 60)]
    whole = internal_diversity(mols)
    monkeypatch.setattr(metrics, "MOST_COMPARED", 30)
    one, same = (internal_diversity(mols, np.random.default_rng(1)) for _ in range(2))
    other = internal_diversity(mols, np.random.default_rng(2))
    assert one == same != other
    assert internal_diversity(mols) == internal_diversity(mols)
    assert one == pytest.approx(whole, abs=0.15)


def test_scaffolds_are_rdkits_and_acyclic_molecules_have_none() -> None:
    texts = ["CCO", "CCc1ccccc1", "Oc1ccccc1", "CC1CCN(Cc2ccccc2)C1"]
    mols = [Chem.MolFromSmiles(text) for text in texts]
    expected = {Chem.MolToSmiles(MurckoScaffold.GetScaffoldForMol(mol)) for mol in mols} - {""}
    assert scaffolds(mols) == expected
    assert len(expected) == 2


@pytest.mark.parametrize("sample", [[], [None, "C1CC"]])
def test_shares_of_nothing_are_not_numbers(sample: list[str | None]) -> None:
    found = summarise(sample, set())
    assert found["scaffolds"] == 0
    assert all(math.isnan(found[name]) for name in ("unique", "novel", "diversity"))
    assert math.isnan(found["valid"]) if not sample else found["valid"] == 0
