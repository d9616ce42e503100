"""CascadeVAE: exact assignments, dimensions that open one by one, a head that learns groups."""

from __future__ import annotations

import itertools

import keras
import numpy as np
import pytest
from keras import ops

from gmae_tf.autoencoder import Batch
from gmae_tf.errors import UserError
from gmae_tf.models import build_model
from gmae_tf.models.cascade_vae import assign
from gmae_tf.models.config import Parts, Recipe
from grammar.autoencoder.losses import MaskedCrossEntropy


@pytest.mark.parametrize("crowding", [0.0, 0.1, 10.0])
def test_assignments_are_the_best_of_all(rng, crowding: float) -> None:
    errors = rng.uniform(size=(6, 3))
    errors[:, 0] -= 0.3

    def cost(groups: tuple[int, ...]) -> float:
        pairs = sum(a == b for a, b in itertools.combinations(groups, 2))
        return errors[range(6), groups].sum() + crowding * pairs

    best = min(itertools.product(range(3), repeat=6), key=cost)
    assert cost(tuple(assign(errors, crowding).argmax(axis=1))) == pytest.approx(cost(best))
    if crowding == 10.0:
        np.testing.assert_array_equal(assign(errors, crowding).sum(axis=0), 2)


def test_dimensions_open_one_by_one_and_groups_begin(make_model, two_blobs) -> None:
    options = {"opening": 0.4, "continuous_only": 0.25, "beta": 0.1, "closed_beta": 9.0}
    model = make_model("cascadevae", 4, steps=100, options=options)
    method = model.method
    for step, n_open in ((0, 1), (9, 1), (10, 2), (29, 3), (30, 4)):
        method.steps.count.assign(float(step))
        expected = [0.1] * n_open + [9.0] * (4 - n_open)
        np.testing.assert_allclose(method.betas(), expected, rtol=1e-6)
        assert model.encode(two_blobs[:5])[:, 4:].sum() == (5 if step >= 25 else 0)


def test_terms_are_those_of_loops(make_model, two_blobs) -> None:
    model = make_model("cascadevae", components=3, options={"crowding": 0.0, "continuous_only": 0})
    x = two_blobs[:7]
    out = model(x, training=False)
    batch = Batch(model, x, out["encoded"], out["drawn"], out["reconstruction"], False)
    found = model.method.loss_terms(batch)
    encoded = ops.convert_to_numpy(out["encoded"]).astype(float)
    mean, log_variance = encoded[:, :2], 10 * np.tanh(encoded[:, 2:4] / 10)
    assigned = head = 0.0
    for n in range(7):
        errors = [
            np.square(x[n] - model.decode([[*mean[n], *np.eye(3)[k]]])[0]).mean() for k in range(3)
        ]
        assigned += min(errors) / 7
        logits = encoded[n, 4:]
        head += (np.log(np.exp(logits).sum()) - logits[np.argmin(errors)]) / 7
    kl = 0.5 * (mean**2 + np.exp(log_variance) - 1 - log_variance).mean(axis=0)
    assert float(found["assigned"]) == pytest.approx(assigned, rel=1e-4)
    assert float(found["head"]) == pytest.approx(head, rel=1e-4)
    assert float(found["kl"]) == pytest.approx(0.1 * kl[0] + 10.0 * kl[1], rel=1e-4)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="takes gradients by a tape")
def test_gradients_reach_what_they_should(make_model, two_blobs) -> None:
    import tensorflow as tf

    model = make_model("cascadevae", options={"continuous_only": 0})
    x = two_blobs[:7]
    with tf.GradientTape(persistent=True) as tape:
        out = model(x, training=True)
        batch = Batch(model, x, out["encoded"], out["drawn"], out["reconstruction"], True)
        found = model.method.loss_terms(batch)
        errors = model.method.errors(model.decoder, x, out["drawn"][:, :2])

    def reaches(term: tf.Tensor, part: keras.Model) -> bool:
        gradients = tape.gradient(term, [v.value for v in part.trainable_variables])
        return any(g is not None and float(tf.norm(g)) > 0 for g in gradients)

    assert reaches(found["assigned"], model.encoder)
    assert reaches(found["assigned"], model.decoder)
    assert reaches(found["head"], model.encoder)
    assert not reaches(found["head"], model.decoder)
    assert not reaches(errors, model.encoder)
    assert not reaches(errors, model.decoder)


def test_other_data_are_refused_in_a_sentence() -> None:
    recipe = Recipe("cascadevae", 2)
    strings = Parts(recipe, keras.Model, keras.Model, MaskedCrossEntropy([[1]]))
    with pytest.raises(UserError, match="train it on images"):
        build_model(strings)


def test_finds_two_groups_that_the_head_and_the_decoder_know(make_model, train, two_blobs) -> None:
    # A z that costs much: otherwise it tells the groups apart, and c something else.
    options = {"beta": 30.0, "continuous_only": 0, "crowding": 0.1}
    model = make_model("cascadevae", 1, steps=300, options=options)
    history = train(model, two_blobs, epochs=15)
    groups = model.cluster_probs(two_blobs).argmax(axis=1)
    share = (groups == np.arange(1000) % 2).mean()
    assert max(share, 1 - share) > 0.98
    assert history[-1]["val_head"] < 0.1
    codes = model.encode(two_blobs)
    exchanged = np.concatenate([codes[:, :1], codes[:, :0:-1]], axis=1)
    right, wrong = (np.square(model.decode(c) - two_blobs).mean() for c in (codes, exchanged))
    assert right < 0.1 * wrong
