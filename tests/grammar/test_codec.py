"""Strings <-> rule indices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from grammar.codec import RuleCodec
from grammar.errors import GrammarError, ParseError
from grammar.expressions.data import load_expressions
from grammar.library import load_grammar
from grammar.sampling.uniform import sample_strings

GRAMMARS_DIR = Path(__file__).parent / "grammars"
LISTS = (GRAMMARS_DIR / "lists.cfg").read_text()
ARITHMETIC = load_grammar("arithmetic").grammar


def test_round_trip_of_generated_strings():
    strings = load_expressions("generated", n=1000) + sample_strings(ARITHMETIC, 1000, 15)
    codec = RuleCodec(ARITHMETIC, 15)
    rules = codec.encode(strings)
    assert rules.shape == (2000, 15)
    assert rules.dtype == np.uint8
    assert codec.decode(rules) == strings


def test_round_trip_and_lengths_of_the_official_data():
    strings = load_expressions("official")
    codec = RuleCodec(ARITHMETIC, 15)
    rules = codec.encode(strings)
    assert codec.decode(rules) == strings
    lengths, counts = np.unique((rules != ARITHMETIC.padding).sum(axis=1), return_counts=True)
    assert dict(zip(lengths.tolist(), counts.tolist(), strict=True)) == {
        8: 624,
        10: 3_748,
        12: 28_092,
        14: 67_536,
    }


def test_the_length_is_that_of_the_longest_string_unless_given():
    codec = RuleCodec(ARITHMETIC)
    assert codec.encode(["x", "x+1"]).tolist() == [[3, 7, 11, 11], [0, 3, 7, 8]]
    assert codec.max_length == 4
    assert codec.encode(["2"]).shape == (1, 4)


def test_no_strings_give_no_rows():
    assert RuleCodec(ARITHMETIC, 15).encode([]).shape == (0, 15)
    assert RuleCodec(ARITHMETIC, 15).decode(np.zeros((0, 15), np.uint8)) == []


def test_a_too_long_string_is_named_with_both_lengths():
    with pytest.raises(GrammarError, match=r"'x\+x\+x' takes 6 productions but max_length is 5"):
        RuleCodec(ARITHMETIC, 5).encode(["x", "x+x+x"])


def test_one_string_instead_of_a_list_is_refused():
    with pytest.raises(GrammarError, match="list of strings"):
        RuleCodec(ARITHMETIC, 5).encode("x")


def test_a_string_outside_the_grammar_raises():
    with pytest.raises(ParseError, match="y"):
        RuleCodec(ARITHMETIC, 15).encode(["x", "x+y"])


def test_decoding_gives_canonical_strings():
    codec = RuleCodec(ARITHMETIC, 15)
    assert codec.decode(codec.encode([" 1/3 + x+sin (x*x)"])) == ["1/3+x+sin(x*x)"]


@pytest.mark.parametrize(
    "rules",
    [
        [0, 3, 7, 11],  # a T is still open, then padding
        [0, 3, 7],  # a T is still open at the end
        [3, 7, 7],  # a rule after the end
        [7, 11, 11],  # does not start with S
        [3, 0, 7],  # an S where a T is open
        [11, 11, 11],  # nothing at all
        [3, 12, 11],  # no such rule
    ],
)
def test_what_is_no_complete_derivation_decodes_to_none(rules):
    assert RuleCodec(ARITHMETIC, 15).decode(np.array([rules])) == [None]


@given(
    hnp.arrays(
        np.uint8, st.tuples(st.integers(0, 5), st.integers(1, 12)), elements=st.integers(0, 12)
    )
)
def test_decoding_any_indices_gives_none_or_a_string_with_those_rules(rules):
    codec = RuleCodec(ARITHMETIC, rules.shape[1])
    for row, text in zip(rules, codec.decode(rules), strict=True):
        if text is not None:
            assert codec.encode([text])[0].tolist() == row.tolist()


@pytest.mark.parametrize("rules", [np.zeros((2, 3)), np.zeros(3, np.uint8)])
def test_wrong_arrays_are_refused(rules):
    with pytest.raises(GrammarError, match="must be integers"):
        RuleCodec(ARITHMETIC, 3).decode(rules)
