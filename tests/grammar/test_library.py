"""Grammars by name and from files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import grammar
from grammar import Grammar, GrammarError, Parser, load_grammar


def test_built_in_grammars_are_loaded_once_by_name():
    parser = load_grammar("arithmetic")
    assert isinstance(parser, Parser)
    assert load_grammar("arithmetic") is parser
    assert parser.grammar.start == "S"
    assert list(parser.parse("x+1")) == [0, 3, 7, 8]


def test_a_grammar_and_a_parser_are_taken_as_they_are():
    own = Grammar("S -> S 'a' | 'a'")
    parser = load_grammar(own)
    assert parser.grammar is own
    assert load_grammar(parser) is parser


def test_a_missing_file_names_the_built_in_grammars():
    with pytest.raises(GrammarError, match=r"'nowhere\.cfg'.*arithmetic.*smiles"):
        load_grammar("nowhere.cfg")


def test_rules_and_the_alphabet_are_no_files():
    with pytest.raises(GrammarError, match=r"grammar\.Grammar\(text\)"):
        load_grammar("S -> 'a' S | 'b'")
    with pytest.raises(GrammarError, match="character_grammar"):
        load_grammar("characters")


def test_a_grammar_file_is_loaded(tmp_path: Path):
    path = tmp_path / "own.cfg"
    path.write_text("S -> S '-' 'y' | 'y'\n")
    assert load_grammar(path).grammar.tokenize("y-y") == ["y", "-", "y"]
    assert load_grammar(str(path)).grammar.text == path.read_text()


def test_a_grammar_file_may_have_a_mark_of_its_encoding(tmp_path: Path):
    text = (Path(__file__).parents[1] / "cases" / "cfg" / "bom.cfg").read_text(encoding="utf-8")
    assert text[0] == "\ufeff"
    for encoding in ("utf-8", "utf-16", "utf-16-le"):
        path = tmp_path / "own.cfg"
        path.write_bytes(text.encode(encoding))
        assert load_grammar(path).grammar.terminals == ("+", "x")
    assert Grammar(text).terminals == ("+", "x")
    path.write_bytes(b"PK\x03\x04")
    with pytest.raises(GrammarError, match="is a spreadsheet"):
        load_grammar(path)


def test_public_names_are_there_and_no_others():
    assert {name: getattr(grammar, name).__name__ for name in grammar.__all__} == {
        name: name for name in grammar.__all__
    }
    assert sorted(grammar.__all__) == sorted(grammar._HOME)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        grammar.nonsense  # noqa: B018


def test_grammars_strings_and_missing_models_need_no_keras():
    code = """
import sys
import grammar
grammar.RuleCodec(grammar.load_grammar("smiles_compact")).encode(["CCO"])
try:
    grammar.GrammarAutoencoder.load("nowhere")
except grammar.GrammarError as error:
    assert "nowhere" in str(error)
else:
    raise AssertionError
heavy = {"keras", "tensorflow", "nltk", "sklearn", "rdkit"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
