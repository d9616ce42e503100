"""Scores of expressions: known values, Python's own arithmetic as oracle, and bad input."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grammar.errors import GrammarError, ParseError
from grammar.expressions.data import load_expressions
from grammar.expressions.evaluate import (
    TARGET_X,
    WORST_SCORE,
    behaviour,
    evaluate,
    fit_errors,
    function_keys,
    target,
    values_of,
)
from grammar.library import load_grammar
from grammar.sampling.uniform import sample_strings

TARGET_Y = target(TARGET_X)

# Recomputed from the expressions that the papers print (Kusner et al. 2017; two decimals there).
KNOWN_SCORES = {
    "x*1+sin(3)+sin(x*x)": 0.036280,
    "x*1+sin(1)+sin(2*3)": 0.408462,
    "x+1+sin(3)+sin(3+2)": 0.418044,
    "x/1+sin(3)+sin(x*x)": 0.036280,
    "1/2+(x)+sin(x*x)": 0.027399,
    "x*1+sin(3)+sin(3/1)": 0.396881,
    "x+sin(x*x)": 0.105361,
    "x": 0.487561,
    "1/3+x+sin(x*x)": 0.0,
    "1 / 3 + ( x ) + sin( x * x )": 0.0,
}


@pytest.mark.parametrize(("expression", "score"), KNOWN_SCORES.items())
def test_known_scores(expression, score):
    assert fit_errors([expression], TARGET_X, TARGET_Y)[0] == pytest.approx(score, abs=1e-6)


def test_scores_of_the_official_data():
    scores = fit_errors(load_expressions("official"), TARGET_X, TARGET_Y)
    assert scores.mean() == pytest.approx(4.71868, abs=1e-5)
    assert scores.std() == pytest.approx(1.45823, abs=1e-5)
    assert scores.argmin() == 99908
    limits = [0.0274, 0.0363, 0.23, 0.37, 0.40, 0.41, 0.45]
    assert [(scores <= limit).sum() for limit in limits] == [3, 6, 9, 24, 62, 128, 179]
    assert (scores == WORST_SCORE).mean() == pytest.approx(0.063, abs=0.001)


def by_python(expression: str, x: np.ndarray, error: float = 0.0) -> np.ndarray:
    """Point by point with Python floats; nan where Python raises. `error` disturbs sin and exp."""
    names = {
        "sin": lambda v: math.sin(v) * (1 - 3 * error),
        "exp": lambda v: math.exp(v) * (1 + error),
        "__builtins__": {},
    }
    values = []
    for point in x:
        try:
            # Trusted: the grammar made the string.
            values.append(float(eval(expression, {**names, "x": float(point)})))
        except (ZeroDivisionError, OverflowError, ValueError):
            values.append(math.nan)
    return np.array(values)


def test_values_equal_pythons_own_on_thousands_of_random_strings():
    x = np.array([-10.0, -2.5, -1.0, 0.0, 0.3, 1.0, 7.7, 10.0])
    grammar = load_grammar("arithmetic").grammar
    compared = failures = 0
    for text in sample_strings(grammar, 1500, 14) + sample_strings(grammar, 1500, 30, seed=1):
        expected, disturbed = by_python(text, x), by_python(text, x, error=1e-13)
        # Not where the last bit of exp decides, as in sin(exp(20)), nor where Python stops.
        fine = np.isclose(expected, disturbed, rtol=1e-9, atol=0)
        np.testing.assert_allclose(evaluate(text, x)[fine], expected[fine], rtol=1e-8, err_msg=text)
        compared += fine.sum()
        failures += np.isnan(expected).any()
    assert compared > 0.9 * 3000 * len(x)
    assert failures > 100  # the sample does exercise division by zero and overflow


def test_operators_have_their_ordinary_precedence():
    x = np.array([1.0, 2.0, -3.0])
    np.testing.assert_allclose(evaluate("x+1/3*x", x), x + x / 3)
    np.testing.assert_allclose(evaluate("3/2/x", x), 1.5 / x)
    np.testing.assert_allclose(evaluate("-x**2", x), -(x**2))
    np.testing.assert_allclose(
        evaluate("2*cos(pi*x) - .5e1*abs(x)", x), 2 * np.cos(np.pi * x) - 5 * abs(x)
    )


def test_constants_are_broadcast_and_the_result_is_the_callers():
    x = np.array([1.0, 2.0])
    values = evaluate("1/3", x)
    assert values.tolist() == [1 / 3, 1 / 3]
    values[0] = 5
    evaluate("x", x)[0] = 5
    assert x.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    "expression",
    [
        "1/(x*0)",
        "x/(1/2/2+1/2/2-1/2)",
        "exp(exp(exp(x)))",
        "sin(exp(exp(exp(3))))",
        "log(-1-x*x)",
        "exp(x)*exp(exp(exp(3)))*0",
        "1e999",
        "9" * 400,
        "x+y",
        "x+",
        "",
        None,
    ],
)
def test_failures_get_the_worst_score_without_a_warning(expression):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fit_errors([expression], TARGET_X, TARGET_Y)[0] == WORST_SCORE == math.log(1001)


def test_each_point_is_clipped_at_a_thousand():
    x = np.array([0.0, 1.0])
    score = fit_errors(["x*1000"], x, np.zeros(2))[0]
    assert score == pytest.approx(math.log(1 + (0 + 1000) / 2))
    assert fit_errors(["x+100"], x, np.zeros(2))[0] == pytest.approx(WORST_SCORE)
    huge = "*".join(["99999999"] * 38)  # finite, but its square is not
    assert fit_errors([huge], x, np.zeros(2))[0] == pytest.approx(WORST_SCORE)


def test_grid_and_target():
    assert TARGET_X.shape == (1000,)
    assert TARGET_X[[0, -1]].tolist() == [-10, 10]
    assert 0 not in TARGET_X
    assert target(np.array([0.0]))[0] == 1 / 3


@pytest.mark.parametrize(
    ("expression", "caret"),
    [
        ("", 0),
        ("x + y", 4),
        ("x+&", 2),
        ("x+*2", 2),
        ("x+", 2),
        ("sin(x", 3),
        ("x)", 1),
        ("f(x)", 0),
        ("sin(x, x)", 5),
        ("x.real", 1),
        ("__import__('os').system('true')", 11),
        ("(lambda: x)()", 7),
        ("[x for x in x]", 0),
        ("x if x else x", 0),
        ("x==x", 1),
        ("3j", 0),
        ("1_0", 0),
        ("sin", 0),
    ],
)
def test_other_text_has_a_caret_under_its_place(expression, caret):
    with pytest.raises(ParseError) as caught:
        evaluate(expression, TARGET_X)
    assert str(caught.value).split("\n")[2] == "    " + " " * caret + "^"


@pytest.mark.parametrize(
    "expression", ["(" * 999 + "x" + ")" * 999, "+".join("x" * 9999), "-" * 9999]
)
def test_deep_nesting_is_an_error_not_a_crash(expression):
    with pytest.raises(ParseError):
        evaluate(expression, TARGET_X)


@given(st.text(alphabet="x123.+*/()-e_ sinexplogabc\t\n'\"[]{}:,=&é\\", max_size=40))
def test_any_text_gives_values_or_a_parse_error(text):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            values = evaluate(text, np.ones(3))
        except ParseError:
            return
    assert values.shape == (3,)


@pytest.mark.parametrize(
    ("x", "y"), [([], []), ([1.0], [1.0, 2.0]), ([np.nan], [1.0]), ([[1.0]], [[1.0]])]
)
def test_wrong_points_are_refused(x, y):
    with pytest.raises(GrammarError, match="finite vectors of one length"):
        fit_errors(["x"], np.array(x), np.array(y))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2+x", "x+(1+1)", True),
        ("x*x/x", "x", True),
        ("x/3*3", "1*x", True),
        ("1/3+x", "x+1/3", True),
        ("x/(1/0)", "x/(2/0)", True),
        ("x", "x+0.000001", False),
        ("sin(x)", "sin(x*x)", False),
        ("sin(3)", "sin(1+2)", True),
        ("no expression", "nor this", False),
    ],
)
def test_expressions_with_one_key_are_one_function(one, other, same):
    first, second = function_keys([one, other])
    assert (first == second) is same


def test_equal_keys_of_the_grammar_mean_equal_scores():
    strings = sample_strings(load_grammar("arithmetic").grammar, 3000, 11, seed=1)
    scores = fit_errors(strings, TARGET_X, TARGET_Y)
    by_key: dict[bytes, float] = {}
    for key, score in zip(function_keys(strings), scores, strict=True):
        assert by_key.setdefault(key, score) == pytest.approx(score, abs=1e-6)
    assert len(by_key) < 2500  # many spell the same


def test_behaviour_is_held_down_and_never_undefined():
    x = np.array([-1.0, 0.0, 2.0])
    found = behaviour(values_of(["x", "1/x", "exp(exp(exp(x*x)))", "not an expression"], x))
    assert found.shape == (4, 3)
    assert found[0] == pytest.approx(np.arcsinh(x))
    assert np.isfinite(found).all()
    assert found[1, 1] == found[3, 0] == pytest.approx(np.arcsinh(1e6))
    assert behaviour(values_of([], x)).shape == (0, 3)
