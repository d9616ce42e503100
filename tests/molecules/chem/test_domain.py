"""The domain of applicability of a set of molecules."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gmae_tf.errors import UserError
from molecules.chem.domain import Domain
from molecules.chem.properties import alerts, all_alerts, parse
from molecules.data.builtin import read_drugs

DRUGS = list(read_drugs().values())


@settings(max_examples=20, deadline=None)
@given(st.sets(st.sampled_from(DRUGS), min_size=1, max_size=8))
def test_a_set_lies_in_its_own_domain_and_in_any_union(chosen: set[str]) -> None:
    smiles = sorted(chosen)
    domain, other = Domain.of(smiles), Domain.of(DRUGS[:3])
    assert domain.contains(smiles).all()
    both = domain.union(other)
    assert both.contains([*smiles, *DRUGS[:3]]).all()
    whole = Domain.of([*smiles, *DRUGS[:3]])
    np.testing.assert_array_equal(both.identifiers, whole.identifiers)
    np.testing.assert_array_equal(both.most, whole.most)
    assert (both.atoms, both.rings) == (whole.atoms, whole.rings)


@pytest.mark.parametrize(
    ("smiles", "said"),
    [
        ("C" * 30, "no known molecule has more than"),
        ("I" + "S" * 20 + "I", "around I"),
        ("C1CCCCCCCCCCC1", "ring of 12 atoms"),
        ("C", "heavy_atoms 1 is not within"),
        ("nonsense", "nonsense"),
    ],
)
def test_chains_large_rings_and_new_environments_are_outside(smiles: str, said: str) -> None:
    domain = Domain.of([s for s in DRUGS if "." not in s and "C1CCCCCCCCC" not in s][:100])
    assert any(said in text for text in domain.violations(smiles)), domain.violations(smiles)
    assert not domain.contains([smiles, None]).any()


def test_a_domain_is_read_back_and_a_damaged_one_is_refused(tmp_path: Path) -> None:
    domain, path = Domain.of(DRUGS[:5]), tmp_path / "domain.npz"
    domain.save(path)
    again = Domain.load(path)
    np.testing.assert_array_equal(again.identifiers, domain.identifiers)
    assert again.contains(DRUGS).tolist() == domain.contains(DRUGS).tolist()
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(UserError, match="does not hold a domain"):
        Domain.load(path)


@pytest.mark.parametrize(
    ("smiles", "sentence"),
    [
        ([], "a list of SMILES, one at least"),
        ("CCO", "a list of SMILES, one at least"),
        (["CCO", None], "None is none"),
        (["CCO", "C1CC("], "C1CC"),
    ],
)
def test_a_domain_of_no_molecules_is_refused(smiles, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        Domain.of(smiles)


QUINONE, ESTER = "O=C1C=CC(=O)C=C1C", "CCOC(=O)c1ccccc1"


def test_only_the_alerts_of_given_molecules_are_allowed(tmp_path: Path) -> None:
    trained = Domain.of([*DRUGS[:100], QUINONE, ESTER], alerts=False)
    assert trained.alerts == frozenset()
    found = trained.violations(QUINONE)
    assert all(said.startswith("has the structural alert") for said in found)
    assert len(found) == len(set(alerts(parse(QUINONE)))) > 1
    assert trained.contains([ESTER, QUINONE]).tolist() == [True, False]
    own = trained.widened([QUINONE])
    assert own.contains([ESTER, QUINONE]).all()
    own.save(tmp_path / "domain.npz")
    assert Domain.load(tmp_path / "domain.npz").alerts == own.alerts == set(alerts(parse(QUINONE)))
    assert own.alerts < all_alerts()
    assert replace(trained, alerts=all_alerts()).contains([QUINONE]).all()


@pytest.mark.parametrize(
    "change",
    [
        {"most": np.ones(2, np.uint8)},
        {"atoms": np.array([b"a", b"b"])},
        {"atoms": np.array([1, 2, 3])},
        {"rings": np.zeros(2, [("a", "i4")])},
        {"alerts": np.zeros(2)},
        {"identifiers": np.full(3, np.nan)},
        {"identifiers": np.zeros((3, 1), np.uint32)},
    ],
)
def test_arrays_of_other_kinds_are_no_domain(change, tmp_path: Path) -> None:
    arrays = {
        "identifiers": np.array([1, 2, 3], np.uint32),
        "most": np.ones(3, np.uint8),
        "atoms": np.array([1, 9], np.int16),
        "rings": np.array([5], np.int16),
        "alerts": np.array(["nitro_group"]),
    }
    np.savez(tmp_path / "domain.npz", **{**arrays, **change})
    with pytest.raises(UserError, match="does not hold a domain"):
        Domain.load(tmp_path / "domain.npz")
