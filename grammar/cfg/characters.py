"""Grammars that know nothing but an alphabet: any string of its characters, one rule each.

With them a grammar autoencoder is a character one (the CVAE of Gomez-Bombarelli et al. 2018 and
Kusner et al. 2017), and codec, masks and decoding stay as they are.  What is decoded may then be
no sentence of the language that the strings are of.
"""

from __future__ import annotations

from collections.abc import Iterable

from grammar.cfg.grammar import Grammar
from grammar.errors import GrammarError

CHARACTERS = "characters"
"""What commands call such a grammar."""
_MOST = 127
"""Characters whose rules fit into one byte, beside the padding."""


def character_grammar(strings: Iterable[str]) -> Grammar:
    """`string -> 'a' string | 'a'` for each character of the strings, blanks left out.

    Whether a character is the last one is a rule of its own, so that each step writes one character
    and the end costs no step; the source writes padding until the end instead.
    """
    alphabet = sorted({character for text in strings for character in text if character.strip()})
    if not alphabet:
        raise GrammarError("there are no characters to make a grammar of: give strings")
    if len(alphabet) > _MOST:
        raise GrammarError(
            f"the strings have {len(alphabet)} different characters: at most {_MOST} can be used"
        )
    quoted = [f'"{c}"' if c == "'" else f"'{c}'" for c in alphabet]
    return Grammar(
        "\n".join([*(f"string -> {c} string" for c in quoted), *(f"string -> {c}" for c in quoted)])
    )


def writes_characters(grammar: Grammar) -> bool:
    """Whether a grammar is one of these."""
    rules = grammar.rules[:-1]
    follow = [tuple(symbol.name for symbol in rule.rhs[1:]) for rule in rules]
    half = len(rules) // 2
    return (
        all(rule.rhs[0].terminal and len(rule.rhs[0].name) == 1 for rule in rules)
        and follow == [(grammar.start,)] * half + [()] * half
        and [rule.rhs[0] for rule in rules[:half]] == [rule.rhs[0] for rule in rules[half:]]
    )
