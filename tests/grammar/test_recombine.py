"""Children of derivations are derivations, and take after their parents."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grammar.cfg import Grammar
from grammar.codec import RuleCodec
from grammar.generate import sample_derivations
from grammar.parser import Parser
from grammar.recombine import Recombiner

GRAMMARS = {name: Grammar.load(name) for name in ("arithmetic", "smiles", "smiles_compact")}


def derivations(name: str, n: int) -> list[bytes]:
    grammar = GRAMMARS[name]
    walks = sample_derivations(grammar, n, 24, np.random.default_rng(0))
    return [bytes(int(r) for r in walk if r != grammar.padding) for walk in walks]


def text(name: str, rules: bytes) -> str | None:
    return RuleCodec(GRAMMARS[name]).decode(np.frombuffer(rules, np.uint8)[None])[0]


@pytest.mark.parametrize("name", GRAMMARS)
def test_children_are_complete_strings_of_the_grammar(name, rng):
    children = Recombiner(GRAMMARS[name]).children(derivations(name, 50), 300, rng)
    assert len(children) > 150
    parser = Parser(GRAMMARS[name])
    for child in children:
        string = text(name, child)
        assert string is not None
        assert parser.parse(string) == child


def test_parts_end_where_their_brackets_close():
    parser = Parser(GRAMMARS["arithmetic"])
    rules = parser.parse("x+(1*2)/3")
    ends = Recombiner(GRAMMARS["arithmetic"]).ends(rules)
    bracket = rules.index(4)  # T -> '(' S ')'
    assert ends[0] == len(rules)
    assert ends[bracket] - bracket == 1 + len(parser.parse("1*2"))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_replaced_rule_changes_one_place(seed):
    rng = np.random.default_rng(seed)
    (parent,) = [bytes(Parser(GRAMMARS["smiles_compact"]).parse("CCN(C)C1=CC=CC=C1O"))]
    child = Recombiner(GRAMMARS["smiles_compact"]).replace(parent, rng)
    if child is not None:
        assert len(child) == len(parent)
        assert sum(a != b for a, b in zip(child, parent, strict=True)) == 1


def test_an_exchange_takes_a_part_of_the_other(rng):
    parser, recombiner = Parser(GRAMMARS["arithmetic"]), Recombiner(GRAMMARS["arithmetic"])
    ones, others = parser.parse("1+1"), parser.parse("sin(x)")
    found = {text("arithmetic", recombiner.exchange(ones, others, rng)) for _ in range(200)}
    assert {"sin(x)", "1+sin(x)", "x+1", "1+x", "sin(x)+1"} <= found


def test_a_rule_without_siblings_stays(rng):
    recombiner = Recombiner(Grammar("S -> 'a' S 'b' | 'c'"))
    assert recombiner.replace(b"\x00\x01", rng) is None
