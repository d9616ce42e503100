"""The masked cross-entropy against a loop."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from grammar.autoencoder.losses import MaskedCrossEntropy
from tests.oracles.tensors import gradient, tensor

# Seven rules: three of one symbol, two of a second, one of a third, and the padding.
OWNER = np.array([0, 0, 0, 1, 1, 2, 3])
PADDING = 6
LOSS = MaskedCrossEntropy(OWNER[:, None] == OWNER[None, :])


def looped(rules: np.ndarray, logits: np.ndarray) -> float:
    """Nats per sequence: softmax over the rules of the true rule's symbol, step by step."""
    total = 0.0
    for row, scores in zip(rules, logits, strict=True):
        for rule, score in zip(row, scores, strict=True):
            rivals = [r for r in range(len(OWNER)) if OWNER[r] == OWNER[rule]]
            total -= score[rule] - np.log(sum(np.exp(score[r]) for r in rivals))
    return total / len(rules)


@pytest.fixture
def rules(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 7, size=(5, 8)).astype(np.uint8)


@pytest.fixture
def logits(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(scale=3.0, size=(5, 8, 7)).astype(np.float32)


def test_cross_entropy_is_that_of_a_loop(rules: np.ndarray, logits: np.ndarray):
    assert float(LOSS(rules, tensor(logits, "float32"))) == pytest.approx(
        looped(rules, logits.astype(np.float64)), rel=1e-6
    )


def test_padding_and_forced_rules_cost_nothing(logits: np.ndarray):
    forced = np.full((5, 8), PADDING, np.uint8)
    forced[:, :4] = 5  # the only rule of its symbol
    t = tensor(logits, "float32")
    assert float(LOSS(forced, t)) == 0.0
    assert np.abs(gradient(lambda a: LOSS(forced, a), t)).max() < 1e-7


def test_only_rivals_of_the_true_rule_have_a_gradient(rules: np.ndarray, logits: np.ndarray):
    slopes = gradient(lambda a: LOSS(rules, a), tensor(logits / 3, "float32"))
    choice = np.bincount(OWNER)[OWNER[rules]] > 1
    rivals = (OWNER[rules][..., None] == OWNER) & choice[..., None]
    np.testing.assert_array_equal(np.abs(slopes) > 1e-6, rivals)


def test_exact_match_counts_whole_sequences(rules: np.ndarray, logits: np.ndarray):
    logits = logits.copy()
    np.put_along_axis(logits, rules[..., None].astype(int), 50.0, axis=-1)
    assert float(LOSS.exact_match(rules, tensor(logits, "float32"))) == 1.0
    # A rule of another symbol may score higher: it is impossible there.
    impossible = (rules + 3) % 7
    assert (OWNER[impossible] != OWNER[rules]).all()
    np.put_along_axis(logits, impossible[..., None].astype(int), 90.0, axis=-1)
    assert float(LOSS.exact_match(rules, tensor(logits, "float32"))) == 1.0
    rules[1, 3], rules[4, 0] = 0, 0
    logits[1, 3, 1], logits[4, 0, 2] = 99.0, 99.0  # one rival too high spoils a sequence
    assert float(LOSS.exact_match(rules, tensor(logits, "float32"))) == pytest.approx(3 / 5)


def test_enormous_logits_stay_finite(rules: np.ndarray, logits: np.ndarray):
    assert np.isfinite(float(LOSS(rules, tensor(1e6 * logits, "float32"))))


def test_half_precision_logits_are_summed_in_single_precision(
    rules: np.ndarray, logits: np.ndarray
):
    half = logits.astype(np.float16)
    loss = LOSS(rules, tensor(half, "float16"))
    assert keras.backend.standardize_dtype(loss.dtype) == "float32"
    assert float(loss) == pytest.approx(looped(rules, half.astype(np.float64)), rel=1e-5)


def test_the_loss_is_saved_with_a_model(rules: np.ndarray, logits: np.ndarray):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(LOSS))
    t = tensor(logits, "float32")
    np.testing.assert_array_equal(
        ops.convert_to_numpy(LOSS(rules, t)), ops.convert_to_numpy(again(rules, t))
    )
