from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops
from scipy import stats
from sklearn.decomposition import PCA

from gmae_tf.models.two_stage import TwoStages
from tests.oracles.batches import seen_by

SMALL = {"second": (32, 32)}


def test_terms_are_densities_of_both_stages(make_model, two_blobs):
    model = make_model("2s-vae", options=SMALL)
    method, x = model.method, two_blobs[:7]
    method.log_gamma_x.assign(-0.5)
    method.log_gamma_z.assign(0.2)
    method.encoder.layers[-1].bias.assign([0.3, -0.4, -18.0, -18.0])  # u hardly random
    batch = seen_by(model, x)
    terms = {name: float(value) for name, value in method.loss_terms(batch).items()}
    decoded = ops.convert_to_numpy(batch.reconstruction)
    first = -stats.norm.logpdf(x, decoded, np.exp(-0.5)).sum(axis=1).mean()
    assert terms["likelihood"] == pytest.approx(first, rel=0.01)
    u = method.encoder(batch.drawn)[:, :2]
    back = ops.convert_to_numpy(method.decoder(u))
    z = ops.convert_to_numpy(batch.drawn)
    second = -stats.norm.logpdf(z, back, np.exp(0.2)).sum(axis=1).mean()
    assert terms["second_likelihood"] == pytest.approx(second, rel=0.05)


def test_the_second_stage_does_not_move_the_first(make_model, two_blobs):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("takes gradients by TensorFlow")
    import tensorflow as tf

    model = make_model("2s-vae", options=SMALL)
    method = model.method
    first = [*model.encoder.trainable_variables, *model.decoder.trainable_variables]
    second = [*method.encoder.trainable_variables, *method.decoder.trainable_variables]
    first, second = [*first, method.log_gamma_x], [*second, method.log_gamma_z]
    with tf.GradientTape(persistent=True) as tape:
        terms = method.loss_terms(seen_by(model, two_blobs[:20]))
        one = terms["likelihood"] + terms["kl"]
        two = terms["second_likelihood"] + terms["second_kl"]
    moved = lambda loss, variables: [  # noqa: E731
        gradient is not None and bool(ops.any(gradient != 0))
        for gradient in tape.gradient(loss, [variable.value for variable in variables])
    ]
    assert all(moved(one, first))
    assert not any(moved(one, second))
    assert all(moved(two, second))
    assert not any(moved(two, first))


def test_gaussian_data_get_the_likelihood_of_probabilistic_pca(make_model, train):
    scales = np.sqrt([4.0, 1.0, 0.05, 0.05, 0.05, 0.05])
    rows = (np.random.default_rng(0).normal(size=(10_000, 6)) * scales).astype(np.float32)
    model = make_model("2s-vae", options=SMALL)
    last = train(model, rows, 6, batch_size=100, learning_rate=1e-2)[-1]
    bound = -PCA(2).fit(rows).score(rows)  # scikit-learn's score is that of probabilistic PCA
    assert last["likelihood"] + last["kl"] == pytest.approx(bound, abs=0.1)
    gamma = np.exp(float(model.method.log_gamma_x))
    assert gamma == pytest.approx(np.sqrt(0.05), rel=0.05)
    # Codes of the first stage are N(0, I), of which the second can know no more than that.
    assert last["second_likelihood"] + last["second_kl"] == pytest.approx(2 * 1.4189, abs=0.1)


@pytest.mark.slow
def test_codes_of_the_second_stage_lie_where_those_of_data_do(make_model, train, two_blobs):
    model = make_model("2s-vae", options=SMALL)
    train(model, np.tile(two_blobs, (20, 1)), 6, batch_size=100, learning_rate=1e-2)
    rng = np.random.default_rng(0)
    side = np.abs(two_blobs.mean(axis=1))
    inside = lambda codes: np.mean(  # noqa: E731
        np.abs(model.decode(codes).mean(axis=1)) > np.quantile(side, 0.02)
    )
    # Between the groups there is room for most of N(0, I).
    assert inside(rng.normal(size=(1000, 2))) < 0.5
    assert inside(model.sample_codes(1000, rng)) > 0.75
    assert 0.4 < np.mean(model.sample(1000, rng).mean(axis=1) > 0) < 0.6


def test_strings_have_no_scale_in_the_first_stage():
    method = TwoStages(2, 1, (4,))
    assert set(method.term_weights) == {"kl", "second_likelihood", "second_kl"}
