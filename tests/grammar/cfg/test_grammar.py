"""The grammar's rules, tables and tokeniser."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grammar.cfg.grammar import Grammar
from grammar.errors import ParseError
from grammar.library import load_grammar

GRAMMARS_DIR = Path(__file__).parents[1] / "grammars"
LISTS = (GRAMMARS_DIR / "lists.cfg").read_text()
ARITHMETIC = load_grammar("arithmetic").grammar
OFFICIAL_RULES = [
    "S -> S '+' T",
    "S -> S '*' T",
    "S -> S '/' T",
    "S -> T",
    "T -> '(' S ')'",
    "T -> 'sin(' S ')'",
    "T -> 'exp(' S ')'",
    "T -> 'x'",
    "T -> '1'",
    "T -> '2'",
    "T -> '3'",
    "Nothing -> None",
]


def test_arithmetic_has_the_published_rules_in_their_order():
    assert [str(rule) for rule in ARITHMETIC.rules] == OFFICIAL_RULES
    assert ARITHMETIC.n_rules == 12
    assert ARITHMETIC.padding == 11


def test_masks_and_left_hand_sides():
    assert ARITHMETIC.lhs_names == ("S", "T", "Nothing")
    assert ARITHMETIC.lhs_index.tolist() == [0] * 4 + [1] * 7 + [2]
    assert np.flatnonzero(ARITHMETIC.masks[0]).tolist() == [0, 1, 2, 3]
    assert np.flatnonzero(ARITHMETIC.masks[1]).tolist() == [4, 5, 6, 7, 8, 9, 10]
    assert np.flatnonzero(ARITHMETIC.masks[2]).tolist() == [11]


def test_completion_costs():
    assert ARITHMETIC.min_cost_lhs.tolist() == [2, 1, 0]  # S -> T -> x
    assert ARITHMETIC.min_cost_rule.tolist() == [4, 4, 4, 2, 3, 3, 3, 1, 1, 1, 1, 1]
    assert ARITHMETIC.rhs_nonterminals.tolist() == (
        [[0, 1]] * 3 + [[1, -1]] + [[0, -1]] * 3 + [[-1, -1]] * 5
    )


def test_declared_undefined_symbols_leave_dead_rules_with_zero_masks():
    grammar = Grammar("%undefined later\nS -> 'x' | '-' later | S '+' 'x'")
    assert grammar.dead_rules == (1,)
    assert not grammar.masks[:, 1].any()
    assert grammar.masks[0].tolist() == [True, False, True, False]
    assert grammar.min_cost_lhs[0] == 1


@pytest.mark.parametrize(
    "text", ["1/3+x+sin(x*x)", " 1/3 + x+sin( x*x ) ", "1 / 3 + x + sin ( x * x )"]
)
def test_blanks_do_not_matter(text):
    assert ARITHMETIC.tokenize(text) == [*"1/3+x+", "sin(", "x", "*", "x", ")"]
    assert ARITHMETIC.canonical(text) == "1/3+x+sin(x*x)"


def test_blanks_inside_a_word_are_not_ignored():
    with pytest.raises(ParseError, match="'s'"):
        ARITHMETIC.tokenize("s in(x)")


def test_the_longest_terminal_is_read_first():
    grammar = Grammar("S -> S T | T\nT -> 'C' | 'Cl' | '@' | '@@'")
    assert grammar.tokenize("CClC@@@") == ["C", "Cl", "C", "@@", "@"]


@pytest.mark.parametrize(("text", "caret"), [("x+&2", 2), ("  x % 2", 4), ("y", 0), ("sin x", 0)])
def test_an_unknown_character_has_a_caret_under_it(text, caret):
    with pytest.raises(ParseError) as caught:
        ARITHMETIC.tokenize(text)
    _, shown, mark = str(caught.value).splitlines()
    assert shown == "    " + text
    assert mark == "    " + " " * caret + "^"


@given(st.text(alphabet="x123+*/() \tsinexp&é", max_size=30))
def test_tokenising_either_keeps_every_character_or_raises(text):
    try:
        tokens = ARITHMETIC.tokenize(text)
    except ParseError:
        return
    assert "".join(tokens) == "".join(text.split())
    assert set(tokens) <= set(ARITHMETIC.terminals)


def test_continued_lines_comments_and_both_quotes():
    grammar = Grammar(LISTS)
    assert [str(rule) for rule in grammar.rules[:4]] == [
        "list -> '[' items ']'",
        "list -> '[]'",
        "items -> items ',' item",
        "items -> item",
    ]
    assert [rule.line for rule in grammar.rules[:4]] == [2, 2, 3, 4]
    assert grammar.start == "list"


def test_signs_of_the_syntax_may_be_terminals():
    grammar = Grammar("S -> '|' S | '#' | '->' | \"'\" ")
    assert grammar.terminals == ("|", "#", "->", "'")
