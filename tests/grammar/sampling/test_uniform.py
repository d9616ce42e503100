"""The benchmark family, the published set, and uniform sampling from any grammar."""

from __future__ import annotations

import hashlib
from collections import Counter

import numpy as np
import pytest

from grammar.cfg.grammar import Grammar
from grammar.codec import RuleCodec
from grammar.errors import GrammarError
from grammar.expressions.data import OFFICIAL_SHA256
from grammar.library import load_grammar
from grammar.sampling.counting import Derivations
from grammar.sampling.uniform import (
    FAMILY,
    FAMILY_SIZE,
    official_expressions,
    sample_derivations,
    sample_family,
    sample_strings,
)

ARITHMETIC = load_grammar("arithmetic").grammar
COUNTS = {2: 4, 4: 60, 6: 1_044, 8: 19_980, 10: 407_268, 12: 8_675_100, 14: 190_837_620}


def test_the_official_set_is_rebuilt_to_the_byte():
    lines = (" ".join(ARITHMETIC.tokenize(text)) + "\n" for text in official_expressions())
    assert hashlib.sha256("".join(lines).encode()).hexdigest() == OFFICIAL_SHA256


def test_the_official_set_holds_the_target():
    assert official_expressions().index("1/3+(x)+sin(x*x)") == 99908


def test_family_size():
    assert FAMILY_SIZE == 1_105_920
    assert [len(part) for part in FAMILY] == [48, 3, 16, 3, 160]


def test_family_samples_are_different_seeded_and_in_the_grammar():
    strings = sample_family(2000, np.random.default_rng(7))
    assert len(set(strings)) == 2000
    assert strings == sample_family(2000, np.random.default_rng(7))
    assert strings != sample_family(2000, np.random.default_rng(8))
    assert RuleCodec(ARITHMETIC, 14).encode(strings).shape == (2000, 14)


def test_family_samples_have_the_lengths_of_the_official_set():
    """Lengths depend on the two bracketed places only, which the official set enumerates fully."""
    strings = sample_family(20_000, np.random.default_rng(0))
    lengths = (RuleCodec(ARITHMETIC, 15).encode(strings) != ARITHMETIC.padding).sum(axis=1)
    shares = np.bincount(lengths, minlength=15)[[8, 10, 12, 14]] / 20_000
    np.testing.assert_allclose(shares, [0.00624, 0.03748, 0.28092, 0.67536], atol=0.012)


def test_more_than_the_family_cannot_be_drawn():
    with pytest.raises(GrammarError, match="1105920 strings"):
        sample_family(FAMILY_SIZE + 1, np.random.default_rng(0))


def test_numbers_of_derivations_by_length():
    space = Derivations(ARITHMETIC, 15)
    assert {n: count for n, count in enumerate(space.counts) if count} == COUNTS
    assert space.total == 199_941_076


def test_the_numbering_reaches_every_derivation_once():
    space = Derivations(ARITHMETIC, 6)
    derivations = [space.derivation(i) for i in range(space.total)]
    assert len(set(derivations)) == space.total == 4 + 60 + 1_044
    assert [len(d) for d in derivations] == sorted(len(d) for d in derivations)
    rules = [list(d.ljust(6, bytes([ARITHMETIC.padding]))) for d in derivations]
    assert None not in RuleCodec(ARITHMETIC, 6).decode(np.array(rules))


def test_numbering_with_several_non_terminals_a_rule():
    grammar = Grammar("S -> S S '.' | 'x' | S S S '!' | '(' A ')'\nA -> 'a' S S | 'b'")
    space = Derivations(grammar, 7)
    derivations = {space.derivation(i) for i in range(space.total)}
    assert len(derivations) == space.total
    rules = np.array([list(d.ljust(7, bytes([grammar.padding]))) for d in derivations])
    assert None not in RuleCodec(grammar, 7).decode(rules)


def test_sampling_is_uniform():
    rng = np.random.default_rng(0)
    seen: Counter[bytes] = Counter()
    for _ in range(1600):
        seen.update(row.tobytes() for row in sample_derivations(ARITHMETIC, 10, 4, rng))
    assert len(seen) == 64
    expected = 16_000 / 64
    chi_square = sum((count - expected) ** 2 / expected for count in seen.values())
    assert chi_square < 110  # 63 degrees of freedom: exceeded once in 5,000 seeds


def test_large_spaces_are_sampled_without_repeats():
    strings = sample_strings(ARITHMETIC, 3000, 60, seed=5)
    assert len(set(strings)) == 3000
    assert strings == sample_strings(ARITHMETIC, 3000, 60, seed=5)


def test_all_of_a_small_language_can_be_drawn_and_not_more():
    assert sorted(sample_strings(ARITHMETIC, 4, 3)) == ["1", "2", "3", "x"]
    with pytest.raises(GrammarError, match="only 4 derivations of at most 3 productions"):
        sample_strings(ARITHMETIC, 5, 3)
