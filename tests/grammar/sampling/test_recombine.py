"""Children of derivations are derivations, and take after their parents."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grammar.cfg.grammar import Grammar
from grammar.codec import RuleCodec
from grammar.library import load_grammar
from grammar.parsing.parser import Parser
from grammar.sampling.recombine import Recombiner, StringRecombiner
from grammar.sampling.uniform import sample_derivations

GRAMMARS = {name: load_grammar(name).grammar for name in ("arithmetic", "smiles", "smiles_compact")}


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


def test_an_exchange_with_itself_repeats_a_part_or_cuts_it_short(rng):
    parser, recombiner = Parser(GRAMMARS["arithmetic"]), Recombiner(GRAMMARS["arithmetic"])
    rules = parser.parse("x+1")
    found = {text("arithmetic", recombiner.exchange(rules, rules, rng)) for _ in range(200)}
    assert {"x", "x+1+1", "1+1", "x+x"} <= found


def test_a_renewed_part_may_be_anything_small(rng):
    parser, recombiner = Parser(GRAMMARS["arithmetic"]), Recombiner(GRAMMARS["arithmetic"])
    rules = parser.parse("x+3")
    children = [recombiner.renew(rules, rng) for _ in range(3000)]
    found = {text("arithmetic", child) for child in children}
    assert {"x+2", "x+sin(x)", "x+exp(1)", "3"} <= found
    for child in children:  # the whole may be renewed, but only by something small
        assert len(child) <= len(rules) + 6
        assert parser.parse(text("arithmetic", child)) == child


def test_children_use_no_rule_that_no_parent_uses(rng):
    parser = Parser(GRAMMARS["arithmetic"])
    parents = [parser.parse("x+1"), parser.parse("x*1+x")]
    for child in Recombiner(GRAMMARS["arithmetic"]).children(parents, 300, rng):
        assert set(child) <= set(parents[0] + parents[1])


def test_strings_recombine_within_the_length_of_their_codec(rng):
    codec = RuleCodec(GRAMMARS["arithmetic"], 9)
    recombine = StringRecombiner(codec)
    children = recombine(["x+sin(1)", "2*x", "outside of it"] * 50, rng)
    assert len(children) > 60
    codec.encode([child for child in children if child is not None])  # none is too long
    assert recombine(["outside of it"], rng) == []
