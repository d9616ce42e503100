"""A user's grammar with each defect is refused with a sentence that names the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from grammar.ambiguity import find_ambiguity, sample_token_lists
from grammar.cfg.grammar import Grammar
from grammar.errors import GrammarError
from grammar.library import load_grammar

GRAMMARS_DIR = Path(__file__).parents[1] / "grammars"
LISTS = (GRAMMARS_DIR / "lists.cfg").read_text()
PALINDROMES = (GRAMMARS_DIR / "palindromes.cfg").read_text()
SUMS = (GRAMMARS_DIR / "sums.cfg").read_text()
DEFECTS = {
    "undefined": ("S -> 'x' B", r"line 1 .*B is used in 'S -> 'x' B' but has no rule"),
    "unproductive": ("S -> 'x' | A\nA -> A 'z'", r"line 2 .*A can never become a finished string"),
    "unproductive start": ("S -> S 'x'", r"line 1 .*S can never become"),
    "unreachable": (
        "S -> 'x'\n\nT -> 'y'",
        r"line 3 .*T cannot be reached from the start symbol S",
    ),
    "unreachable circle": (
        "S -> 'x'\nA -> 'a' B\nB -> 'b' A | 'b'",
        r"line 2 .*A cannot be reached",
    ),
    "duplicate": (
        "S -> 'x' | T\nT -> 'y'\nS -> T",
        r"line 3 .*repeats the rule 'S -> T' of line 1",
    ),
    "empty": ("S -> 'x' |", r"line 1 .*S has an empty right-hand side"),
    "empty terminal": ("S -> 'x' ''", r"line 1 .*terminal '' is empty"),
    "blank terminal": ("S -> 'x y'", r"line 1 .*terminal 'x y' is empty or contains blanks"),
    "circle": ("S -> T | 'x'\nT -> S '+' 'x' | S", r"line 1 .*S derives itself alone"),
    "no rule": ("# only a comment\n", r"the grammar has no rules"),
    "no arrow": ("S -> 'x'\nT 'y'", r"line 2 .*does not have the form NAME -> "),
    "two arrows": ("S -> 'x' T -> 'y'", r"line 1 .*second '->'"),
    "open quote": ("S -> 'x' | 'y", r"(?s)line 1 .*belongs to no rule.*\^"),
    "bare sign": ("S -> S + 'x' | 'x'", r"(?s)line 1 .*belongs to no rule.*\^"),
    "reserved name": ("S -> Nothing 'x'\nNothing -> 'y'", r"line 2 .*'Nothing' is reserved"),
    "directive": ("%start S\nS -> 'x'", r"line 1 .*'%start S' is not a directive"),
    "too many rules": (
        "S -> " + " | ".join(f"'a{i}.'" for i in range(256)),
        r"256 rules .* at most 255 fit",
    ),
}


@pytest.mark.parametrize(("text", "message"), DEFECTS.values(), ids=DEFECTS.keys())
def test_a_defect_is_named(text, message):
    with pytest.raises(GrammarError, match=message):
        Grammar(text)


def test_all_findings_of_one_kind_are_listed():
    with pytest.raises(GrammarError) as caught:
        Grammar("S -> 'x'\nT -> 'y'\nU -> 'z'")
    assert [line.split(" cannot")[0][-1] for line in str(caught.value).splitlines()] == ["T", "U"]


def load(tmp_path, text):
    path = tmp_path / "own.cfg"
    path.write_text(text)
    return load_grammar(path)


def test_an_ambiguous_grammar_is_refused_with_a_short_witness(tmp_path):
    with pytest.raises(GrammarError, match=r"ambiguous: 'x\+x\+x' can be derived with .*line 3"):
        load(tmp_path, SUMS.replace("%ambiguous", ""))


def test_an_ambiguous_grammar_can_be_insisted_on(tmp_path):
    assert load(tmp_path, SUMS).grammar.ambiguous


def test_the_dangling_else_is_found(tmp_path):
    text = "S -> 'if' S | 'if' S 'else' S | 'do'"
    with pytest.raises(GrammarError, match="'ififdoelsedo' can be derived"):
        load(tmp_path, text)


@pytest.mark.parametrize("text", [LISTS, PALINDROMES])
def test_unambiguous_grammars_are_accepted(tmp_path, text):
    parser = load(tmp_path, text)
    assert find_ambiguity(parser, sample_token_lists(parser.grammar)) is None


@pytest.mark.parametrize(
    "text",
    ["S -> S T | T\nT -> 'a' | 'b' | 'ab'", "S -> A B\nA -> 'a' | 'ab'\nB -> 'bc'"],
)
def test_terminals_that_run_together_are_found(tmp_path, text):
    with pytest.raises(GrammarError, match=r"run together: .*'a'.*'ab"):
        load(tmp_path, text)
