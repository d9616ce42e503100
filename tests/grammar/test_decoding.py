"""Masked decoding: complete by construction, faithful to the logits, as sampled as it should be."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grammar.cfg.grammar import Grammar
from grammar.codec import RuleCodec
from grammar.decoding import StackMask, decode_logits
from grammar.errors import GrammarError
from grammar.library import load_grammar
from grammar.sampling.counting import Derivations
from grammar.sampling.uniform import sample_derivations

GRAMMARS_DIR = Path(__file__).parent / "grammars"
LISTS = (GRAMMARS_DIR / "lists.cfg").read_text()
PALINDROMES = (GRAMMARS_DIR / "palindromes.cfg").read_text()
ARITHMETIC = load_grammar("arithmetic").grammar
GRAMMARS = [
    ARITHMETIC,
    Grammar(LISTS),
    Grammar(PALINDROMES),
    Grammar("S -> S S '.' | 'x' | S S S '!' | '(' A B ')'\nA -> 'a' S S\nB -> 'b' | 'c' A"),
    Grammar("%undefined later\nS -> '-' later | S '+' S 'x' | 'x'"),
]


def official(grammar: Grammar) -> Callable[[int, int], StackMask]:
    """The mask of the Grammar VAE, which does not see how many steps are left."""
    return partial(StackMask, grammar, length_aware=False)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(GRAMMARS),
    st.integers(0, 30),
    st.sampled_from([0.0, 1.0, 50.0, 1e6]),
    st.booleans(),
)
def test_every_decode_of_random_logits_is_a_complete_string(seed, grammar, extra, scale, greedy):
    rng = np.random.default_rng(seed)
    steps = int(grammar.min_cost_lhs[0]) + extra
    logits = scale * rng.standard_normal((7, steps, grammar.n_rules)).astype(np.float32)
    rules = decode_logits(logits, grammar, rng=None if greedy else rng)
    assert rules.dtype == np.uint8
    assert rules.shape == (7, steps)
    assert None not in RuleCodec(grammar, steps).decode(rules)


@given(st.integers(0, 2**32 - 1), st.sampled_from(GRAMMARS))
def test_confident_logits_decode_to_their_own_derivation(seed, grammar):
    rng = np.random.default_rng(seed)
    steps = int(grammar.min_cost_lhs[0]) + 8
    n = min(20, Derivations(grammar, steps).total)
    rules = sample_derivations(grammar, n, steps, rng)
    logits = np.eye(grammar.n_rules)[rules] * 10 + rng.uniform(0, 1, (n, steps, grammar.n_rules))
    np.testing.assert_array_equal(decode_logits(logits, grammar), rules)
    np.testing.assert_array_equal(decode_logits(logits, grammar, walk=official(grammar)), rules)


def test_infinite_and_undefined_logits_still_decode():
    logits = np.full((3, 15, 12), np.nan)
    logits[1] = -np.inf
    logits[2] = np.inf
    assert None not in RuleCodec(ARITHMETIC, 15).decode(decode_logits(logits, ARITHMETIC))


def test_the_official_behaviour_leaves_most_random_walks_incomplete():
    rng = np.random.default_rng(0)
    logits = np.zeros((4000, 15, 12))
    rules = decode_logits(logits, ARITHMETIC, rng=rng, walk=official(ARITHMETIC))
    complete = np.mean([text is not None for text in RuleCodec(ARITHMETIC, 15).decode(rules)])
    assert complete == pytest.approx(0.36, abs=0.03)  # uniform walks at 15 productions


def test_samples_follow_the_masked_softmax():
    rng = np.random.default_rng(1)
    logits = np.zeros((40_000, 2, 12))
    logits[:, 1] = np.linspace(0, 2, 12)
    temperature = 0.7
    rules = decode_logits(logits, ARITHMETIC, temperature=temperature, rng=rng)
    assert (rules[:, 0] == 3).all()  # only S -> T can be finished in two steps
    expected = np.exp(logits[0, 1, 7:11] / temperature)  # and only the four atoms in one
    observed = np.bincount(rules[:, 1], minlength=12)[7:11] / 40_000
    np.testing.assert_allclose(observed, expected / expected.sum(), atol=0.01)


def test_samples_are_reproducible_and_differ():
    logits = np.zeros((10, 15, 12))
    first, again = (
        decode_logits(logits, ARITHMETIC, rng=np.random.default_rng(3)) for _ in range(2)
    )
    np.testing.assert_array_equal(first, again)
    assert len(np.unique(first, axis=0)) > 1


def test_low_temperature_samples_are_greedy():
    rng = np.random.default_rng(0)
    logits = rng.standard_normal((50, 15, 12))
    sampled = decode_logits(logits, ARITHMETIC, temperature=1e-6, rng=rng)
    np.testing.assert_array_equal(sampled, decode_logits(logits, ARITHMETIC))


def test_the_input_is_left_alone():
    logits = np.random.default_rng(0).standard_normal((5, 15, 12))
    before = logits.copy()
    decode_logits(logits, ARITHMETIC, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(logits, before)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"logits": np.zeros((2, 15, 11))}, r"\[N, T, 12\]"),
        ({"logits": np.zeros((15, 12))}, r"\[N, T, 12\]"),
        ({"logits": np.zeros((2, 1, 12))}, "takes 2 productions"),
        ({"temperature": 0.0, "rng": np.random.default_rng(0)}, "greater than 0"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(GrammarError, match=message):
        decode_logits(arguments.pop("logits", np.zeros((2, 15, 12))), ARITHMETIC, **arguments)


def test_five_thousand_codes_take_a_fraction_of_a_second():
    logits = np.random.default_rng(0).standard_normal((5000, 15, 12)).astype(np.float32)
    times = []
    for _ in range(5):
        start = time.process_time()
        decode_logits(logits, ARITHMETIC)
        times.append(time.process_time() - start)
    assert min(times) < 0.1


def test_a_walk_taken_step_by_step_is_the_decode_and_rows_can_be_taken_from_it():
    rng = np.random.default_rng(0)
    logits = rng.standard_normal((30, 12, 12))
    expected = decode_logits(logits, ARITHMETIC)
    rows = rng.integers(0, 30, 50)
    walk = StackMask(ARITHMETIC, 30, 12)
    for step in range(12):
        if step == 4:  # continue with a draw of the rows, as resampling and beams do
            walk, logits, expected = walk.take(rows), logits[rows], expected[rows]
        top, allowed = walk.top, walk.allowed()
        np.testing.assert_array_equal(ARITHMETIC.lhs_index[expected[:, step]], top)
        rules = np.where(allowed, logits[:, step], -np.inf).argmax(axis=1)
        np.testing.assert_array_equal(rules, expected[:, step])
        walk.apply(rules)
    assert (walk.top == len(ARITHMETIC.lhs_names) - 1).all()


def test_another_walk_can_decide_what_is_allowed():
    class NoSums(StackMask):
        def allowed(self):
            return super().allowed() & (np.arange(12) != 0)

    logits = np.random.default_rng(0).standard_normal((200, 15, 12))
    rules = decode_logits(logits, ARITHMETIC, walk=lambda n, steps: NoSums(ARITHMETIC, n, steps))
    assert (rules != 0).all()
    assert (decode_logits(logits, ARITHMETIC) == 0).any()
