"""Grammars of characters: any string of the alphabet, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gmae_tf.errors import UserError
from grammar.autoencoder.model import GrammarAutoencoder
from grammar.cfg.characters import character_grammar, writes_characters
from grammar.cfg.grammar import Grammar
from grammar.codec import RuleCodec
from grammar.decoding import decode_logits
from grammar.errors import GrammarError, ParseError
from grammar.expressions.evaluate import is_expression
from grammar.library import load_grammar
from grammar.parsing.parser import Parser
from grammar.train import TrainConfig, find_grammar, load_strings

STRANGE = ["C[C@@H](N)/C=C\\C#N", "'\"->|", "a#b%c"]


def test_any_string_of_the_alphabet_is_encoded_by_one_rule_a_character():
    grammar = character_grammar(STRANGE)
    codec = RuleCodec(grammar)
    strings = [*STRANGE, "".join(reversed(STRANGE[0])), "'"]
    rules = codec.encode(strings)
    assert rules.shape == (5, max(map(len, strings)))
    np.testing.assert_array_equal((rules != grammar.padding).sum(axis=1), [*map(len, strings)])
    assert codec.decode(rules) == strings
    assert Parser(grammar).exact
    with pytest.raises(ParseError, match="'z'"):
        codec.encode(["az"])


def test_every_decode_is_complete(rng: np.random.Generator):
    grammar = character_grammar(["abc"])
    rules = decode_logits(rng.normal(size=(200, 6, grammar.n_rules)), grammar)
    strings = RuleCodec(grammar, 6).decode(rules)
    assert all(s is not None and set(s) <= set("abc") and 1 <= len(s) <= 6 for s in strings)
    assert {len(s) for s in strings if s} == {1, 2, 3, 4, 5, 6}


def test_such_grammars_are_known_again():
    grammar = character_grammar(STRANGE)
    assert writes_characters(grammar)
    assert writes_characters(Grammar(grammar.text))
    assert writes_characters(character_grammar("a"))
    others = ("arithmetic", "smiles", "smiles_compact", "smiles_extended")
    assert not any(writes_characters(load_grammar(name).grammar) for name in others)
    assert not writes_characters(Grammar("S -> 'a' S | 'b'"))


@pytest.mark.parametrize(
    ("strings", "words"),
    [([" ", ""], "no characters"), ([chr(c) for c in range(256, 400)], "144 different")],
)
def test_alphabets_that_make_no_grammar(strings: list[str], words: str):
    with pytest.raises(GrammarError, match=words):
        character_grammar(strings)


def test_the_alphabet_of_expressions_is_that_of_the_source():
    config = TrainConfig(grammar="characters", n_data=50)
    parser = find_grammar(config)
    assert "".join(parser.grammar.terminals) == "()*+/123einpsx"  # 14, and padding
    strings = load_strings(config, parser)
    assert len(strings) == 50
    assert all(map(is_expression, strings))


def test_a_file_has_its_own_alphabet(tmp_path: Path):
    words = tmp_path / "words.txt"
    words.write_text("\n".join(["ab c", "ba", ""] * 15))
    config = TrainConfig(grammar="characters", data=str(words), latent_dim=4, components=2)
    parser = find_grammar(config)
    strings = load_strings(config, parser)
    model, rules = GrammarAutoencoder.prepare(strings, parser, config)
    assert set(strings) == {"abc", "ba"}
    assert rules.shape == (30, 3)
    assert model.grammar.terminals == ("a", "b", "c")
    with pytest.raises(GrammarError, match=r"missing\.txt"):
        find_grammar(TrainConfig(grammar="characters", data=str(tmp_path / "missing.txt")))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x", True), ("sin(x*x)+1/3", True), ("12", True), ("1/0", True),
        ("", False), ("x+", False), ("sin", False), (")(", False), ("xx", False), ("1(2)", False),
    ],
)  # fmt: skip
def test_what_can_be_read_as_an_expression(text: str, expected: bool):
    assert is_expression(text) is expected


def test_molecules_are_no_expressions():
    assert not is_expression("CCO")
    config = TrainConfig(grammar="smiles", exclude_better_than=0.1)
    with pytest.raises(UserError, match="needs the arithmetic grammar"):
        load_strings(config, load_grammar("smiles"))
