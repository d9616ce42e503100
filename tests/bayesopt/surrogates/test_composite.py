"""A trend that knows the form of scores: what it learns, how sure it is, what it foresees."""

from __future__ import annotations

import numpy as np
import pytest

from bayesopt.surrogates.base import draw
from bayesopt.surrogates.composite import LIMIT, MisfitTrend, misfits
from bayesopt.surrogates.linear_trend import TrendGP
from bayesopt.surrogates.sparse_gp import SparseGP, SurrogateConfig
from bayesopt.tasks.expressions import ExprTask
from gmae_tf.errors import UserError
from grammar.expressions.evaluate import fit_errors, held_down, values_of
from grammar.library import load_grammar
from grammar.sampling.uniform import sample_strings

X = np.linspace(-3.0, 3.0, 12)


def known(n: int, rng: np.random.Generator, wanted: np.ndarray, noise: float = 0.0):
    """Smooth functions at 12 points, and how far they are from the wanted values."""
    waves = np.array([np.ones_like(X), X, X**2, np.sin(X), np.cos(2 * X)])
    values = rng.normal(0.0, 2.0, size=(n, 5)) @ waves
    return values, misfits(values, wanted) + noise * rng.standard_normal(n)


def test_its_form_is_the_score_of_expressions():
    strings = sample_strings(load_grammar("arithmetic").grammar, 300, 15, seed=3)
    x = np.linspace(-10, 10, 50)
    values = values_of(strings, x)
    values[~np.isfinite(values).all(axis=1)] = np.nan
    y = 1.0 / 3.0 + x + np.sin(x * x)
    assert misfits(held_down(values), y) == pytest.approx(fit_errors(strings, x, y), abs=1e-9)


def test_it_finds_the_values_that_are_wanted(rng):
    wanted = 1.0 + 2.0 * X + np.cos(2 * X)
    trend = MisfitTrend.fit(*known(200, rng, wanted))
    assert trend.wanted == pytest.approx(wanted, abs=0.3)
    values, scores = known(100, rng, wanted)
    mean, variance = trend.predict(values)
    assert mean == pytest.approx(scores, abs=0.02)
    assert np.sqrt(variance).max() < 0.1


def test_it_is_unsure_where_no_string_went(rng):
    wanted = 1.0 + 2.0 * X
    trend = MisfitTrend.fit(*known(200, rng, wanted))
    usual, strange = np.zeros((2, len(X))) + wanted + 1.0
    strange += 3.0 * (-1.0) ** np.arange(len(X))  # not among the waves
    _, (sure, unsure) = trend.predict(np.stack([usual, strange]))
    assert unsure > 100 * sure


def test_its_variance_is_that_of_its_draws(rng):
    wanted = np.sin(X)
    values, scores = known(40, rng, wanted, noise=0.01)
    trend = MisfitTrend.fit(values, scores)
    mean, variance = trend.predict(values)
    samples = trend.draw(4000, rng)(values)
    assert samples.shape == (4000, 40)
    assert samples.mean(axis=0) == pytest.approx(mean, abs=0.05)
    assert samples.std(axis=0) == pytest.approx(np.sqrt(variance), rel=0.15)


def test_gradients_are_finite_differences(rng):
    from scipy.optimize import check_grad

    from bayesopt.surrogates.composite import _gradients

    values = rng.normal(0.0, 25.0, size=(1, 12))  # some beyond the limit
    wanted = rng.normal(size=12)
    assert (np.square(values - wanted) > LIMIT).any()
    error = check_grad(lambda y: misfits(values, y)[0], lambda y: _gradients(values, y)[0], wanted)
    assert error < 1e-6


def test_what_was_known_before_is_where_it_begins(rng):
    wanted = 1.0 + X
    values, scores = known(150, rng, wanted)
    before = MisfitTrend.fit(values[:100], scores[:100])
    after = before.refit(values, scores)
    assert after.wanted == pytest.approx(MisfitTrend.fit(values, scores).wanted, abs=0.3)


def test_a_surrogate_on_it_comes_back_and_leaves_the_rest_to_the_process(rng):
    wanted = 1.0 + X
    values, scores = known(150, rng, wanted)
    whole = rng.uniform(-2, 2, size=(150, 1))
    features, scores = np.column_stack([whole, values]), scores + 0.3 * np.sin(2 * whole[:, 0])
    config = SurrogateConfig(inducing_points=40, iterations=20)
    gp = TrendGP(SparseGP(config), 1, MisfitTrend).fit(features[:120], scores[:120], seed=0)
    trend = MisfitTrend.fit(values[:120], scores[:120]).predict(values[120:])[0]
    assert gp.score(features[120:], scores[120:])[0] < np.std(trend - scores[120:])
    again = TrendGP(SparseGP(config), 1, MisfitTrend).set_state(gp.get_state())
    for one, other in zip(gp.predict(features), again.predict(features), strict=True):
        np.testing.assert_array_equal(one, other)
    assert draw(gp, rng)(features).shape == (150,)
    with pytest.raises(UserError, match="start a new run"):
        TrendGP(SparseGP(config), 1).set_state(gp.get_state())


def test_it_is_for_targets_of_the_user():
    assert not ExprTask(n_data=200).problem.misfit
    task = ExprTask(target="2*x+3", n_data=200)
    assert task.problem.misfit
    assert task.problem.wholes == 16
    features = task.problem.features(["2*x", "1/(x/x-x/x)"])
    assert features.shape == (2, 16 + 200)
    assert (features[1, 16:] == 1e6).all()  # nowhere defined
    assert ExprTask(n_data=200, composite=True).problem.misfit
    assert not ExprTask(target="2*x+3", n_data=200, composite=False).problem.misfit


def test_a_handful_of_points_is_enough(tmp_path):
    (tmp_path / "few.csv").write_text("x,y\n0,1\n1,3\n2,5.1\n")
    problem = ExprTask(target_csv=tmp_path / "few.csv", n_data=200).problem
    features = problem.features(["2*x+1", "x"])
    assert features.shape == (2, 6)
    gp = TrendGP(SparseGP(SurrogateConfig(inducing_points=40, iterations=5)), 3, MisfitTrend)
    gp.fit(problem.features(problem.strings), problem.scores, seed=0)
    assert problem.wholes == 3
    assert gp.predict(features)[0] == pytest.approx(problem.score(["2*x+1", "x"]), abs=0.2)
