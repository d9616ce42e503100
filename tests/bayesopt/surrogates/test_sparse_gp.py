"""The sparse Gaussian process against GPflow's exact one, double loops in NumPy, and itself."""

from __future__ import annotations

import io
from dataclasses import replace

import gpflow
import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import norm

from bayesopt.surrogates import training as fitting
from bayesopt.surrogates.base import SurrogateConfig
from bayesopt.surrogates.inducing import Scaler, kmeans_inducing_points, median_lengthscales
from bayesopt.surrogates.sparse_gp import SparseGP
from bayesopt.surrogates.training import SparseModel, fit_stochastic, minibatches, solve_collapsed
from gmae_tf.errors import UserError

SMALL = SurrogateConfig(inducing_points=25, iterations=15, kernel="squared_exponential")


def toy(n, seed=0, noise=0.1):
    """Codes of very different scales, scores far from 0."""
    rng = np.random.default_rng(seed)
    codes = rng.normal(size=(n, 3)) * [0.1, 2.0, 30.0] + [5.0, -3.0, 100.0]
    scores = 40 + 7 * np.sin(10 * codes[:, 0]) + codes[:, 1] + noise * rng.normal(size=n)
    return codes, scores


@pytest.fixture(scope="module")
def fitted() -> SparseGP:
    return SparseGP(SMALL).fit(*toy(200), seed=0)


@pytest.fixture(scope="module")
def plain() -> SparseGP:
    """Untrained hyper-parameters, under which naive inverses lose few digits."""
    config = replace(SMALL, iterations=0)
    return SparseGP(config).fit(*toy(200), seed=0)


def exact(gp, codes, scores):
    """GPflow's GPR with the hyper-parameters of `gp`, on standardised data."""
    x, y = Scaler.of(codes).forward(codes), Scaler.of(scores).forward(scores)
    gpr = gpflow.models.GPR((x, y[:, None]), gp._model.kernel)
    gpr.likelihood.variance.assign(gp._model.noise)
    return gpr


def reference_moments(gp, codes, scores, new):
    """Titsias' predictive equations, written out with loops and inverses (standardised units)."""
    kernel, z = gp._model.kernel, gp._model.inducing
    scales, amplitude = kernel.lengthscales.numpy(), float(kernel.variance.numpy())

    def gram(a, b):
        out = np.empty((len(a), len(b)))
        for i, p in enumerate(a):
            for j, q in enumerate(b):
                out[i, j] = amplitude * np.exp(-0.5 * np.sum(((p - q) / scales) ** 2))
        return out

    kzz, kzx, kzn = gram(z, z) + 1e-6 * np.eye(len(z)), gram(z, codes), gram(z, new)
    sigma = np.linalg.inv(kzz + kzx @ kzx.T / gp._model.noise)
    mean = kzn.T @ sigma @ kzx @ scores / gp._model.noise
    covariance = gram(new, new) - kzn.T @ (np.linalg.inv(kzz) - sigma) @ kzn
    return mean, covariance


def test_inducing_points_at_the_data_give_the_exact_process():
    codes, scores = toy(40)
    gp = SparseGP(SurrogateConfig(inducing_points=100, iterations=0)).fit(codes, scores, seed=0)
    assert len(gp._model.inducing) == 40
    gpr, new = exact(gp, codes, scores), toy(15, seed=1)[0]
    mean, variance = gpr.predict_f(Scaler.of(codes).forward(new))
    unit = scores.std()
    got_mean, got_variance = gp.predict(new)
    assert got_mean == pytest.approx(mean.numpy()[:, 0] * unit + scores.mean(), abs=1e-5 * unit)
    assert got_variance == pytest.approx(variance.numpy()[:, 0] * unit**2, abs=1e-5 * unit**2)


def test_posterior_equals_double_loop_reference(plain):
    (codes, scores), new = toy(200), toy(12, seed=2)[0]
    x, y = plain._x_scaler.forward(codes), plain._y_scaler.forward(scores)
    mean, covariance = reference_moments(plain, x, y, plain._x_scaler.forward(new))
    unit = scores.std()
    got_mean, got_variance = plain.predict(new)
    assert got_mean == pytest.approx(scores.mean() + unit * mean, rel=1e-7)
    assert got_variance == pytest.approx(unit**2 * np.diag(covariance), rel=1e-5)
    got = plain.covariance(new[:5], new)
    assert got == pytest.approx(unit**2 * covariance[:5], abs=1e-6 * unit**2)


def test_prediction_in_blocks_equals_prediction_at_once(fitted, monkeypatch):
    new = toy(23, seed=3)[0]
    mean, variance = fitted.predict(new)
    monkeypatch.setattr("bayesopt.surrogates.sparse_gp.CHUNK", 5)
    for whole, blocks in zip((mean, variance), fitted.predict(new), strict=True):
        assert blocks == pytest.approx(whole, rel=1e-12)
    assert [len(part) for part in fitted.predict(new[:0])] == [0, 0]


def test_collapsed_posterior_does_not_depend_on_block_size(fitted, monkeypatch):
    codes, scores = toy(50)
    x, y = fitted._x_scaler.forward(codes), fitted._y_scaler.forward(scores)
    whole = solve_collapsed(fitted._model, x, y)
    monkeypatch.setattr("bayesopt.surrogates.posterior.CHUNK", 7)
    assert solve_collapsed(fitted._model, x, y).mean.numpy() == pytest.approx(
        whole.mean.numpy(), abs=1e-8
    )


def test_fit_is_in_raw_units_and_learns(fitted):
    codes, scores = toy(100, seed=4)
    rmse, log_likelihood = fitted.score(codes, scores)
    assert rmse < 0.3 < 0.1 * scores.std()
    assert log_likelihood > norm(scores.mean(), scores.std()).logpdf(scores).mean() + 1
    # Shifting and scaling the data shifts and scales the predictions.
    moved = SparseGP(SMALL).fit(toy(200)[0] * 3 - 7, toy(200)[1] * 100 + 9, seed=0)
    mean, variance = fitted.predict(codes)
    moved_mean, moved_variance = moved.predict(codes * 3 - 7)
    assert moved_mean == pytest.approx(mean * 100 + 9, rel=1e-4)
    assert moved_variance == pytest.approx(variance * 1e4, rel=1e-2)


def test_score_is_the_normal_log_density(fitted):
    codes, scores = toy(30, seed=5)
    mean, variance = fitted.predict_y(codes)
    assert variance == pytest.approx(fitted.predict(codes)[1] + fitted.noise_variance)
    rmse, log_likelihood = fitted.score(codes, scores)
    assert rmse == pytest.approx(np.sqrt(np.mean((scores - mean) ** 2)))
    assert log_likelihood == pytest.approx(norm(mean, np.sqrt(variance)).logpdf(scores).mean())


def test_samples_have_the_posterior_moments(fitted):
    new = toy(6, seed=6)[0]
    draws = fitted.sample(new, 40_000, np.random.default_rng(0))
    mean, _ = fitted.predict(new)
    covariance = fitted.covariance(new, new)
    assert draws.shape == (40_000, 6)
    sd = np.sqrt(np.diag(covariance))
    assert np.abs(draws.mean(0) - mean).max() < 5 * sd.max() / np.sqrt(40_000)
    assert np.abs(np.cov(draws.T) - covariance).max() < 0.04 * sd.max() ** 2


def test_samples_survive_repeated_codes(fitted):
    new = np.repeat(toy(3, seed=7)[0], 4, axis=0)
    draws = fitted.sample(new, 10, np.random.default_rng(0))
    sd = np.sqrt(fitted.predict(new)[1]).max()
    assert np.abs(draws[:, 0] - draws[:, 1]).max() < 0.05 * sd


def test_stochastic_bound_reaches_the_collapsed_posterior(fitted):
    codes, scores = toy(200)
    x, y = fitted._x_scaler.forward(codes), fitted._y_scaler.forward(scores)
    optimum = solve_collapsed(fitted._model, x, y)
    model = SparseModel(fitted._model.kernel, fitted._model.likelihood, fitted._model.inducing)
    settings = {"batch": 200, "gamma": 1.0, "learning_rate": 0.0, "seed": 0}
    found = fit_stochastic(model, x, y, steps=3, **settings)
    new = tf.constant(x[:20])
    for got, wanted in zip(found.moments(new), optimum.moments(new), strict=True):
        assert got.numpy() == pytest.approx(wanted.numpy(), abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("rate", [0.0, 0.01])
def test_svgp_in_minibatches_comes_close_to_sgpr(fitted, rate):
    config = replace(SMALL, method="svgp", svgp_steps=120, svgp_batch=50, svgp_learning_rate=rate)
    codes, scores = toy(100, seed=8)
    gp = SparseGP(config).fit(*toy(200), seed=0)
    assert gp.score(codes, scores)[0] < 1.3 * fitted.score(codes, scores)[0]
    mean, _ = gp.predict(codes)
    assert np.abs(mean - fitted.predict(codes)[0]).max() < 0.1 * scores.std()


def test_hyper_parameters_from_a_subset_posterior_from_all_points():
    codes, scores = toy(400)
    config = replace(SMALL, subset=100)
    stages = []
    gp = SparseGP(config).fit(codes, scores, seed=0, progress=lambda *s: stages.append(s))
    assert stages[0] == ("L-BFGS", 1, 15)
    x, y = gp._x_scaler.forward(codes), gp._y_scaler.forward(scores)
    new = toy(10, seed=9)[0]
    mean, _ = reference_moments(gp, x, y, gp._x_scaler.forward(new))
    assert gp.predict(new)[0] == pytest.approx(scores.mean() + scores.std() * mean, rel=1e-4)


@pytest.mark.parametrize(("limit", "method"), [(60, "sgpr"), (59, "svgp")])
def test_auto_turns_to_minibatches_when_there_are_too_many_points(monkeypatch, limit, method):
    monkeypatch.setattr("bayesopt.surrogates.sparse_gp.AUTO_LIMIT", limit)
    config = SurrogateConfig(inducing_points=10, iterations=0, svgp_steps=2)
    stages = []
    SparseGP(config).fit(*toy(60), seed=0, progress=lambda stage, *_: stages.append(stage))
    assert set(stages) == ({"natural gradients"} if method == "svgp" else set())


def test_update_takes_in_new_points():
    codes, scores = toy(200)
    here = codes[:, 1] < -3
    gp = SparseGP(SMALL).fit(codes[here], scores[here], seed=0)
    before = gp.score(codes[~here], scores[~here])[0]
    order = np.concatenate([np.flatnonzero(here), np.flatnonzero(~here)])
    scaler = gp._x_scaler
    gp.update(codes[order], scores[order])
    assert gp.score(codes[~here], scores[~here])[0] < 0.5 * before
    assert gp._x_scaler is scaler


def test_subset_of_an_update_holds_every_new_point():
    from bayesopt.surrogates.sparse_gp import _subset

    rows = _subset(100, 20, 5, seed=0)
    assert len(rows) == len(set(rows)) == 20
    assert set(range(95, 100)) <= set(rows)
    assert (_subset(100, 20, 50, seed=0) >= 80).all()
    assert (_subset(20, 20, 0, seed=0) == np.arange(20)).all()


@pytest.mark.parametrize("kernel", ["squared_exponential", "matern52", "matern32"])
def test_state_round_trip_is_exact_even_with_noise_on_its_floor(kernel):
    config = SurrogateConfig(kernel=kernel, inducing_points=15, iterations=0)
    gp = SparseGP(config).fit(*toy(60), seed=0)
    gp._model.likelihood.variance.unconstrained_variable.assign(-np.inf)
    assert gp._model.noise == pytest.approx(config.noise_floor)
    file = io.BytesIO()
    np.savez(file, **gp.get_state())
    file.seek(0)
    with np.load(file, allow_pickle=False) as state:
        again = SparseGP(config).set_state(dict(state))
    new = toy(10, seed=1)[0]
    for got, wanted in zip(again.predict_y(new), gp.predict_y(new), strict=True):
        assert (got == wanted).all()
    assert (again.covariance(new, new) == gp.covariance(new, new)).all()


def test_a_restored_process_continues_as_the_original():
    codes, scores = toy(60)
    config = SurrogateConfig(inducing_points=15, iterations=3, refit_iterations=2)
    gp = SparseGP(config).fit(codes[:50], scores[:50], seed=0)
    again = SparseGP(config).set_state(gp.get_state())
    gp.update(codes, scores, seed=1)
    again.update(codes, scores, seed=1)
    assert again.predict(codes)[0] == pytest.approx(gp.predict(codes)[0], rel=1e-9)


def test_state_of_another_configuration_is_refused(fitted):
    state = fitted.get_state()
    for broken in (
        {**state, "kernel.lengthscales": np.ones(7)},
        {k: v for k, v in state.items() if k != "q_mean"},
        {**state, "inducing": np.ones(3)},
    ):
        with pytest.raises(UserError, match="does not fit this configuration"):
            SparseGP(SMALL).set_state(broken)


def test_same_seed_same_fit():
    codes, scores = toy(100)
    config = SurrogateConfig(inducing_points=20, iterations=5)
    first, second = (SparseGP(config).fit(codes, scores, seed=3) for _ in range(2))
    assert first.predict(codes)[0] == pytest.approx(second.predict(codes)[0], rel=1e-9)


@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_believing_gradients_and_conditioning(fitted, noise):
    codes = toy(6, seed=10)[0]
    pending, code = codes[:4], codes[5]
    moments = fitted.believing(pending, noise)
    mean, variance, d_mean, d_variance = moments(code)
    assert mean == pytest.approx(fitted.predict(code[None])[0][0])
    everything = fitted.covariance(codes, codes)
    known = everything[:4, :4] + noise * np.eye(4)
    cross = everything[:4, 5]
    wanted = everything[5, 5] - cross @ np.linalg.inv(known) @ cross
    assert variance == pytest.approx(wanted, rel=1e-4)
    for d in range(3):
        step = np.zeros(3)
        step[d] = 1e-5 * codes.std(0)[d]
        up, down = moments(code + step), moments(code - step)
        assert (up[0] - down[0]) / (2 * step[d]) == pytest.approx(d_mean[d], rel=1e-4, abs=1e-4)
        assert (up[1] - down[1]) / (2 * step[d]) == pytest.approx(d_variance[d], rel=1e-3, abs=1e-5)


def test_nothing_pending_changes_nothing(fitted):
    code = toy(1, seed=11)[0][0]
    mean, variance, _, _ = fitted.believing()(code)
    assert (mean, variance) == pytest.approx([part[0] for part in fitted.predict(code[None])])


def test_failed_factorisations_get_more_jitter(monkeypatch):
    model = SparseModel(
        gpflow.kernels.SquaredExponential(), gpflow.likelihoods.Gaussian(0.1), np.zeros((2, 1))
    )
    tried = []

    def solve(kernel, noise, inducing, x, y, jitter):
        tried.append(jitter)
        if jitter < 1e-4:
            raise tf.errors.InvalidArgumentError(None, None, "Cholesky")
        return "posterior"

    monkeypatch.setattr(fitting, "collapsed_posterior", solve)
    assert solve_collapsed(model, np.zeros((1, 1)), np.zeros(1), jitter=1e-5) == "posterior"
    assert tried == [1e-5, 1e-4]
    monkeypatch.setattr(fitting, "JITTERS", (1e-6,))
    with pytest.raises(UserError, match="not positive definite"):
        solve_collapsed(model, np.zeros((1, 1)), np.zeros(1))


def test_a_failure_in_training_continues_from_the_last_step(monkeypatch):
    codes, scores = toy(60)
    real, jitters = fitting._lbfgs, []

    def fails_once(bound, variables, on_step, iterations, jitter):
        jitters.append((jitter, iterations))
        real(bound, variables, on_step, 2, jitter)
        return len(jitters) > 1

    monkeypatch.setattr(fitting, "_lbfgs", fails_once)
    SparseGP(SurrogateConfig(inducing_points=15, iterations=6)).fit(codes, scores, seed=0)
    assert jitters == [(1e-6, 6), (1e-5, 4)]


def test_constant_dimensions_and_scores_are_harmless():
    codes, _ = toy(40)
    codes[:, 1] = 7.0
    gp = SparseGP(SurrogateConfig(inducing_points=10, iterations=3))
    gp.fit(codes, np.full(40, 3.5), seed=0)
    assert gp.predict(codes)[0] == pytest.approx(3.5)


def test_few_distinct_codes_become_the_inducing_points():
    codes = np.repeat(np.random.default_rng(0).normal(size=(7, 2)), 5, axis=0)
    assert len(kmeans_inducing_points(codes, 50, seed=0)) == 7
    assert kmeans_inducing_points(codes, 3, seed=0).shape == (3, 2)
    assert (median_lengthscales(np.ones((5, 2)), seed=0) == 1).all()


def test_minibatches_visit_every_row_once_an_epoch_in_a_new_order():
    batches = minibatches(20, 5, seed=0)
    epochs = [np.concatenate([next(batches) for _ in range(4)]) for _ in range(2)]
    assert [sorted(e) for e in epochs] == [list(range(20))] * 2
    assert (epochs[0] != epochs[1]).any()


@pytest.mark.parametrize(
    ("codes", "scores", "message"),
    [
        (np.zeros((3, 2)), np.zeros(4), "codes \\[N, D\\] and scores \\[N\\]"),
        (np.zeros(3), np.zeros(3), "codes \\[N, D\\] and scores \\[N\\]"),
        (np.zeros((1, 2)), np.zeros(1), "at least 2"),
        (np.array([[0.0], [np.nan]]), np.zeros(2), "finite"),
        (np.array([[0.0], [1.0]]), np.array([0.0, np.inf]), "finite"),
    ],
)
def test_unusable_data_is_refused_in_one_sentence(codes, scores, message):
    with pytest.raises(UserError, match=message):
        SparseGP(SMALL).fit(codes, scores, seed=0)


@pytest.mark.parametrize("setting", [{"inducing_points": 0}, {"noise_floor": 0.0}, {"subset": 1}])
def test_unusable_settings_are_refused(setting):
    with pytest.raises(UserError, match="surrogate needs"):
        SurrogateConfig(**setting)


def test_few_points_share_one_lengthscale_and_predict_better_than_the_mean():
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(60, 20))
    scores = 3 * codes[:, 0] + 2 * codes[:, 1] + 0.3 * rng.normal(size=60)
    config = replace(SMALL, points_per_lengthscale=5, inducing_points=100, kernel="matern52")
    gp = SparseGP(config).fit(codes[:40], scores[:40], seed=0)
    assert gp._model.kernel.lengthscales.shape == ()
    assert gp.score(codes[40:], scores[40:])[0] < scores[40:].std()
    again = SparseGP(config).set_state(gp.get_state())
    assert np.array_equal(again.predict(codes)[0], gp.predict(codes)[0])
    many = SparseGP(config).fit(*toy(40), seed=0)  # 3 dimensions: enough points for each
    assert many._model.kernel.lengthscales.shape == (3,)


def test_pure_noise_is_not_taken_for_knowledge():
    rng = np.random.default_rng(1)
    codes, scores = rng.normal(size=(20, 56)), rng.normal(size=20)
    config = replace(SMALL, points_per_lengthscale=5, iterations=50)
    gp = SparseGP(config).fit(codes, scores, seed=0)
    new = rng.normal(size=(200, 56))
    mean, variance = gp.predict_y(new)
    assert np.abs(mean).max() < 3 * scores.std()
    assert np.sqrt(variance).min() > 0.3 * scores.std()


def test_new_points_become_inducing_points_where_the_search_is():
    codes, scores = toy(200)
    here = codes[:, 1] < -3
    gp = SparseGP(SurrogateConfig(inducing_points=16, iterations=5, refit_iterations=0))
    gp.fit(codes[here], scores[here], seed=0)
    others = codes[~here]
    for stop in (4, 30):
        known = np.concatenate([codes[here], others[:stop]])
        values = np.concatenate([scores[here], scores[~here][:stop]])
        gp.update(known, values)
        inducing = gp.get_state()["inducing"]
        new = gp._x_scaler.forward(others[:stop][-8:])
        assert len(inducing) == 16
        assert np.isclose(inducing[-len(new) :], new).all()
