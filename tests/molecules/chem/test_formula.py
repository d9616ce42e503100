"""Arithmetic on properties: objectives and bounds."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gmae_tf.errors import UserError
from molecules.chem.constraints import Constraints
from molecules.chem.formula import bound, formula, terms
from molecules.chem.properties import find, parse
from molecules.scoring.objective import Objective

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"
NUMBERS = st.floats(-3, 3).map(lambda x: round(x, 3))


@given(NUMBERS, NUMBERS, NUMBERS.filter(lambda x: abs(x) > 0.1))
def test_formulas_are_ordinary_arithmetic(a: float, b: float, c: float) -> None:
    mol = parse(ASPIRIN)
    qed, sa = find("qed")(mol), find("sa")(mol)
    text = f"{a}*qed - (sa + {b})**2 / {c} + max(qed, {a}) - clip(sa, 1, 2) + gauss(qed, 0.5, 0.1)"
    expected = (
        a * qed
        - (sa + b) ** 2 / c
        + max(qed, a)
        - min(max(sa, 1), 2)
        + math.exp(-0.5 * ((qed - 0.5) / 0.1) ** 2)
    )
    assert formula(text)(mol) == pytest.approx(expected)


def test_an_objective_may_be_a_formula_with_a_similarity() -> None:
    objective = Objective("0.5*qed + similarity", to=ASPIRIN)
    again = Objective.from_json(objective.to_json())
    assert again.maximise
    assert again.resolve()(ASPIRIN) == pytest.approx(1 + 0.5 * find("qed")(ASPIRIN))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("qed +", "not understood"),
        ("qed + nonsense", "no property 'nonsense'"),
        ("qed.real", "at 'qed.real'"),
        ("__import__('os').system('true')", "not understood at"),
        ("qed if 1 else sa", "not understood at"),
        ("qed > 0.5", "arithmetic without a comparison"),
        ("True * qed", "at 'True'"),
        ("similarity + qed", "--to"),
    ],
)
def test_anything_else_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(UserError, match=said.replace("(", r"\(")):
        Objective(text).resolve()


def test_a_formula_without_a_value_says_so() -> None:
    with pytest.raises(UserError, match="no value here"):
        formula("1 / rings")("CCO")


def test_bounds_on_any_property_hold_or_are_named() -> None:
    bounds = Constraints(require=("1 <= logp <= 3", "rings < 2"))
    assert bounds.allows(["c1ccccc1O", "CCO", "c1ccc2ccccc2c1"]).tolist() == [True, False, False]
    assert bounds.violations("CCO") == ["1 <= logp <= 3 does not hold"]
    both = Constraints(require="1 <= logp <= 3 and rings < 2")
    assert both.allows(["c1ccccc1O", "CCO", "c1ccc2ccccc2c1"]).tolist() == [True, False, False]
    for text, said in (("logp", "not a comparison"), ("logp < 1 or qed > 0", "not understood at")):
        with pytest.raises(UserError, match=said):
            Constraints(require=text)
    assert bound("1 < 2")("C") == 1.0


@pytest.mark.parametrize(
    ("text", "n"),
    [
        ("0.5*qed - 0.1*sa + gauss(logp, 2, 1)", 3),
        ("qed - (sa - logp) - 1", 3),
        ("(qed + logp) + sa", 3),
        ("2*(qed + logp)", 2),
        ("qed", 1),
    ],
)
def test_terms_make_up_their_formula(text: str, n: int) -> None:
    mol = "CC(=O)Nc1ccc(O)cc1"
    parts = [formula(part)(mol) for part in terms(text)]
    assert len(parts) == n
    whole = formula(text)(mol)
    together = np.prod(parts) if text.startswith("2*") else sum(parts)
    assert together == pytest.approx(whole)


@pytest.mark.parametrize(
    "text",
    ["(" * 300 + "qed", "-" * 5000 + "qed", "qed" + "+qed" * 400, "qed +", "1e999*qed", "\0"],
)
@pytest.mark.parametrize("read", [formula, terms])
def test_a_formula_too_deep_or_unfinished_is_refused(text: str, read) -> None:
    if read is terms and text.startswith("1e999"):
        return
    with pytest.raises(UserError, match="is not understood"):
        read(text)


def test_powers_of_powers_end_at_once() -> None:
    with pytest.raises(UserError, match="has no value here"):
        formula("9**9**9**9")("CCO")
