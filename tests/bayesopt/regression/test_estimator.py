"""The estimator as scikit-learn and pandas see it, and formulas as text, SymPy and LaTeX."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import bayesopt
from bayesopt.regression.estimator import verdict
from bayesopt.regression.formula import make_formula, text_of
from gmae_tf.errors import UserError
from grammar.expressions.constants import Data
from grammar.expressions.programs import parse

X = np.linspace(0.5, 9, 30)
FEW = {"seconds": None, "evaluations": 28_000}


@pytest.fixture(scope="module")
def model() -> bayesopt.SymbolicRegressor:
    table = pd.DataFrame({"time (s)": X, "other": X[::-1] ** 2})
    return bayesopt.SymbolicRegressor(**FEW).fit(table, 3 * np.exp(-0.5 * X) + 1)


def test_it_predicts_from_named_columns(model: bayesopt.SymbolicRegressor) -> None:
    assert str(model.formula_) == "3*exp(-0.5*time_s) + 1"
    assert model.feature_names_in_.tolist() == ["time (s)", "other"]
    np.testing.assert_allclose(model.predict([[2.0, 0.0]]), 3 * np.exp(-1) + 1)
    assert model.front_.columns[:3].tolist() == ["complexity", "rmse", "r2"]
    assert model.front_.iloc[-1].exact
    assert verdict(model.formula_) == "The formula fits exactly."
    with pytest.raises(UserError, match="1 columns"):
        model.predict([[2.0]])


def test_columns_of_a_data_frame_are_taken_by_name(model: bayesopt.SymbolicRegressor) -> None:
    table = pd.DataFrame({"time (s)": X, "other": X[::-1] ** 2})
    expected = 3 * np.exp(-0.5 * X) + 1
    np.testing.assert_allclose(model.predict(table[["other", "time (s)"]]), expected)
    np.testing.assert_allclose(model.predict(table.assign(more="text")), expected)
    with pytest.raises(UserError, match="1 columns"):
        model.predict(table[["other"]])


def test_names_of_columns_are_names_of_python_and_differ() -> None:
    names = ("lambda", "exp", "x4", "a b", "a-b", "2")
    formula = make_formula(parse("x1"), [], Data.of(np.ones((3, 6)), np.ones(3)), names, 1, "")
    assert formula.symbols == ["lambda_", "exp_", "x4", "x4_", "x5", "x6"]


def test_sympy_and_latex(model: bayesopt.SymbolicRegressor) -> None:
    sympy = pytest.importorskip("sympy")
    expression = model.sympy()
    (symbol,) = expression.free_symbols
    assert str(symbol) == "time_s"
    again = sympy.sympify(str(expression)).subs("time_s", 2)
    assert float(again) == pytest.approx(3 * np.exp(-1) + 1)
    assert float(expression.subs(symbol, 2)) == pytest.approx(3 * np.exp(-1) + 1)
    assert "e^{" in model.latex()
    assert sympy.simplify(expression - 1 - 3 * sympy.exp(-symbol / 2)) == 0


def test_without_sympy_one_sentence_says_so(
    model: bayesopt.SymbolicRegressor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "sympy", None)
    with pytest.raises(UserError, match="pip install sympy"):
        model.latex()


def test_it_is_a_scikit_learn_estimator() -> None:
    copied = clone(bayesopt.SymbolicRegressor(seconds=3, functions=["exp"]))
    assert copied.get_params()["functions"] == ["exp"]
    pipe = make_pipeline(StandardScaler(), bayesopt.SymbolicRegressor(**FEW, functions=()))
    assert pipe.fit(X[:, None], 2 * X).score(X[:, None], 2 * X) == pytest.approx(1.0)


def test_functions_can_be_left_out() -> None:
    y = np.sin(3 * X)
    model = bayesopt.SymbolicRegressor(None, evaluations=5_000, functions=["square", "exp"])
    model.fit(X[:, None], y)
    for text in model.front_.formula:
        assert not any(name in text for name in ("sin", "cos", "tanh", "log", "sqrt", "abs"))


def test_noise_is_called_noise() -> None:
    y = np.random.default_rng(0).normal(size=30)
    model = bayesopt.SymbolicRegressor(**FEW).fit(X[:, None], y)
    assert verdict(model.formula_).startswith("No formula fits")


@pytest.mark.parametrize(
    ("x", "y", "options", "words"),
    [
        (np.ones((5, 10)), np.ones(5), {}, "1 to 9 columns"),
        (np.ones((5, 1)), np.ones(4), {}, "5 rows and y 4"),
        (np.ones((1, 1)), np.ones(1), {}, "at least 2"),
        (np.array([[np.nan], [1.0]]), np.ones(2), {}, "not finite"),
        ([["a"], ["b"]], np.ones(2), {}, "must be numbers"),
        (np.ones((5, 1)), np.ones(5), {"functions": ["tan"]}, "'tan' is no function"),
        (np.ones((5, 1)), np.ones(5), {"functions": "exp"}, "give a list"),
        (np.ones((5, 1)), np.ones(5), {"seconds": None}, "give a limit"),
        (np.ones((5, 1)), np.ones(5), {"seconds": -1}, "seconds is -1"),
        (np.ones((5, 1)), np.ones(5), {"seconds": np.nan}, "seconds is nan"),
        (np.ones((5, 1)), np.ones(5), {"seconds": "x"}, "seconds is 'x': give a number"),
        (np.ones((5, 1)), np.ones(5), {"evaluations": 0}, "evaluations is 0"),
        (np.ones((5, 1)), np.ones(5), {"jobs": 0}, "jobs is 0: give a whole number"),
        (np.ones((5, 1)), np.ones(5), {"jobs": -1}, "jobs is -1"),
        (np.ones((5, 1)), np.ones(5), {"max_size": 0}, "max_size is 0"),
        (np.ones((5, 1)), np.ones(5), {"seed": 1.5}, "seed is 1.5"),
        (np.ones((5, 1)), ["a"] * 5, {}, "y must be numbers"),
        (np.ones((5, 1)), np.ones(5) * 1j, {}, "y has values that are complex"),
        (np.ones((6, 1)), np.ones((3, 2)), {}, "give one column"),
        (np.ones((5, 1)), X[:5] * 1e300, {}, "choose another unit"),
        (np.ones((5, 1)), X[:5] * 1e-300, {}, "choose another unit"),
        (pd.DataFrame({"day": pd.date_range("2020-01-01", periods=5)}), np.ones(5), {}, "dates"),
    ],
)
def test_mistakes(x: object, y: object, options: dict[str, object], words: str) -> None:
    with pytest.raises(UserError, match=words):
        bayesopt.SymbolicRegressor(**options).fit(x, y)  # type: ignore[arg-type]


def test_weights_must_be_weights() -> None:
    with pytest.raises(UserError, match="0 or more"):
        bayesopt.SymbolicRegressor().fit(X[:, None], X, -X)


@pytest.mark.parametrize(
    ("text", "constants", "shown"),
    [
        ("(c+(c*x1))", [-2.0, 1.5], "1.5*a - 2"),
        ("(x1-(x2-c))", [1.0], "a - (b - 1)"),
        ("(x1-(x2+x1))", [], "a - (b + a)"),
        ("(x1/(x2*x1))", [], "a/(b*a)"),
        ("((x1+x2)*x1)", [], "(a + b)*a"),
        ("((x1*x2)**2)", [], "(a*b)**2"),
        ("(x1**c)", [-0.5], "a**(-0.5)"),
        ("exp((x1/c))", [-7.3], "exp(-a/7.3)"),
        ("(x1*(c*x2))", [-2.0], "a*(-2*b)"),
    ],
)
def test_formulas_are_written_with_few_brackets(
    text: str, constants: list[float], shown: str
) -> None:
    assert text_of(parse(text), ["a", "b"], constants) == shown
    a, b = 1.7, 0.6
    value = eval(shown, {"a": a, "b": b, "exp": np.exp})
    plain = text_of(parse(text), ["(a)", "(b)"], []) if not constants else shown
    assert value == pytest.approx(eval(plain, {"a": a, "b": b, "exp": np.exp}))
