"""Substrings are counted where derivations do not branch."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import pytest

from grammar.cfg.grammar import Grammar
from grammar.library import load_grammar
from grammar.sampling.spectrum import LENGTHS, is_linear, spectrum_counts

DNA = Path(__file__).parents[3] / "examples" / "dna" / "dna.cfg"


@pytest.mark.parametrize(
    ("grammar", "linear"),
    [
        (load_grammar(DNA).grammar, True),
        (load_grammar("arithmetic").grammar, False),
        (load_grammar("smiles_compact").grammar, False),
        (Grammar("S -> 'a' S 'b' | T\nT -> B T | B\nB -> 'x' | 'y'"), True),
        (Grammar("S -> T T | 'a'\nT -> 'b' U\nU -> 'c' S | 'd'"), False),  # through U
        (Grammar("S -> A A\nA -> 'a' | 'b'"), True),
    ],
)
def test_linear_grammars(grammar, linear):
    assert is_linear(grammar) == linear
    assert bool(spectrum_counts(grammar)) == linear


def test_every_substring_is_counted():
    string = "ACGTACGTTTTTTAC"
    for length, count in zip(
        LENGTHS, spectrum_counts(load_grammar(DNA).grammar).values(), strict=True
    ):
        windows = sorted(string[i : i + length] for i in range(len(string) - length + 1))
        assert count([string, "AC"]) == [{k: len(list(g)) for k, g in groupby(windows)}, {}]
