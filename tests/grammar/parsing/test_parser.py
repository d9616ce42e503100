"""The LR parser against nltk's chart parser, and the errors of both engines."""

from __future__ import annotations

from pathlib import Path

import nltk
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grammar.cfg.grammar import Grammar
from grammar.codec import RuleCodec
from grammar.errors import ParseError
from grammar.library import load_grammar
from grammar.parsing.engines import ChartEngine
from grammar.parsing.lalr import build_tables
from grammar.parsing.parser import Parser
from grammar.sampling.uniform import sample_derivations, sample_strings

GRAMMARS_DIR = Path(__file__).parents[1] / "grammars"
LISTS = (GRAMMARS_DIR / "lists.cfg").read_text()
PALINDROMES = (GRAMMARS_DIR / "palindromes.cfg").read_text()
SUMS = (GRAMMARS_DIR / "sums.cfg").read_text()
ARITHMETIC = load_grammar("arithmetic").grammar
PARSER = Parser(ARITHMETIC)


def nltk_rules(grammar: Grammar, text: str) -> list[int]:
    """Rule indices by nltk alone: its own reading of the rules, its own parser."""
    cfg = nltk.CFG.fromstring("\n".join(map(str, grammar.rules[:-1])))
    (tree,) = nltk.ChartParser(cfg).parse(grammar.tokenize(text))
    return [cfg.productions().index(production) for production in tree.productions()]


def test_arithmetic_is_proved_unambiguous():
    assert PARSER.exact
    assert not build_tables(ARITHMETIC.rules[:-1]).conflicts


def test_known_derivation():
    # S+T, S/T... : leftmost derivation of x+1/3+sin(x*x), which has no operator precedence.
    assert list(PARSER.parse("x+1/3+sin(x*x)")) == [0, 2, 0, 3, 7, 8, 10, 5, 1, 3, 7, 7]


@pytest.mark.parametrize("length", [4, 8, 15])
def test_equal_to_nltk_on_arithmetic(length):
    for text in sample_strings(ARITHMETIC, 60, length, seed=length):
        assert list(PARSER.parse(text)) == nltk_rules(ARITHMETIC, text)


@pytest.mark.parametrize("text", [LISTS, PALINDROMES])
def test_equal_to_nltk_on_other_grammars(text):
    grammar = Grammar(text)
    parser = Parser(grammar)
    assert parser.exact == (text == LISTS)
    for string in sample_strings(grammar, 30, 11, seed=1):
        assert list(parser.parse(string)) == nltk_rules(grammar, string)


def test_of_several_derivations_the_first_of_the_chart_is_taken():
    grammar = Grammar("%ambiguous\nS -> S S | 'a' | S '+' S")
    parser = Parser(grammar)
    assert not parser.exact
    for text in ("aaa", "a+aa", "a" * 10):
        assert parser.parse(text) == ChartEngine(grammar).derive(list(text))
    with pytest.raises(ParseError, match="ends too early"):
        parser.parse("a" * 20 + "+")


def test_conflicts_of_an_unambiguous_grammar_do_not_call_the_chart(monkeypatch):
    monkeypatch.setattr("grammar.parsing.engines.ChartEngine", None)
    assert (
        len(Parser(Grammar("S -> 'a' S 'a' | 'b' S 'b' | 'a' | 'b'")).parse("ab" * 30 + "a")) == 31
    )


@given(st.integers(0, 2**32 - 1))
def test_parsing_undoes_derivation(seed):
    rules = sample_derivations(ARITHMETIC, 1, 40, np.random.default_rng(seed))[0]
    derivation = bytes(rules[rules != ARITHMETIC.padding])
    assert PARSER.parse("".join(RuleCodec(ARITHMETIC).tokens(rules))) == derivation


def test_deep_and_long_strings_need_no_recursion():
    depth = 5_000
    assert len(PARSER.parse("(" * depth + "x" + ")" * depth)) == 2 * depth + 2
    assert len(PARSER.parse("+".join("x" * depth))) == 2 * depth


@pytest.mark.parametrize(
    ("text", "caret", "problem"),
    [
        ("x+*2", 2, "'*' cannot stand here"),
        ("x+", 2, "ends too early"),
        ("sin(x ", 5, "ends too early"),
        ("1/3+x)", 5, "')' cannot stand here"),
        ("x x", 2, "'x' cannot stand here"),
        ("x + sin (2 3)", 11, "'3' cannot stand here"),
        ("", 0, "the string is empty"),
    ],
)
def test_a_syntax_error_has_a_caret_under_its_place(text, caret, problem):
    with pytest.raises(ParseError) as caught:
        PARSER.parse(text)
    sentence, _, mark = str(caught.value).split("\n")
    assert problem in sentence
    assert mark == "    " + " " * caret + "^"


def test_long_strings_are_cut_around_the_caret():
    with pytest.raises(ParseError) as caught:
        PARSER.parse("x+" * 500 + "*" + "x+" * 500)
    _, shown, mark = str(caught.value).split("\n")
    assert len(shown) < 200
    assert shown[mark.index("^")] == "*"


@pytest.mark.parametrize(
    ("text", "caret"), [("abbb", 4), ("aba?", 3), ("", 0)], ids=["early", "unknown", "empty"]
)
def test_errors_of_the_chart_parser(text, caret):
    with pytest.raises(ParseError) as caught:
        Parser(Grammar(PALINDROMES)).parse(text)
    assert str(caught.value).split("\n")[2] == "    " + " " * caret + "^"


def test_an_ambiguous_grammar_takes_one_tree_always():
    parser = Parser(Grammar(SUMS))
    assert len(parser.parse("x+x+x")) == 5
    assert parser.parse("x+x+x") == Parser(Grammar(SUMS)).parse("x+x+x")


def test_dead_rules_are_never_used():
    grammar = Grammar("%undefined later\nS -> '-' later | S '+' 'x' | 'x'")
    assert list(Parser(grammar).parse("x+x")) == [1, 2]
    with pytest.raises(ParseError):
        Parser(grammar).parse("-x")


def test_derivations_come_one_by_one_in_the_order_of_nltk() -> None:
    engine = ChartEngine(Grammar("%ambiguous\nS -> S '+' S | S '*' S | '(' S ')' | 'x'\n"))
    tokens = list("x+x*(x+x)*x+x")
    trees = [bytes(engine._index[p] for p in t.productions()) for t in engine._chart.parse(tokens)]
    assert len(trees) > 10
    assert engine.derivations(tokens, 10_000) == trees
    assert engine.derivations(tokens, 3) == trees[:3]


def test_the_first_of_millions_of_derivations_is_found_at_once() -> None:
    parser = Parser(Grammar("%ambiguous\nS -> S S | 'x'\n"))  # nltk gives up on 20
    assert len(parser.parse("x" * 20)) == 39


def test_a_string_that_takes_too_long_is_refused(monkeypatch) -> None:
    parser = Parser(Grammar("%ambiguous\nS -> S S | 'x'\n"))
    monkeypatch.setattr(parser._engine._chart._chart, "_max_time", 0.0)
    with pytest.raises(ParseError, match="so ambiguous that a string of 9 terminals"):
        parser.parse("x" * 9)
    with pytest.raises(ParseError, match="20,001 terminals: give one of at most 20,000"):
        PARSER.parse("x+" * 10_000 + "x")
