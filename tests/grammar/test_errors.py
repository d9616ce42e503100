"""Wrong types in the public names: one sentence each that says what is needed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import grammar
from gmae_tf.errors import UserError
from grammar.autoencoder.architectures import Architecture
from grammar.autoencoder.training import TrainingOptions

PARSER = grammar.load_grammar("arithmetic")
CODEC = grammar.RuleCodec(PARSER, 15)
STRINGS = ["x+1", "x*2"] * 15


@pytest.fixture(scope="module")
def model() -> grammar.GrammarAutoencoder:
    return grammar.GrammarAutoencoder.load("expressions")


def refused(call: Callable[[], object], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence) as caught:
        call()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("wrong", [None, 3, 2.5, b"x", object()])
@pytest.mark.parametrize(
    ("take", "sentence"),
    [
        (grammar.Grammar, "give a grammar as the text of its rules"),
        (grammar.Parser, "load_grammar makes a parser"),
        (grammar.RuleCodec, "load_grammar makes a parser"),
        (grammar.load_grammar, "give the name or file of a grammar"),
        (PARSER.parse, "give a string of the grammar"),
        (PARSER.grammar.tokenize, "give a string of the grammar"),
        (PARSER.grammar.canonical, "give a string of the grammar"),
        (CODEC.encode, "give a list of strings"),
        (CODEC.decode, "rules must be integers"),
        (grammar.GrammarAutoencoder.load, "give the folder of a saved model.*expressions"),
    ],
)
def test_other_types_are_refused(take: Callable[[object], object], sentence: str, wrong: object):
    refused(lambda: take(wrong), sentence)


def test_rows_of_different_lengths_are_no_rules():
    refused(lambda: CODEC.decode([[0, 1], [2]]), r"rules must be integers \[N, T\]")
    refused(lambda: CODEC.tokens(None), "a sequence of rule indices")


def test_time_spans_are_no_rules_though_numpy_has_them_for_integers():
    refused(lambda: CODEC.decode(np.zeros((2, 3), "m8[s]")), r"rules must be integers \[N, T\]")


@pytest.mark.parametrize("wrong", [0, -1, 2.5, "x"])
def test_a_longest_sequence_is_a_positive_whole_number(wrong: object):
    refused(lambda: grammar.RuleCodec(PARSER, wrong), "max_length")


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda m: m.sample("x"), "n is 'x': give a whole number"),
        (lambda m: m.sample(1, seed="x"), "seed is 'x': give a whole number"),
        (lambda m: m.encode(None), "give a list of strings"),
        (lambda m: m.decode(None), "codes are not numbers"),
        (lambda m: m.decode(np.zeros((1, 25)), 0), "rng: give numpy.random.default_rng"),
        (
            lambda m: m.decode(np.zeros((1, 25)), np.random.default_rng(0), "x"),
            "temperature: give a number",
        ),
        (lambda m: m.interpolate(None, "x"), "item 0 is None"),
        (lambda m: m.interpolate("x", "x", "x"), "give a whole number"),
        (lambda m: m.exact_match(None), "rules must be integers"),
        (lambda m: m.save(None), "give the path of a folder"),
    ],
)
def test_wrong_arguments_of_a_model(model, call, sentence: str):
    refused(lambda: call(model), sentence)


@pytest.mark.parametrize(
    ("option", "wrong", "sentence"),
    [
        ("strings", None, "give a list of strings"),
        ("grammar", None, "give the name or file of a grammar"),
        ("architecture", "zinc", "give an Architecture"),
        ("architecture", Architecture("nope"), "'nope' is no architecture; there are expressions"),
        ("architecture", Architecture("zinc", {"width": 1}), "its sizes are units, dense"),
        ("folder", 3, "give the path of a run folder"),
        ("model", None, "model must be a name"),
        ("model_options", [], "model_options must be a dictionary"),
        ("epochs", "x", "epochs must be a whole number, not 'x'"),
        ("latent_dim", 2.5, "latent_dim must be a whole number, not 2.5"),
        ("max_length", 2.5, "max_length must be a whole number"),
        ("learning_rate", "x", "learning_rate must be a number"),
        ("xla", 2, "xla must be True or False"),
        ("seed", -1, "seed must be 0 or greater"),
        ("nope", 1, "fit has no option 'nope': choose among model, .*batch_size"),
    ],
)
def test_wrong_options_of_a_fit(option: str, wrong: object, sentence: str):
    given = {"strings": STRINGS, option: wrong}
    refused(lambda: grammar.GrammarAutoencoder.fit(**given), sentence)


def test_numbers_of_numpy_are_numbers():
    options = TrainingOptions(epochs=np.int64(2), learning_rate=np.float32(0.1), max_length=None)
    assert options.epochs == 2
