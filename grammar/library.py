"""Grammars by name or file, checked and ready to parse with."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from grammar.ambiguity import check_unambiguous
from grammar.cfg.characters import CHARACTERS
from grammar.cfg.grammar import Grammar
from grammar.errors import GrammarError, check_path
from grammar.files import read
from grammar.parsing.parser import Parser

BUILT_IN = {path.stem: path for path in sorted((Path(__file__).parent / "cfg").glob("*.cfg"))}


def load_grammar(source: str | Path | Grammar | Parser) -> Parser:
    """The parser of a built-in grammar, of a grammar file, or of a `Grammar`.

    Built in are `arithmetic` and `smiles` (Kusner et al. 2017), `smiles_extended`, `scientific`
    (expressions of nine variables with constants), and
    `arithmetic_compact` and `smiles_compact`, which write the strings of the first two in fewer
    productions.  The grammar of a file must also be unambiguous, as far as can be found, or say
    `%ambiguous`.

    Raises
    ------
    GrammarError: no such name or file, or a mistake in the grammar, with its line.

    Examples
    --------
    >>> import grammar
    >>> parser = grammar.load_grammar("arithmetic")
    >>> list(parser.parse("x + 1"))
    [0, 3, 7, 8]
    >>> [str(parser.grammar.rules[rule]) for rule in parser.parse("x")]
    ['S -> T', "T -> 'x'"]
    """
    if isinstance(source, Parser):
        return source
    if isinstance(source, Grammar):
        return Parser(source)
    check_path(source, "give the name or file of a grammar, a Grammar or a Parser")
    name = str(source)
    if name in BUILT_IN:
        return _built_in(name)
    if name == CHARACTERS:
        raise GrammarError(
            "the grammar 'characters' is made of the alphabet of given strings: use "
            "grammar.cfg.characters.character_grammar(strings)"
        )
    if not os.path.isfile(name):  # Path.is_file raises for what is too long for a name
        hint = "; of rules in a string make a grammar.Grammar(text)" if "->" in name else ""
        raise GrammarError(
            f"cannot read the grammar {name!r}; give a text file of rules or a built-in "
            f"name ({', '.join(BUILT_IN)}, or one of them with _compact){hint}"
        )
    text = "\n".join([*read(source).lines, ""])
    parser = Parser(Grammar(text))
    check_unambiguous(parser)
    return parser


@cache
def _built_in(name: str) -> Parser:
    return Parser(Grammar(BUILT_IN[name].read_text(encoding="utf-8")))
