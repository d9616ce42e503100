"""Constraints against hand counts, and which tests they spare."""

from __future__ import annotations

import math

import pytest

from gmae_tf.errors import UserError
from molecules.chem import constraints
from molecules.chem.constraints import Constraints

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"  # 13 heavy atoms, 180.16 g/mol, one BRENK alert, SA 1.58


@pytest.mark.parametrize(
    ("bounds", "smiles", "words"),
    [
        ({}, ASPIRIN, []),
        ({"max_heavy_atoms": 13}, ASPIRIN, []),
        ({"max_heavy_atoms": 12}, ASPIRIN, ["heavy_atoms 13 is above 12"]),
        ({"min_heavy_atoms": 13}, ASPIRIN, []),
        ({"min_heavy_atoms": 14}, ASPIRIN, ["heavy_atoms 13 is below 14"]),
        ({"max_molecular_weight": 180.2}, ASPIRIN, []),
        ({"max_molecular_weight": 180.1}, ASPIRIN, ["molecular_weight 180.159 is above 180.1"]),
        ({"max_sa": 1.6}, ASPIRIN, []),
        ({"max_sa": 1.5}, ASPIRIN, ["sa 1.58"]),
        ({"no_alerts": True}, ASPIRIN, ["alerts"]),
        ({"no_alerts": True}, "CCCCc1ccccc1", []),
        ({"elements": ("C", "O")}, ASPIRIN, []),
        ({"elements": ("C", "O")}, "[2H]C", []),
        ({"elements": ("C", "O")}, "ClCBr", ["elements Br, Cl are not allowed"]),
        ({"min_similarity": 1.0, "to": ASPIRIN}, "OC(=O)c1ccccc1OC(C)=O", []),
        ({"min_similarity": 0.4, "to": ASPIRIN}, "CCCC", ["similarity 0"]),
        ({"max_heavy_atoms": 38}, "CCCCC1cccc(c1)", ["is not a molecule"]),
        ({"max_heavy_atoms": 5, "max_sa": 1, "no_alerts": True}, ASPIRIN, ["heavy", "sa", "has"]),
    ],
)  # fmt: skip
def test_violations_and_allowance_agree(
    bounds: dict[str, object], smiles: str, words: list[str]
) -> None:
    rule = Constraints(**bounds)  # type: ignore[arg-type]
    found = rule.violations(smiles)
    assert len(found) == len(words)
    assert all(word in text for word, text in zip(words, found, strict=True))
    assert rule.allows([smiles]).tolist() == [not words]


def test_many_at_once_keep_their_order_and_none_is_not_allowed() -> None:
    rule = Constraints(max_heavy_atoms=3)
    assert rule.allows(["CCC", None, "CCCC", "x", "C"]).tolist() == [
        True,
        False,
        False,
        False,
        True,
    ]
    assert rule.allows([]).shape == (0,)
    assert rule.allows([]).dtype == bool


def test_dear_tests_are_spared_when_a_cheap_one_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(constraints, "has_alerts", lambda mol: bool(asked.append(mol)))
    rule = Constraints(max_heavy_atoms=3, no_alerts=True)
    assert rule.allows(["CCCC", "CCC"]).tolist() == [False, True]
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ({"min_heavy_atoms": 9, "max_heavy_atoms": 8}, "at most 8 and at least 9"),
        ({"max_heavy_atoms": 0}, "no molecule"),
        ({"max_sa": 0.5}, "from 1 to 10"),
        ({"max_sa": "4"}, "max_sa is '4': give a number"),
        ({"max_heavy_atoms": "9"}, "max_heavy_atoms is '9': give a number"),
        ({"min_similarity": 0.4, "to": 3}, "to is 3: give a SMILES"),
        ({"elements": "CN"}, "give symbols such as"),
        ({"elements": 5}, "give symbols such as"),
        ({"max_sa": math.nan}, "from 1 to 10"),
        ({"max_molecular_weight": -1}, "from 0"),
        ({"min_similarity": 1.5, "to": ASPIRIN}, "from 0 to 1"),
        ({"min_similarity": 0.4}, "go together"),
        ({"to": ASPIRIN}, "go together"),
        ({"min_similarity": 0.4, "to": "C1CC"}, "is not a molecule"),
        ({"elements": ("C", "Xx")}, "'Xx' is not the symbol"),
    ],
)
def test_bounds_that_make_no_sense_are_refused(bounds: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Constraints(**bounds)  # type: ignore[arg-type]
