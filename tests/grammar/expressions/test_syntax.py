"""Counts of the parts of syntax trees."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grammar.expressions.evaluate import function_keys
from grammar.expressions.syntax import syntax_counts
from grammar.library import load_grammar
from grammar.sampling.uniform import sample_strings

STRINGS = sample_strings(load_grammar("arithmetic").grammar, 2_000, 15)


def counted(name, text):
    return dict(syntax_counts()[name]([text])[0])


def test_terms_are_those_of_the_sum():
    x, square = ("x",), ("*", ("x",), ("x",))
    assert counted("terms", "x+(1+x)") == {x: 2, (1.0,): 1}
    assert counted("terms", "x*1+sin(x*x)") == {x: 1, ("sin", square): 1}
    assert counted("terms", "x-exp(2)") == {x: 1, ("-", ("exp", (2.0,))): 1}


def test_pairs_and_symbols_of_an_expression():
    assert counted("pairs", "sin(x*x)/3") == {("/", "sin"): 1, ("/", 3.0): 1, ("sin", "*"): 1} | {
        ("*", "x"): 2
    }
    assert counted("symbols", "sin(x*x)/3") == {"/": 1, "sin": 1, "*": 1, "x": 2, 3.0: 1}
    assert sum(counted("subtrees", "sin(x*x)/3").values()) == 6


@pytest.mark.parametrize("same", ["(x*3)+sin(2)", "sin(2)+3*x", "1*sin(2)/1+x*1*3", "+x*3+sin(2)"])
@pytest.mark.parametrize("name", syntax_counts())
def test_order_brackets_and_factors_of_one_do_not_matter(name, same):
    assert counted(name, same) == counted(name, "x*3+sin(2)")


@given(st.sampled_from(STRINGS), st.sampled_from(STRINGS))
def test_expressions_of_the_same_subtrees_are_the_same_function(one, other):
    if counted("subtrees", one) == counted("subtrees", other):
        assert function_keys([one]) == function_keys([other])
    swapped = f"({other})+({one})"
    assert counted("subtrees", f"({one})+({other})") == counted("subtrees", swapped)


def test_what_is_no_expression_has_no_parts():
    assert counted("terms", "CCO(") == {}
