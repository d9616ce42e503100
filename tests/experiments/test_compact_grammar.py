"""The compact grammar writes the same strings, in fewer steps, and says when it cannot be made."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from experiments.compact_grammar import compact, main
from grammar.cfg.characters import character_grammar
from grammar.cfg.grammar import Grammar
from grammar.codec import RuleCodec
from grammar.errors import GrammarError, ParseError
from grammar.library import load_grammar
from grammar.parsing.parser import Parser
from grammar.sampling.uniform import sample_derivations, sample_strings

SMILES, COMPACT = load_grammar("smiles").grammar, load_grammar("smiles_compact").grammar
ARITHMETIC = load_grammar("arithmetic").grammar
MOLECULES = [
    "C",
    "CC(C)(C)c1ccc2occ(CC(=O)Nc3ccccc3F)c2c1",
    "C[C@@H]1CC(Nc2cncc(-c3nncn3C)c2)C[C@@H](C)C1",
    "C=1CCCCC=1",
    "N#Cc1ccc(/C=C/[N+](=O)[O-])cc1[13CH3]",
]


@pytest.mark.parametrize("name", ["arithmetic", "smiles"])
def test_the_built_in_grammars_are_what_the_command_prints(name, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["compact_grammar", name])
    main()
    assert capsys.readouterr().out == load_grammar(f"{name}_compact").grammar.text


def test_the_grammar_of_an_alphabet_shrinks():
    assert compact(character_grammar(["ab"])).n_rules == 5


def test_it_has_no_more_rules_than_a_byte_can_number():
    assert COMPACT.n_rules <= 256


def test_it_is_proved_unambiguous_by_its_parser():
    assert Parser(COMPACT).exact


@pytest.mark.parametrize("text", MOLECULES)
def test_a_molecule_takes_at_most_one_step_a_terminal_outside_brackets(text):
    steps = len(Parser(COMPACT).parse(text))
    assert steps <= len(COMPACT.tokenize(text)) + 2 * text.count("[")
    assert steps < 0.5 * len(Parser(SMILES).parse(text))


@pytest.mark.parametrize(("one", "other"), [(SMILES, COMPACT), (COMPACT, SMILES)])
def test_each_accepts_what_the_other_writes(one, other):
    parser = Parser(other)
    walks = sample_derivations(one, 300, 30 if one is COMPACT else 60, np.random.default_rng(0))
    strings = [text for text in RuleCodec(one, walks.shape[1]).decode(walks) if text]
    assert len(strings) == 300
    for text in strings:
        parser.parse(text)


@pytest.mark.parametrize("text", ["", "C(", "C==C", "1CC1", "C()C", "[C", "C=", "(C)C", "CC-"])
def test_both_refuse_the_same(text):
    for grammar in (SMILES, COMPACT):
        with pytest.raises(ParseError):
            Parser(grammar).parse(text)


def test_strings_survive_the_way_through_rules():
    codec = RuleCodec(COMPACT)
    assert codec.decode(codec.encode(MOLECULES)) == MOLECULES


def test_arithmetic_keeps_its_language():
    short = compact(ARITHMETIC)
    for grammar, other in ((ARITHMETIC, short), (short, ARITHMETIC)):
        parser = Parser(other)
        for text in sample_strings(grammar, 200, 10):
            assert parser.parse(text)  # raises where it is not in the language


def test_arithmetic_has_as_many_short_strings():
    """All strings of at most three terminals, by trying every sequence of them."""
    parsers = [Parser(ARITHMETIC), Parser(compact(ARITHMETIC))]
    counts = [0, 0]
    terminals = ARITHMETIC.terminals
    for a in ("", *terminals):
        for b in ("", *terminals):
            for c in ("", *terminals):
                for i, parser in enumerate(parsers):
                    try:
                        parser.parse(a + b + c)
                    except ParseError:
                        continue
                    counts[i] += 1
    assert counts[0] == counts[1] > 0


def test_another_left_recursion_is_refused():
    with pytest.raises(GrammarError, match="left-recursive but no list"):
        compact(Grammar("S -> S 'a' | 'b' | 'c'"))


@pytest.mark.data
def test_real_molecules_take_a_third_of_the_steps(data_dir):
    with gzip.open(data_dir / "zinc250k.smi.gz", "rt") as file:
        smiles = file.read().split()[::100]
    official, short = Parser(SMILES), Parser(COMPACT)
    steps = np.array([(len(official.parse(s)), len(short.parse(s))) for s in smiles])
    assert steps[:, 1].mean() < 0.34 * steps[:, 0].mean()
