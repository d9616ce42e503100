"""Programs in prefix notation, their values and derivatives, against Python and differences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grammar.expressions.forest import Forest, part_values
from grammar.expressions.programs import (
    RULES,
    VARIABLES,
    constant_places,
    ends,
    parse,
    random_program,
    write,
)
from grammar.expressions.simplify import normal_form, tidy

NAMES = {name: getattr(np, name) for name in ("exp", "log", "sqrt", "abs", "sin", "cos", "tanh")}
X = np.random.default_rng(0).uniform(0.3, 2.5, (20, 3))


def drawn(seed: int) -> tuple[bytes, list[float]]:
    rng = np.random.default_rng(seed)
    program = random_program(int(rng.integers(1, 14)), VARIABLES[:3], rng)
    return program, rng.uniform(0.4, 2.0, len(constant_places(program))).tolist()


def by_python(program: bytes, constants: list[float]) -> np.ndarray:
    text = write(program, ["a", "b", "d"], constants)
    with np.errstate(all="ignore"):
        value = eval(text, dict(NAMES, a=X[:, 0], b=X[:, 1], d=X[:, 2]))
    return np.broadcast_to(value, len(X))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_values_are_those_of_python(seed: int) -> None:
    program, constants = drawn(seed)
    forest = Forest([program, parse("(x1+c)"), program])
    found = forest.values(X, np.array([*constants, 0.5, *constants]))
    expected = by_python(program, constants)
    usual = np.abs(expected) < 1e8  # beyond, sines differ by rounding
    np.testing.assert_allclose(found[0][usual], expected[usual], rtol=1e-6)
    np.testing.assert_array_equal(found[0], found[2])
    np.testing.assert_allclose(found[1], X[:, 0] + 0.5)
    np.testing.assert_array_equal(part_values(program, constants, X)[0], found[0])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_derivatives_are_those_of_differences(seed: int) -> None:
    program, constants = drawn(seed)
    c = np.array(constants)
    forest = Forest([program])
    found = forest.derivatives(forest.nodes(X, c), c)
    for place in range(len(c)):
        step = np.zeros_like(c)
        step[place] = 1e-6
        high, low = forest.values(X, c + step)[0], forest.values(X, c - step)[0]
        slope = (high - low) / 2e-6
        usual = np.isfinite(slope) & (np.abs(high) < 1e2) & (np.abs(slope) < 1e2)
        np.testing.assert_allclose(found[place][usual], slope[usual], rtol=1e-3, atol=1e-4)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_derivations_are_programs(seed: int) -> None:
    program, _ = drawn(seed)
    assert parse(write(program)) == program
    assert ends(program)[0] == len(program)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6))
def test_a_normal_form_is_the_same_function(seed: int) -> None:
    program, constants = drawn(seed)
    plain = normal_form(program, constants, scaled=False)
    scaled = normal_form(program, constants)
    before = Forest([program]).values(X, np.array(constants))[0]
    if not np.isfinite(before).all() or np.abs(before).max() > 1e8 or np.ptp(before) < 1e-6:
        return
    assert plain is not None
    assert scaled is not None
    assert len(scaled[0]) <= len(plain[0]) <= len(program)
    after = Forest([plain[0]]).values(X, np.array(plain[1]))[0]
    np.testing.assert_allclose(after, before, rtol=1e-6, atol=1e-9)
    after = Forest([scaled[0]]).values(X, np.array(scaled[1]))[0]
    assert abs(np.corrcoef(before, after)[0, 1]) > 1 - 1e-9  # equal up to a + b f


@pytest.mark.parametrize(
    ("text", "constants", "short"),
    [
        ("(c+(c*x1))", [1.0, 2.0], "x1"),
        ("((x1*c)-(c*c))", [1.0, 2.0, 3.0], "x1"),
        ("exp((c+x1))", [1.0], "exp(x1)"),
        ("log((c*x1))", [2.0], "log(x1)"),
        ("log((c*x1))", [-2.0], "log((c*x1))"),
        ("sin((c*x1))", [2.0], "sin((c*x1))"),
        ("(x2+x1)", [], "(x1+x2)"),
        ("(x1*x1)", [], "(x1**2)"),
        ("(exp(x1)**c)", [2.0], "exp((c*x1))"),
        ("((x1/x1)*x2)", [], "x2"),
        ("((c*x1)+(c*x2))", [2.0, 4.0], "(x2+(c*x1))"),
        ("sqrt((c+(c*x2)))", [2.0, 4.0], "sqrt((c+x2))"),
        ("sqrt((c-(c*x2)))", [2.0, -4.0], "sqrt((c+x2))"),
        ("sin((x1+(c*x2)))", [-4.0], "sin((x1-(c*x2)))"),
    ],
)
def test_rewriting(text: str, constants: list[float], short: str) -> None:
    made = normal_form(parse(text), constants)
    assert made is not None
    assert write(made[0]) == short


def test_what_has_no_value_has_no_normal_form() -> None:
    assert normal_form(parse("(x1+log(c))"), [-1.0]) is None
    assert normal_form(parse("(x1+(c/c))"), [1.0, 0.0]) is None


def test_tidying_leaves_out_neutral_constants() -> None:
    program, constants = tidy(parse("(c+(c*((x1**c)*(x2**c))))"), [0.0, 1.0, 2.0, 0.5])
    assert (write(program), constants) == ("((x1**2)*sqrt(x2))", [])


def test_rules_are_named_by_their_text() -> None:
    assert [RULES[name] for name in ("x1", "c", "(+)", "tanh()")] == [0, 9, 10, 23]
