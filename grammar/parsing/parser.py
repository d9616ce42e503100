"""Strings to rule sequences, and errors with a caret."""

from __future__ import annotations

from grammar.cfg.grammar import Grammar
from grammar.errors import ParseError, check_type
from grammar.parsing.engines import LREngine
from grammar.parsing.lalr import build_tables
from grammar.parsing.smiles import proves_unambiguous


class Parser:
    r"""Generalised LR parser of one grammar; in linear time if its tables have no conflict.

    `exact` is True where every string provably has one derivation: LALR(1) tables without conflict,
    of the grammar itself or, if it has the structure of SMILES, of its right-recursive form, whose
    derivations correspond one to one (`grammar.parsing.smiles`).  Of several derivations of a
    string the first tree of a chart parser is returned.

    Examples
    --------
    >>> import grammar
    >>> parser = grammar.Parser(grammar.Grammar("S -> S '+' T | T\nT -> 'a' | 'b'"))
    >>> list(parser.parse("a+b"))
    [0, 1, 2, 3]
    >>> parser.exact
    True
    """

    def __init__(self, grammar: Grammar) -> None:
        check_type(
            grammar,
            Grammar,
            "give a grammar.Grammar; of a name or file, load_grammar makes a parser",
        )
        self.grammar = grammar
        tables = build_tables(grammar.rules[:-1], grammar.dead_rules)
        self._engine = LREngine(grammar, tables)
        self.exact = not tables.conflicts or proves_unambiguous(grammar)

    def parse(self, text: str) -> bytes:
        """Rule indices of the leftmost derivation, in pre-order; ParseError with a caret."""
        tokens = self.grammar.tokenize(text)
        found = self.derivations(tokens, limit=1)
        if not found:
            raise self._error(text, tokens)
        return found[0]

    def derivations(self, tokens: list[str], limit: int) -> list[bytes]:
        """Up to `limit` different derivations of a string that is given as its terminals."""
        return self._engine.derivations(tokens, limit)

    def _error(self, text: str, tokens: list[str]) -> ParseError:
        stuck = self._engine.stuck(tokens)
        position = self.grammar.positions(text)[stuck]
        if stuck == len(tokens):
            what = "the string is empty" if not tokens else "the string ends too early"
        else:
            what = f"{tokens[stuck]!r} cannot stand here"
        return ParseError.at(text, position, f"{what}, by the rules of the grammar")
