"""Precision and recall of samples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gmae_tf.metrics.sets import (
    PrecisionRecallCurve,
    distribution_curve,
    f_beta_summary,
    neighbour_precision_recall,
    prd_curve,
)

MODES = np.array([[0.0, 0.0], [20.0, 0.0], [0.0, 20.0], [20.0, 20.0]])


def clouds(rng: np.random.Generator, modes: list[int], n: int) -> np.ndarray:
    return MODES[rng.choice(modes, n)] + rng.normal(size=(n, 2))


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 8), st.integers(0, 1000))
def test_the_curve_is_that_of_its_definition(k: int, seed: int):
    q, p = np.random.default_rng(seed).dirichlet(np.ones(k), 2)
    curve = distribution_curve(q, p, 11)
    for i, angle in enumerate(np.linspace(1e-10, np.pi / 2 - 1e-10, 11)):
        slope = np.tan(angle)
        precision = sum(min(slope * p[w], q[w]) for w in range(k))
        recall = sum(min(p[w], q[w] / slope) for w in range(k))
        assert curve.precision[i] == pytest.approx(precision, abs=1e-9)
        assert curve.recall[i] == pytest.approx(recall, abs=1e-9)


def test_ends_of_the_curve_are_masses_of_common_support():
    curve = distribution_curve([0.5, 0.5, 0.0], [0.0, 0.25, 0.75])
    assert curve.precision.max() == pytest.approx(0.5)  # of the samples' mass
    assert curve.recall.max() == pytest.approx(0.25)  # of the reference's mass


def test_equal_and_disjoint_sets(rng: np.random.Generator):
    a = clouds(rng, [0, 1, 2, 3], 300)
    assert f_beta_summary(prd_curve(a, a, n_runs=1))[0] == pytest.approx(1, abs=1e-3)
    far = f_beta_summary(prd_curve(a, a + 1000, n_runs=1))
    assert far == pytest.approx((0, 0), abs=1e-6)


def test_dropped_modes_cost_recall_and_invented_ones_precision(rng: np.random.Generator):
    whole, half = clouds(rng, [0, 1, 2, 3], 1000), clouds(rng, [0, 1], 1000)
    dropped = prd_curve(half, whole, n_clusters=4, n_runs=2)
    recall, precision = f_beta_summary(dropped)
    # Half the modes twice as often: the curve runs through (precision 1, recall 0.5).
    assert recall == pytest.approx(65 * 0.5 / (64 + 0.5), abs=0.04)
    assert precision > 0.95
    invented = f_beta_summary(prd_curve(whole, half, n_clusters=4, n_runs=2))
    assert invented == pytest.approx((precision, recall), abs=0.04)


def test_f_scores_are_their_formula():
    curve = PrecisionRecallCurve(np.array([0.9, 0.5]), np.array([0.2, 0.6]))
    by_hand = [
        max((1 + b * b) * p * r / (b * b * p + r) for p, r in [(0.9, 0.2), (0.5, 0.6)])
        for b in (8, 1 / 8)
    ]
    assert f_beta_summary(curve) == pytest.approx(by_hand, rel=1e-6)


def test_sets_of_different_sizes_and_seeds(rng: np.random.Generator):
    a, b = clouds(rng, [0, 1, 2, 3], 500), clouds(rng, [0, 1, 2, 3], 200)
    first = prd_curve(a, b, n_runs=2, seed=1)
    np.testing.assert_array_equal(first.recall, prd_curve(a, b, n_runs=2, seed=1).recall)
    assert f_beta_summary(first)[0] > 0.9


def by_loops(points: np.ndarray, manifold: np.ndarray, k: int) -> float:
    radii = [np.sort(np.linalg.norm(manifold - m, axis=1))[k] for m in manifold]
    inside = [
        any(np.linalg.norm(x - m) <= r for m, r in zip(manifold, radii, strict=True))
        for x in points
    ]
    return float(np.mean(inside))


def test_neighbours_are_the_double_loop(rng: np.random.Generator):
    samples, reference = rng.normal(size=(70, 3)) + 0.8, rng.normal(size=(50, 3))
    precision, recall = neighbour_precision_recall(samples, reference)
    assert precision == pytest.approx(by_loops(samples, reference, 3))
    assert recall == pytest.approx(by_loops(reference, samples, 3))
    assert 0.05 < precision < 0.95


def test_neighbours_see_dropped_modes(rng: np.random.Generator):
    whole, half = clouds(rng, [0, 1, 2, 3], 800), clouds(rng, [0, 1], 800)
    precision, recall = neighbour_precision_recall(half, whole)
    assert precision > 0.9
    assert recall == pytest.approx(0.5, abs=0.08)


def test_neighbours_take_part_of_large_sets(rng: np.random.Generator):
    a, b = rng.normal(size=(400, 2)), rng.normal(size=(300, 2))
    part = neighbour_precision_recall(a, b, n=100, seed=3)
    assert part == neighbour_precision_recall(a, b, n=100, seed=3)
    assert part[0] in {i / 100 for i in range(101)}
