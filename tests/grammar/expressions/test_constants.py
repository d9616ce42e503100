"""Constants of expressions, against SciPy's least squares and known values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import least_squares

from grammar.expressions.constants import Data, fit_constants
from grammar.expressions.programs import parse

RNG = np.random.default_rng(0)
X = RNG.uniform(0.5, 4.0, (60, 2))
Y = 3.0 + 5.0 * np.exp(-0.7 * X[:, 0]) * np.sin(1.3 * X[:, 1] + 0.4) + 0.05 * RNG.normal(size=60)


@pytest.mark.parametrize("weighted", [False, True])
def test_least_squares_are_those_of_scipy(weighted: bool) -> None:
    weights = RNG.uniform(0.1, 2.0, 60) if weighted else np.ones(60)
    data = Data.of(X, Y, weights)
    program = parse("(exp((c*x1))*sin((c+(c*x2))))")
    found = fit_constants([program], data, [[-1.0, 0.0, 1.0]], 60)

    def residuals(p: np.ndarray) -> np.ndarray:
        f = np.exp(p[2] * X[:, 0]) * np.sin(p[3] + p[4] * X[:, 1])
        return np.sqrt(data.weights) * (p[0] + p[1] * f - Y)

    expected = least_squares(residuals, [1, 1, -1.0, 0.0, 1.0], xtol=1e-12, ftol=1e-12)
    assert found.errors[0] == pytest.approx(2 * expected.cost, rel=1e-8)
    both = [found.intercepts[0], found.slopes[0], *found.constants_of(0)]
    np.testing.assert_allclose(both, expected.x, rtol=1e-4)


def test_no_step_is_uphill_and_programs_do_not_disturb_each_other() -> None:
    texts = ["sin((c*x1))", "x2", "(x1**c)", "log((c+x2))", "((c*x1)+exp((c*x2)))"]
    starts = [[2.0], [], [0.5], [-9.0], [1.0, -0.5]]
    programs, data = [parse(text) for text in texts], Data.of(X, Y)
    before = fit_constants(programs, data, starts, 0)
    after = fit_constants(programs, data, starts, 15)
    assert (after.errors <= before.errors).all()
    assert np.isinf(after.errors[3])  # of a negative number
    assert np.isnan(after.constants[1]).all()
    for i, (program, start) in enumerate(zip(programs, starts, strict=True)):
        alone = fit_constants([program], data, [start], 15)
        assert alone.errors[0] == pytest.approx(after.errors[i], rel=1e-6)


def test_a_constant_function_fits_the_mean() -> None:
    found = fit_constants([parse("c"), parse("tanh((c+exp(x1)))")], Data.of(X, Y), [[2.0], [99.0]])
    np.testing.assert_allclose(found.intercepts, Y.mean())
    np.testing.assert_allclose(found.errors, Y.var())


def test_unscaled_fits_have_no_free_scaling() -> None:
    found = fit_constants([parse("(c*x1)")], Data.of(X, 2.5 * X[:, 0]), [[1.0]], 20, scaled=False)
    assert (found.intercepts[0], found.slopes[0]) == (0.0, 1.0)
    np.testing.assert_allclose(found.constants, [[2.5]])
