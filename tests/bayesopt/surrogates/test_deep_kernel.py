"""The deep kernel: what a network on the codes, or on what a decoder makes of them, adds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import bayesopt.surrogates.feature_network
from bayesopt.surrogates.base import SurrogateConfig
from bayesopt.surrogates.deep_kernel import DeepKernelGP
from bayesopt.surrogates.factory import new_surrogate
from bayesopt.surrogates.nearest import NearestGP
from bayesopt.surrogates.sparse_gp import SparseGP
from gmae_tf.errors import UserError
from tests.bayesopt.toy import CountingScore, grid_search

CONFIG = SurrogateConfig(
    method="deep", kernel="matern52", inducing_points=40, subset=300, iterations=15
)
DIRECTIONS = np.random.default_rng(5).normal(size=(6, 32))


def represent(codes: np.ndarray) -> np.ndarray:
    """[N, 6] -> [N, 8, 4]: waves far too short for a kernel on the codes."""
    waves = np.sin(6 * np.asarray(codes) @ DIRECTIONS)
    return waves.reshape(-1, 8, 4).astype(np.float32)


def toy(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    codes = rng.normal(size=(n, 6))
    scores = 20 + 3 * represent(codes)[:, ::2].sum(axis=(1, 2)) + 0.3 * rng.normal(size=n)
    return codes, scores


@pytest.fixture(scope="module")
def short_training():
    before = bayesopt.surrogates.feature_network.LEAST_STEPS
    bayesopt.surrogates.feature_network.LEAST_STEPS = 200
    yield
    bayesopt.surrogates.feature_network.LEAST_STEPS = before


@pytest.fixture(scope="module")
def fitted(short_training) -> DeepKernelGP:
    return DeepKernelGP(CONFIG, represent).fit(*toy(3000), seed=0)


def test_it_sees_what_a_kernel_on_the_codes_cannot(fitted):
    test = toy(500, seed=1)
    rmse, log_likelihood = fitted.score(*test)
    plain_rmse, plain_log_likelihood = SparseGP(CONFIG).fit(*toy(3000), seed=0).score(*test)
    assert plain_rmse > 0.9 * test[1].std()
    assert rmse < 0.35 * test[1].std()
    assert log_likelihood > plain_log_likelihood + 0.5


def test_its_variance_is_that_of_its_errors(fitted):
    codes, scores = toy(1000, seed=2)
    mean, variance = fitted.predict_y(codes)
    assert 0.6 < np.mean((scores - mean) ** 2 / variance) < 1.6


def test_without_a_representation_it_learns_from_the_codes(short_training):
    def bent(codes):
        return np.abs(codes @ DIRECTIONS[:, 0]) + np.abs(codes @ DIRECTIONS[:, 1])

    train, test = toy(3000)[0], toy(500, seed=1)[0]
    deep = DeepKernelGP(CONFIG).fit(train, bent(train), seed=0)
    assert deep.score(test, bent(test))[0] < 0.35 * bent(test).std()


def test_a_restored_state_predicts_the_same(fitted):
    codes, scores = toy(50, seed=3)
    again = DeepKernelGP(CONFIG, represent).set_state(fitted.get_state()).attach(*toy(3000))
    for one, other in zip(fitted.predict(codes), again.predict(codes), strict=True):
        np.testing.assert_array_equal(one, other)
    assert again.score(codes, scores) == fitted.score(codes, scores)
    draws = [gp.sample(codes, 3, np.random.default_rng(0)) for gp in (fitted, again)]
    np.testing.assert_array_equal(*draws)


def test_a_state_of_another_representation_is_refused(fitted):
    state = fitted.get_state()
    with pytest.raises(UserError, match="stored features do not fit"):
        DeepKernelGP(CONFIG, lambda codes: represent(codes)[:, :, :2]).set_state(
            {k: v[:, :2] if k.startswith("features.plan") else v for k, v in state.items()}
        )
    plain = SparseGP(replace(CONFIG, iterations=0)).fit(*toy(60), seed=0).get_state()
    with pytest.raises(UserError, match="stored features do not fit"):
        DeepKernelGP(CONFIG, represent).set_state(plain)


def test_new_points_are_believed_and_the_features_stay(fitted):
    gp = DeepKernelGP(CONFIG, represent).set_state(fitted.get_state())
    codes, scores = toy(3000)
    place = np.full((60, 6), 0.3) + 0.001 * np.random.default_rng(0).normal(size=(60, 6))
    before, _ = gp.predict(place[:1])
    gp.update(np.concatenate([codes, place]), np.append(scores, np.full(60, before[0] + 8.0)))
    after, _ = gp.predict(place[:1])
    assert after[0] > before[0] + 2.0
    kept = gp.get_state()
    assert all(
        np.array_equal(kept[k], v)
        for k, v in fitted.get_state().items()
        if k.startswith("features")
    )


def test_too_few_points_are_refused_in_a_sentence():
    with pytest.raises(UserError, match=r"cannot be learnt from 12 points.*sgpr"):
        DeepKernelGP(CONFIG).fit(*toy(12), seed=0)


@pytest.mark.parametrize(
    ("method", "kind"), [("deep", DeepKernelGP), ("nearest", NearestGP), ("sgpr", SparseGP)]
)
def test_each_name_has_its_surrogate(method, kind):
    assert type(new_surrogate(SurrogateConfig(method=method))) is kind


def test_a_search_with_it_resumes_as_if_it_had_not_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(bayesopt.surrogates.feature_network, "LEAST_STEPS", 40)
    stages, score = [], CountingScore()
    whole = grid_search(
        None, CONFIG, progress=lambda stage, done, total: stages.append((stage, done == total))
    ).run(score, 10, vectorized=True)
    assert ("features", True) in stages
    for budget in (5, 10):
        parts = grid_search(tmp_path / "parts.sqlite", CONFIG)
        parts.run(score, budget, vectorized=True)
    assert [t.string for t in parts.trials] == [t.string for t in whole.trials]
