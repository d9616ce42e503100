"""The Gaussian process on counts: its kernel, its posterior by dense formulas, what it chooses."""

from __future__ import annotations

import gc
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.gaussian_process.kernels import Matern

import bayesopt.surrogates.counts_gp as module
from bayesopt.inputs import CODES, Inputs, Vocabulary
from bayesopt.surrogates.counts_gp import CountsGP, MinMax, Weighed, best_and_others, minmax, weigh
from gmae_tf.errors import UserError

LETTERS = "abcdef"


def letters(strings, codes=None, vocabulary=None):
    """Inputs of strings by their letters."""
    vocabulary = vocabulary or Vocabulary()
    rows = [vocabulary.columns(Counter(s)) for s in strings]
    return Inputs(len(strings), {"letters": vocabulary.matrix(rows)}, codes)


def words(n, rng, longest=9):
    return ["".join(rng.choice(list(LETTERS), rng.integers(1, longest))) for _ in range(n)]


@given(st.lists(st.text(LETTERS, min_size=1, max_size=9), min_size=2, max_size=6))
def test_minmax_is_the_lesser_counts_over_the_greater(strings):
    points = letters(strings)
    kernel = minmax(points.parts["letters"], points.parts["letters"])
    counts = np.array([[s.count(c) for c in LETTERS] for s in strings])
    for i, a in enumerate(counts):
        for j, b in enumerate(counts):
            assert kernel[i, j] == pytest.approx(np.minimum(a, b).sum() / np.maximum(a, b).sum())
    assert np.linalg.eigvalsh(kernel).min() > -1e-9
    assert np.diagonal(kernel) == pytest.approx(1.0)


def test_dense_and_sparse_products_agree(rng, monkeypatch):
    vocabulary = Vocabulary()
    one, other = (letters(words(n, rng), vocabulary=vocabulary) for n in (30, 20))
    dense = minmax(one.parts["letters"], other.parts["letters"])
    monkeypatch.setattr(module, "DENSE", 0)
    assert minmax(one.parts["letters"], other.parts["letters"]) == pytest.approx(dense)


def dense(weights, length, one, other):
    """Covariances [N, M] of points of letters and codes, by scikit-learn where codes are read."""
    total = np.zeros((len(one), len(other)))
    for name, weight in weights.items():
        part = np.ones_like(total)
        if one.parts:
            part = minmax(one.parts["letters"], other.parts["letters"])
        if name == CODES:
            part = part * Matern(length, nu=2.5)(one.codes, other.codes)
        total += weight * part
    return total


def problem(rng, n=60, codes=None):
    strings = words(n, rng)
    points = letters(strings, codes)
    scores = np.array([s.count("a") - 0.5 * s.count("b") for s in strings], float)
    return points, scores + 0.1 * rng.standard_normal(n)


class Identity:
    """Instead of random numbers, so that samples are the mean plus the root of the covariance."""

    def standard_normal(self, shape):
        return np.eye(*shape)


@pytest.mark.parametrize("measured", [False, True])
@pytest.mark.parametrize("inducing", [None, 15])
@pytest.mark.parametrize(
    ("weights", "counted"),
    [
        ({"letters": 0.7}, True),
        ({"letters": 0.3, CODES: 0.5}, True),
        ({CODES: 0.5}, True),
        ({CODES: 0.5}, False),
    ],
)
def test_posterior_is_that_of_the_dense_formulas(
    rng, monkeypatch, weights, counted, inducing, measured
):
    points, scores = problem(rng, codes=rng.standard_normal((60, 3)))
    if not counted:
        points = Inputs(60, {}, points.codes)
    length, common, train = 1.7, 0.05, points[np.arange(40)]
    sd = np.where(np.arange(40) % 3, 0.0, 0.2)
    train = replace(train, noise=sd) if measured else train
    given_all = Weighed(weights, length, common, np.ones(40), np.full(40, 0.5))
    monkeypatch.setattr(module, "weigh", lambda *given: given_all)
    if inducing:
        monkeypatch.setattr(module, "EXACT", 20)
        monkeypatch.setattr(module, "INDUCING", inducing)
    gp = CountsGP().fit(train, scores[:40], seed=0)
    y = gp.map.forward(scores[:40])
    spread = gp.map.forward(scores[:40] + sd) - gp.map.forward(scores[:40] - sd)
    noise = common + measured * np.square(spread / 2)
    for rows in (np.arange(40, 50), np.arange(50, 60)):  # one after another, by the same numbers
        new = points[rows]
        prior, cross = dense(weights, length, new, new), dense(weights, length, train, new)
        if inducing:
            at = train[best_and_others(scores[:40], inducing, _after_weighing(scores[:40]))]
            uu = dense(weights, length, at, at) + 1e-6 * np.eye(inducing)
            uf, us = dense(weights, length, at, train), dense(weights, length, at, new)
            inner = uu + (uf / noise) @ uf.T
            mean = us.T @ np.linalg.solve(inner, uf @ (y / noise))
            covariance = prior - us.T @ (np.linalg.solve(uu, us) - np.linalg.solve(inner, us))
        else:
            noisy = dense(weights, length, train, train) + noise * np.eye(40)
            mean = cross.T @ np.linalg.solve(noisy, y)
            covariance = prior - cross.T @ np.linalg.solve(noisy, cross)
        found = gp.predict(new)
        assert found[0] == pytest.approx(mean, abs=1e-6)
        assert found[1] == pytest.approx(gp.scale * np.diagonal(covariance), abs=1e-6)
        root = gp.sample(new, 10, Identity()) - mean
        assert root.T @ root == pytest.approx(gp.scale * covariance, abs=1e-4)


def _after_weighing(scores):
    """The generator as `fit` leaves it to the choice of inducing points."""
    rng = np.random.default_rng(0)
    best_and_others(scores, module.WEIGHED, rng)
    return rng


@pytest.mark.parametrize("names", [["letters"], ["letters", CODES]])
def test_weights_are_of_greatest_marginal_likelihood(rng, names):
    points, scores = problem(rng, codes=rng.standard_normal((60, 3)))
    y = (scores - scores.mean()) / scores.std() + np.sin(points.codes[:, 0])
    found = weigh(names, points, y)

    def log_likelihood(weights, noise):
        covariance = dense(weights, found.length, points, points) + noise * np.eye(len(y))
        return -0.5 * y @ np.linalg.solve(covariance, y) - 0.5 * np.linalg.slogdet(covariance)[1]

    here = log_likelihood(found.weights, found.noise)
    assert set(found.weights) == set(names)
    for factor in (0.8, 1.25):
        noise = max(found.noise * factor, module.BOUNDS[0])
        assert log_likelihood(found.weights, noise) <= here + 1e-3
        for name in names:
            other = {**found.weights, name: found.weights[name] * factor}
            assert log_likelihood(other, found.noise) <= here + 1e-3


@pytest.mark.parametrize("measured", [None, np.linspace(0, 0.5, 20)])
def test_leave_one_out_is_what_leaving_out_gives(rng, measured):
    points, scores = problem(rng, 20)
    y = (scores - scores.mean()) / scores.std()
    found = weigh(["letters"], points, y, measured)
    noise = found.noise + (np.zeros(20) if measured is None else measured)
    kernel = dense(found.weights, found.length, points, points) + np.diag(noise)
    for i in (0, 7):
        rest = np.delete(np.arange(20), i)
        solved = np.linalg.solve(kernel[np.ix_(rest, rest)], kernel[rest, i])
        assert y[i] - solved @ y[rest] == pytest.approx(found.residuals[i])
        assert kernel[i, i] - solved @ kernel[rest, i] == pytest.approx(found.deviations[i] ** 2)


def test_kernels_that_say_nothing_get_no_weight(rng):
    strings = words(150, rng)
    vocabulary = Vocabulary()
    noise = vocabulary.matrix([vocabulary.columns({i: 1}) for i in range(150)])
    parts = {"noise": noise, **letters(strings).parts}
    scores = np.array([s.count("a") for s in strings], float)
    gp = CountsGP().fit(Inputs(150, parts), scores, seed=0)
    weights = gp.chosen.weights
    assert weights["letters"] > 10 * weights.get("noise", 0.0)


@pytest.mark.parametrize("helpful", [True, False])
def test_codes_are_read_where_they_help(rng, helpful):
    strings, codes = words(120, rng), rng.standard_normal((120, 3))
    scores = np.array([s.count("a") for s in strings], float)
    if helpful:
        scores = scores + 3 * np.sin(codes[:, 0])
    gp = CountsGP().fit(letters(strings, codes), scores, seed=0)
    assert gp.reads == ({"letters", CODES} if helpful else {"letters"})
    assert set(gp.about()["held_out_log_likelihood"]) == {"letters", "letters, codes"}


def test_codes_alone_where_nothing_is_counted(rng):
    codes = rng.uniform(-2, 2, (80, 2))
    scores = np.sin(codes[:, 0]) + codes[:, 1] ** 2
    gp = CountsGP().fit(Inputs(60, {}, codes[:60]), scores[:60], seed=0)
    mean, _ = gp.predict_y(Inputs(20, {}, codes[60:]))
    assert np.abs(mean - scores[60:]).mean() < 0.2 * scores.std()


def test_observations_are_in_their_intervals(rng):
    points, scores = problem(rng, 300)
    gp = CountsGP().fit(points[np.arange(200)], scores[:200], seed=0)
    mean, variance = gp.predict_y(points[np.arange(200, 300)])
    inside = np.abs(scores[200:] - mean) <= 1.645 * np.sqrt(variance)
    assert 0.8 <= inside.mean() <= 0.98


def test_joint_samples_have_the_moments_of_the_prediction(rng):
    points, scores = problem(rng)
    gp = CountsGP().fit(points[np.arange(40)], scores[:40], seed=0)
    few = points[np.arange(40, 60)]
    mean, variance = gp.predict(few)
    samples = gp.sample(few, 20_000, rng)
    assert samples.mean(axis=0) == pytest.approx(mean, abs=0.05)
    assert samples.var(axis=0) == pytest.approx(variance, rel=0.1, abs=0.01)


def test_the_vocabulary_may_grow_after_the_fit(rng):
    vocabulary = Vocabulary()
    strings = words(30, rng)
    gp = CountsGP().fit(letters(strings, vocabulary=vocabulary), np.arange(30.0), seed=0)
    mean, variance = gp.predict(letters(["xyz", strings[0]], vocabulary=vocabulary))
    assert variance[0] > variance[1]
    assert mean[0] == pytest.approx(0.0)  # nothing in common with anything known


def test_kernels_of_former_fits_are_given_back(rng):
    def alive():
        gc.collect()
        return sum(type(found) is MinMax for found in gc.get_objects())

    (points, scores), before = problem(rng, 30), alive()
    assert CountsGP().fit(points, scores, seed=0).reads == {"letters"}
    assert alive() == before  # TensorFlow keeps every function that it is given


def test_scores_that_cannot_be_learnt_from_are_refused():
    with pytest.raises(UserError, match="finite scores"):
        CountsGP().fit(letters(["a", "b"]), np.array([1.0, np.nan]), seed=0)
    with pytest.raises(UserError, match="at least 2"):
        CountsGP().fit(letters(["a"]), np.array([1.0]), seed=0)
