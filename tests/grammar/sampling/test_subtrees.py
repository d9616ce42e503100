"""Counts of subtrees of derivations."""

from __future__ import annotations

from collections import Counter

import pytest

from grammar import Grammar, load_grammar
from grammar.sampling.subtrees import DEPTHS, subtree_counts

TOY = Grammar("S -> S '+' T | T\nT -> 'a' | 'b'")
PLUS, ALONE, A, B = range(4)


def counts(name, string, grammar=TOY):
    return subtree_counts(grammar)[name]([string])[0]


def test_rules_are_counted():
    assert counts("rules", "a+b+b") == Counter({PLUS: 2, B: 2, ALONE: 1, A: 1})


def test_cut_subtrees_name_the_rules_below():
    assert counts("subtrees of depth 2", "a+b+b") == Counter(
        {(PLUS, PLUS, B): 1, (PLUS, ALONE, B): 1, (ALONE, A): 1, (B,): 2, (A,): 1}
    )


def test_whole_subtrees_are_equal_only_if_all_is():
    one, other = (counts("whole subtrees", s) for s in ("a+b+a", "a+b+b"))
    shared = one & other
    assert sum(shared.values()) == 4  # a, its S, b, and a+b; the last letter and the root differ
    assert counts("whole subtrees", "a+b")[(PLUS, (ALONE, (A,)), (B,))] == 1
    assert (PLUS, (ALONE, (A,)), (B,)) in shared


@pytest.mark.parametrize("name", DEPTHS)
def test_every_rule_starts_one_subtree(name):
    grammar = load_grammar("arithmetic")
    string = "1/3+x+sin(x*x)"
    assert sum(counts(name, string, grammar.grammar).values()) == len(grammar.parse(string))


def test_a_string_outside_the_grammar_has_no_parts():
    assert counts("rules", "a+") == Counter()
