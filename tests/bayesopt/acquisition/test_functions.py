"""Acquisition functions against quadrature, the believer against full inverses."""

from __future__ import annotations

import gpflow
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from bayesopt.acquisition.functions import (
    KrigingBeliever,
    expected_improvement,
    log_ei_gradient,
    log_expected_improvement,
    log_h,
    lower_confidence_bound,
    maximise_log_ei,
)
from bayesopt.surrogates.sparse_gp import SparseGP, SurrogateConfig
from bayesopt.surrogates.training import solve_collapsed

means = st.floats(-20, 20)
sds = st.floats(1e-3, 10)


def integrated_log_h(u: float) -> float:
    """log of phi(u) times the integral of t exp(u t - t^2 / 2) over t > 0, which cannot cancel."""
    unit = 1 / max(1.0, -u)
    ends = (0.0, 60.0 if u < 0 else u + 40)
    integrand = lambda s: s * np.exp(u * unit * s - 0.5 * (unit * s) ** 2)  # noqa: E731
    value, _ = quad(integrand, *ends, epsabs=0, epsrel=1e-13, limit=500)
    return norm.logpdf(u) + np.log(value) + 2 * np.log(unit)


@pytest.mark.parametrize(
    "u", [-200, -100.001, -99.999, -40, -20, -5, -1.001, -1, -0.999, -1e-9, 0, 0.5, 3]
)
def test_log_h_is_exact_in_the_tail(u):
    assert log_h(np.array(u)) == pytest.approx(integrated_log_h(u), rel=1e-13, abs=1e-12)


def test_log_h_far_out_follows_its_asymptote():
    u = -np.array([1e4, 1e8, 1e150])
    assert log_h(u) == pytest.approx(-0.5 * u * u - 0.5 * np.log(2 * np.pi) - 2 * np.log(-u))


@given(means, sds, means)
@settings(max_examples=60, deadline=None)
def test_expected_improvement_is_its_integral(mean, sd, incumbent):
    u = (incumbent - mean) / sd
    peak = [0.0] if u > 0 else None
    ends = (min(u, 0.0) - 12, min(u, 12.0))
    wanted, _ = quad(lambda t: sd * (u - t) * norm.pdf(t), *ends, points=peak)
    got = expected_improvement(np.array(mean), np.array(sd**2), incumbent)
    assert got == pytest.approx(wanted, rel=1e-6, abs=1e-12)


@given(means, sds, st.floats(1.01, 4), means)
def test_expected_improvement_grows_with_variance_and_beats_certainty(mean, sd, more, incumbent):
    values = log_expected_improvement(mean, np.array([sd, more * sd]) ** 2, incumbent)
    assert values[1] >= values[0] - 1e-9
    improvement = expected_improvement(np.array(mean), np.array(sd**2), incumbent)
    assert improvement >= max(incumbent - mean, 0) * (1 - 1e-12)
    assert improvement >= 0


@given(means, sds, means, st.floats(-5, 5))
def test_expected_improvement_only_knows_differences(mean, sd, incumbent, shift):
    value = log_expected_improvement(mean, sd**2, incumbent)
    moved = log_expected_improvement(mean + shift, sd**2, incumbent + shift)
    assert moved == pytest.approx(value, rel=1e-6, abs=1e-6)


def test_certain_values():
    values = log_expected_improvement(np.array([1.0, 3.0, 2.0]), np.zeros(3), 2.0)
    assert values.tolist() == [0.0, -np.inf, -np.inf]


def test_lower_confidence_bound():
    assert lower_confidence_bound(np.array([1.0]), np.array([4.0]), 9.0) == pytest.approx(-5)


@pytest.mark.parametrize("u", [-300.0, -50.0, -3.0, 0.0, 4.0])
def test_gradient_of_log_ei(u):
    mean, variance = 2.0, 0.49
    incumbent = mean + u * np.sqrt(variance)
    axes = np.eye(2)
    _, gradient = log_ei_gradient(mean, variance, axes[0], axes[1], incumbent)
    for d, size in ((0, 1e-6), (1, 1e-7)):
        up, down = (
            log_expected_improvement(*(np.array([mean, variance]) + s * axes[d]), incumbent)
            for s in (size, -size)
        )
        assert gradient[d] == pytest.approx((up - down) / (2 * size), rel=1e-4)


@pytest.fixture(scope="module")
def gp() -> SparseGP:
    rng = np.random.default_rng(0)
    codes = rng.uniform(-3, 3, (80, 2)) * [1, 5]
    scores = (codes[:, 0] - 1) ** 2 + np.cos(codes[:, 1]) + 0.1 * rng.normal(size=80)
    config = SurrogateConfig(inducing_points=20, iterations=10)
    return SparseGP(config).fit(codes, scores, seed=0)


@pytest.fixture
def candidates(rng) -> np.ndarray:
    return rng.uniform(-3, 3, (30, 2)) * [1, 5]


@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_believer_equals_the_full_inverse(gp, candidates, noise):
    believer = KrigingBeliever(gp, candidates, noise)
    covariance = gp.covariance(candidates, candidates)
    assert believer.variance == pytest.approx(np.diag(covariance), rel=1e-6)
    picked: list[int] = []
    for index in (3, 17, 4, 29):
        believer.add(index)
        picked.append(index)
        known = covariance[np.ix_(picked, picked)] + noise * np.eye(len(picked))
        cross = covariance[:, picked]
        wanted = np.diag(covariance) - np.sum(cross @ np.linalg.inv(known) * cross, axis=1)
        assert believer.variance == pytest.approx(wanted, abs=1e-6 * covariance.max())
        if noise == 0:
            assert believer.variance[picked] == pytest.approx(0, abs=1e-8)


def test_picking_a_point_twice_is_harmless(gp, candidates):
    believer = KrigingBeliever(gp, candidates)
    believer.add(5)
    once = believer.variance
    believer.add(5)
    assert believer.variance == pytest.approx(once, abs=1e-6 * once.max())
    assert np.isfinite(believer.variance).all()


def test_believer_equals_an_exact_process_told_its_own_mean(candidates):
    rng = np.random.default_rng(1)
    codes = rng.uniform(-3, 3, (25, 2))
    scores = np.sin(codes[:, 0]) + codes[:, 1]
    gp = SparseGP(SurrogateConfig(inducing_points=25, iterations=0)).fit(codes, scores, seed=0)
    x, y = gp._x_scaler.forward(codes), gp._y_scaler.forward(scores)
    gp._freeze(solve_collapsed(gp._model, x, y), 25)
    candidates = candidates / [1, 5]
    believer = KrigingBeliever(gp, candidates, noise=gp.noise_variance)
    for index in (0, 7, 8):
        believer.add(index)
    pending = gp._x_scaler.forward(candidates[[0, 7, 8]])
    believed = gp._y_scaler.forward(gp.predict(candidates[[0, 7, 8]])[0])
    data = np.concatenate([x, pending]), np.concatenate([y, believed])[:, None]
    exact = gpflow.models.GPR(data, gp._model.kernel)
    exact.likelihood.variance.assign(gp._model.noise)
    mean, variance = exact.predict_f(gp._x_scaler.forward(candidates))
    unit = scores.std()
    assert believer.variance == pytest.approx(variance.numpy()[:, 0] * unit**2, abs=1e-5)
    told = mean.numpy()[:, 0] * unit + scores.mean()
    assert gp.predict(candidates)[0] == pytest.approx(told, abs=1e-4)


def test_refinement_improves_every_start_inside_the_box(gp, candidates):
    box = np.array([-3.0, -15.0]), np.array([3.0, 15.0])
    incumbent = float(gp.predict(candidates)[0].min())
    before = log_expected_improvement(*gp.predict(candidates), incumbent)
    starts = candidates[np.argsort(before)[-4:]]
    codes, values = maximise_log_ei(gp, starts, box, incumbent)
    assert codes.shape == (4, 2)
    assert (codes >= box[0]).all()
    assert (codes <= box[1]).all()
    assert values == pytest.approx(
        log_expected_improvement(*gp.predict(codes), incumbent), abs=1e-6
    )
    assert (values >= np.sort(before)[-4:] - 1e-9).all()
    assert values.max() > np.max(before) + 1e-3


def test_refinement_honours_pending_points(gp, candidates):
    box = np.array([-3.0, -15.0]), np.array([3.0, 15.0])
    incumbent = float(gp.predict(candidates)[0].min())
    free, value = maximise_log_ei(gp, candidates[:1], box, incumbent)
    again, lower = maximise_log_ei(gp, free, box, incumbent, pending=free, noise=0.01)
    assert lower[0] < value[0] - 0.1
    believer = KrigingBeliever(gp, np.concatenate([free, again]), noise=0.01)
    believer.add(0)
    told = log_expected_improvement(gp.predict(again)[0], believer.variance[1:], incumbent)
    assert lower == pytest.approx(told, rel=1e-5)


def test_a_box_without_width_stays(gp):
    point = np.array([0.5, 1.0])
    codes, _ = maximise_log_ei(gp, point[None], (point, np.array([0.5, 2.0])), 0.0)
    assert codes[0, 0] == 0.5
