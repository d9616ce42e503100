"""Noise on codes, prediction heads, augmented inputs and the transformer encoder, on strings."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from gmae_tf.models.auxiliary import AuxiliaryObjectives
from gmae_tf.models.config import Recipe
from gmae_tf.training.batches import AnnotatedSequences, TargetBatches
from grammar.autoencoder.architectures import Architecture, build_from_recipe
from grammar.autoencoder.model import GrammarAutoencoder
from grammar.library import load_grammar
from grammar.sampling.uniform import sample_derivations

GRAMMAR = load_grammar("arithmetic").grammar
SMALL = {"units": 16, "dense": 16, "positions": 4}
AUXILIARY = {"noise": 0.6, "heads": 3, "head_weight": 10.0}
LENGTH = 9
STEPS = 5


def model(name="gmae", architecture="autoregressive", **more):
    sizes = SMALL | ({"width": 16, "blocks": 1} if architecture == "sequence" else {})
    known = Architecture(architecture, sizes)
    recipe = Recipe(name, 8, 4, auxiliary=AUXILIARY, steps=STEPS, **more)
    network = build_from_recipe(recipe, GRAMMAR, LENGTH, known)
    return GrammarAutoencoder(GRAMMAR, LENGTH, network, architecture=known)


def rules(n=24):
    return sample_derivations(GRAMMAR, n, LENGTH, np.random.default_rng(0))


@pytest.mark.parametrize("name", ["gmae", "vae", "rae", "wae-mmd"])
@pytest.mark.usefixtures("eager")
def test_any_model_has_heads_and_noise(name):
    network = model(name).network
    network.compile(keras.optimizers.Adam(1e-2))
    x, y = rules(), np.random.default_rng(0).normal(size=(24, 3)).astype("float32")
    first = network.train_on_batch(x, y, return_dict=True)
    for _ in range(STEPS):
        last = network.train_on_batch(x, y, return_dict=True)
    assert last["heads"] < first["heads"]
    assert network.has_prior == (name != "rae")
    assert float(network.method.progress) == pytest.approx(1.0)


def test_without_targets_there_is_no_term_and_no_noise_in_evaluation():
    network = model().network
    network.compile("adam")
    logs = network.evaluate(rules(), verbose=0, return_dict=True)
    assert logs["heads"] == 0.0
    codes = ops.convert_to_tensor(np.zeros((2, 8), "float32"))
    assert np.array_equal(network.method.sample_latent(codes, False), codes)


def test_noise_rises_and_each_code_has_its_own():
    method = AuxiliaryObjectives(4, noise=2.0, ramp=0.5, least=0.5)
    codes = ops.zeros((4000, 4))
    assert float(ops.max(ops.abs(method.sample_latent(codes, True)))) == 0.0
    method.progress.assign(0.25)
    # Half the level, uniform from half of that: mean square 1 * (1 + 0.5 + 0.25) / 3
    assert float(ops.mean(ops.square(method.sample_latent(codes, True)))) == pytest.approx(
        0.583, abs=0.03
    )


@pytest.mark.parametrize(
    ("name", "architecture"), [("gmae", "autoregressive"), ("vae", "sequence")]
)
def test_saved_model_decodes_without_targets(tmp_path, name, architecture):
    first = model(name, architecture)
    first.save(tmp_path, half_precision=True)
    second = GrammarAutoencoder.load(tmp_path)
    x = rules(5)
    codes = first.network.encode(x)
    assert np.allclose(second.network.encode(x), codes, atol=0.05)
    assert len(second.decode(codes)) == 5


def test_encoder_does_not_see_padding():
    encoder = model(architecture="sequence").network.encoder
    x = rules(6)
    longest = int((x != GRAMMAR.padding).sum(axis=1).max())
    whole, cut = encoder(x), encoder(x[:, :longest])
    assert np.allclose(whole, cut, atol=1e-5)


def test_pairs_are_encoded_and_reconstructed():
    network = model().network
    x = rules(6)
    pairs = np.stack([x[::-1], x], axis=1)
    codes = network(ops.convert_to_tensor(pairs))["latent"]
    assert np.allclose(codes, network.encode(x[::-1].copy()), atol=1e-4)


def test_batches_of_annotated_sequences_are_the_same_when_resumed():
    x = rules(20)
    annotated = AnnotatedSequences(
        x, np.arange(40.0).reshape(20, 2), np.stack([x, x[::-1]], axis=1), 0.5
    )
    batches = TargetBatches(annotated, 5, seed=1)
    again = TargetBatches(annotated, 5, seed=1)
    for part in (batches, again):
        part.start_epoch(3)
    first, second = batches[1], again[1]
    assert np.array_equal(first[0], second[0])
    rows = (first[1][:, 0] / 2).astype(int)
    assert np.array_equal(first[0][:, 1], x[rows])
