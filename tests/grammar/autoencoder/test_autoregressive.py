"""The autoregressive decoder: causal, the same step by step, and able to learn."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from gmae_tf.autoencoder import Autoencoder
from gmae_tf.training.batches import LengthBatches, SeededBatches
from gmae_tf.training.fit import fit
from grammar.autoencoder.autoregressive import AutoregressiveDecoder
from grammar.autoencoder.losses import MaskedCrossEntropy
from grammar.autoencoder.networks import flat_rule_encoder

SYMBOLS = [0, 0, 0, 1, 1, 2]  # of six rules, the last one padding
PADDING, T, D = 5, 7, 3


def decoder() -> AutoregressiveDecoder:
    keras.utils.set_random_seed(0)
    return AutoregressiveDecoder(T, SYMBOLS, D, units=8, dense=16, positions=4, embedding=6)


def sequences(n: int, rng: np.random.Generator) -> np.ndarray:
    """Rules of random lengths, padded."""
    rules = rng.integers(0, PADDING, (n, T)).astype(np.uint8)
    rules[np.arange(T) >= rng.integers(2, T + 1, (n, 1))] = PADDING
    return rules


def test_a_step_sees_only_the_rules_before_it(rng):
    network, codes, rules = decoder(), rng.normal(size=(4, D)), sequences(4, rng)
    before = network.predict_on_batch([codes, rules.astype(np.int32)])
    changed = rules.copy()
    changed[:, 4] = (changed[:, 4] + 1) % 3  # may change the open symbol, so compare up to there
    after = network.predict_on_batch([codes, changed.astype(np.int32)])
    np.testing.assert_allclose(after[:, :4], before[:, :4], atol=1e-6)
    assert np.abs(after[:, 5] - before[:, 5]).max() > 1e-4


class Forced:
    """A mask of decoding that allows the rules of given sequences alone."""

    def __init__(self, rules: np.ndarray) -> None:
        self.rules, self.step = rules, 0

    @property
    def top(self) -> np.ndarray:
        return np.array(SYMBOLS)[self.rules[:, self.step]]

    def allowed(self) -> np.ndarray:
        return np.arange(len(SYMBOLS)) == self.rules[:, self.step, None]

    def apply(self, rules: np.ndarray) -> None:
        self.step += 1


def test_steps_one_by_one_are_the_same_as_all_at_once(rng, monkeypatch):
    network, rules = decoder(), sequences(5, rng)
    rules[0] %= PADDING  # one sequence is open to the end, so every step is taken
    codes = rng.normal(size=(5, D)).astype(np.float32)
    expected = network.predict_on_batch([codes, rules.astype(np.int32)])
    steps = iter(range(T))

    def choose(logits, allowed, temperature, draws):
        np.testing.assert_allclose(logits, expected[:, next(steps)], atol=1e-5)
        return allowed.argmax(axis=1)

    monkeypatch.setattr("grammar.autoencoder.autoregressive.choose", choose)
    np.testing.assert_array_equal(network.decode(codes, Forced(rules)), rules)
    assert next(steps, None) is None


def test_a_shorter_sequence_gives_the_same_logits(rng):
    network, rules = decoder(), sequences(5, rng).astype(np.int32)
    codes = rng.normal(size=(5, D))
    whole = network.predict_on_batch([codes, rules])
    np.testing.assert_allclose(
        network.predict_on_batch([codes, rules[:, :3]]), whole[:, :3], atol=1e-5
    )


def test_it_is_saved_with_its_sizes(rng):
    network, codes, rules = decoder(), rng.normal(size=(2, D)), sequences(2, rng)
    config = keras.saving.serialize_keras_object(network)
    again = keras.saving.deserialize_keras_object(config)
    again.set_weights(network.get_weights())
    inputs = [codes, rules.astype(np.int32)]
    np.testing.assert_allclose(again.predict_on_batch(inputs), network.predict_on_batch(inputs))


def test_the_encoder_pads_short_sequences(rng):
    encoder = flat_rule_encoder(T, 6, D, embedding=4, dense=(8,))
    rules = sequences(3, rng)
    rules[:, 4:] = PADDING
    np.testing.assert_allclose(
        encoder.predict_on_batch(rules[:, :4]), encoder.predict_on_batch(rules), atol=1e-6
    )


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_batches_by_length_hold_the_same_rows_as_plain_ones(parts, rng):
    data = sequences(50, rng)
    plain, cut = SeededBatches(data, 12, seed=3), LengthBatches(data, 12, 3, PADDING, parts)
    for epoch in range(2):
        plain.start_epoch(epoch)
        cut.start_epoch(epoch)
        for i in range(len(plain)):
            (pieces,) = cut[i]
            assert len(pieces) == parts
            assert len({len(piece) for piece in pieces}) == 1
            padded = [
                np.pad(p, ((0, 0), (0, T - p.shape[1])), constant_values=PADDING) for p in pieces
            ]
            expected = sorted(map(bytes, plain[i][0]))
            assert sorted(map(bytes, np.concatenate(padded))) == expected


def test_batches_by_length_crop_nothing_but_padding(rng):
    data = sequences(40, rng)
    (pieces,) = LengthBatches(data, 20, 0, PADDING, 4)[0]
    assert all((piece[:, -1] != PADDING).any() for piece in pieces)
    widths = [piece.shape[1] for piece in pieces]
    assert widths == sorted(widths)
    assert widths[0] < T


def autoencoder() -> Autoencoder:
    keras.utils.set_random_seed(1)
    alternatives = np.equal.outer(SYMBOLS, SYMBOLS).astype(int)
    encoder = flat_rule_encoder(T, 6, D, embedding=6, dense=(32,))
    return Autoencoder(encoder, decoder(), MaskedCrossEntropy(alternatives))


def test_parts_of_a_batch_have_the_loss_of_the_whole(rng):
    network, data = autoencoder(), sequences(24, rng)
    network.compile()
    whole = network.evaluate(SeededBatches(data, 24), verbose=0, return_dict=True)
    batches = LengthBatches(data, 24, 0, PADDING, 3)
    parts = network.evaluate(batches.feed(), verbose=0, return_dict=True)
    assert parts["reconstruction"] == pytest.approx(whole["reconstruction"], rel=1e-4)
    assert parts["exact_match"] == pytest.approx(whole["exact_match"])


@pytest.mark.slow
def test_it_learns_a_few_sequences_by_heart(rng, tmp_path):
    # Of two lengths only: every width of a batch is a graph of its own.
    data = rng.integers(0, PADDING, (12, T)).astype(np.uint8)
    data[::2, 3:] = PADDING
    data = data.repeat(48, axis=0)
    network = autoencoder()
    history = fit(
        network,
        data,
        data[::24],
        tmp_path,
        epochs=10,
        batch_size=24,
        learning_rate=1e-2,
        schedule="cosine",
        xla=False,
        make_batches=lambda rows, size, seed: LengthBatches(rows, size, seed, PADDING, 2),
    )
    assert history[-1]["val_exact_match"] > 0.9
    assert history[-1]["learning_rate"] < 1e-3 < history[0]["learning_rate"]
