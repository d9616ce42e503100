"""VaDE: its bound, and a mixture that is fitted once, after pretraining."""

from __future__ import annotations

import numpy as np
import pytest
from keras import ops
from scipy.special import softmax
from scipy.stats import multivariate_normal
from sklearn.mixture import GaussianMixture as Mixture

from gmae_tf.autoencoder import Autoencoder, Batch
from gmae_tf.errors import UserError
from gmae_tf.training.fit import fit


def test_terms_are_the_divergence_from_the_mixture(make_model, rng) -> None:
    model = make_model("vade", components=3)
    method = model.method
    means, variances = rng.normal(size=(3, 2)), rng.uniform(0.5, 2.0, size=(3, 2))
    weights = np.array([0.2, 0.3, 0.5])
    method.mixture.assign(weights, means, variances)
    method.mixture.fitted.assign(1.0)
    encoded, z = rng.normal(size=(5, 4)).astype("float32"), rng.normal(size=(5, 2))
    mean, log_variance = map(ops.convert_to_numpy, method.moments(encoded))
    kl, cluster = [], []
    for n in range(5):
        density = [
            multivariate_normal(m, np.diag(v)) for m, v in zip(means, variances, strict=True)
        ]
        gamma = softmax([np.log(w) + p.logpdf(z[n]) for w, p in zip(weights, density, strict=True)])
        own = multivariate_normal(mean[n], np.diag(np.exp(log_variance[n])))
        for k in range(3):
            cross = (
                -density[k].logpdf(mean[n]) + 0.5 * (np.exp(log_variance[n]) / variances[k]).sum()
            )
            kl.append(gamma[k] * (cross - own.entropy()))
            cluster.append(gamma[k] * np.log(gamma[k] / weights[k]))
    found = method.loss_terms(Batch(model, None, encoded, z.astype("float32"), None, training=True))
    assert float(found["kl"]) == pytest.approx(sum(kl) / 5, rel=1e-4)
    assert float(found["cluster"]) == pytest.approx(sum(cluster) / 5, rel=1e-4)


def test_fit_is_that_of_scikit_learn_and_happens_once(make_model, two_blobs) -> None:
    model = make_model("vade", steps=80, options={"pretraining": 0.5})
    batches = [(two_blobs[i : i + 50],) for i in range(0, 1000, 50)]  # 20 steps an epoch
    model.method.start_epoch(model, batches, 1)
    assert not float(model.method.mixture.fitted)
    x = two_blobs[:20]
    plain = model(x, training=True)
    np.testing.assert_array_equal(plain["drawn"], plain["latent"])  # no noise before
    model.method.start_epoch(model, batches, 2)
    codes = model.encode(two_blobs)
    oracle = Mixture(2, covariance_type="diag", random_state=0, n_init=5).fit(codes)
    mixture = model.method.mixture.value
    order = [np.argsort(means[:, 0]) for means in (mixture.means, oracle.means_)]
    np.testing.assert_allclose(mixture.means[order[0]], oracle.means_[order[1]], rtol=1e-3)
    np.testing.assert_allclose(
        np.diagonal(mixture.covariances, axis1=1, axis2=2)[order[0]],
        oracle.covariances_[order[1]],
        rtol=1e-2,
    )
    np.testing.assert_allclose(
        model.cluster_probs(x)[:, order[0]],
        oracle.predict_proba(codes[:20])[:, order[1]],
        atol=1e-3,
    )
    model.method.mixture.means.assign(model.method.mixture.means + 1.0)
    model.method.start_epoch(model, batches, 3)
    np.testing.assert_allclose(model.method.mixture.value.means, mixture.means + 1.0, rtol=1e-5)


def test_too_few_examples_are_a_sentence(make_model, two_blobs) -> None:
    model = make_model("vade", components=4, options={"pretraining": 0.0})
    with pytest.raises(UserError, match="3 examples are too few for 4 clusters"):
        model.method.start_epoch(model, [(two_blobs[:3],)], 0)


@pytest.mark.usefixtures("eager")
def test_a_resumed_training_neither_repeats_nor_forgets_the_fit(
    make_model, two_blobs, tmp_path
) -> None:
    """The fit is at the start of the second epoch: before and after it."""
    rows = two_blobs[:200]

    def run(folder: str, epochs: int) -> tuple[Autoencoder, list[dict[str, float]]]:
        model = make_model("vade", steps=12, options={"pretraining": 1 / 3})  # 4 steps an epoch
        options = {"epochs": epochs, "batch_size": 50, "xla": False, "verbose": False}
        return model, fit(model, rows, rows, tmp_path / folder, **options)

    whole, history = run("whole", 3)
    for interrupted_after in (1, 2):
        run(f"resumed{interrupted_after}", interrupted_after)
        resumed, found = run(f"resumed{interrupted_after}", 3)
        assert [row["val_loss"] for row in found] == [row["val_loss"] for row in history]
        for one, other in zip(whole.get_weights(), resumed.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)


def test_finds_two_groups_and_keeps_weights_from_after_the_fit(
    make_model, train, two_blobs
) -> None:
    model = make_model("vade", steps=160)
    history = train(model, two_blobs, epochs=8)
    assert history[-1]["val_loss"] < 0.5 * 6 * np.square(two_blobs).mean()
    assert float(model.method.mixture.fitted) == 1  # the best weights are not of pretraining
    before, last = history[1]["val_loss"], history[-1]["val_loss"]
    assert last < before < 10 * last  # of one scale, and none before the fit is the best
    groups = model.cluster_probs(two_blobs).argmax(axis=1)
    share = (groups == np.arange(1000) % 2).mean()
    assert max(share, 1 - share) > 0.98
    decoded = model.sample(1000, np.random.default_rng(0)).mean(axis=1)
    assert 0.35 < (decoded > 0).mean() < 0.65
    assert np.abs(np.abs(decoded) - 3.0).mean() < 1.0
