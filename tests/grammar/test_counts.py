"""Counts of rules, against the derivations of nltk."""

from __future__ import annotations

import nltk
import numpy as np
import pytest

from grammar.cfg import Grammar
from grammar.counts import RuleCounts
from grammar.errors import ParseError


def test_counts_are_those_of_the_parse_tree():
    grammar = Grammar.load("arithmetic")
    text = "1/3+x+sin(x*x)"
    rules = [
        f"{rule.lhs} -> " + " ".join(f"'{s.name}'" if s.terminal else s.name for s in rule.rhs)
        for rule in grammar.rules[: grammar.padding]
    ]
    # One terminal for each character, as nltk wants its tokens.
    tokens = ["1", "/", "3", "+", "x", "+", "sin(", "x", "*", "x", ")"]
    parser = nltk.ChartParser(nltk.CFG.fromstring(rules))
    (tree,) = parser.parse(tokens)
    expected = [str(production) for production in tree.productions()]
    (counts,) = RuleCounts(grammar)([text])
    assert counts.sum() == len(expected)
    assert counts.tolist() == [expected.count(rule) for rule in rules]


def test_a_string_outside_the_grammar_is_refused():
    counts = RuleCounts(Grammar.load("arithmetic"))
    assert counts([]).shape == (0, Grammar.load("arithmetic").padding)
    assert np.array_equal(counts(["x", "x"])[0], counts(["x"])[0])
    with pytest.raises(ParseError):
        counts(["y"])
