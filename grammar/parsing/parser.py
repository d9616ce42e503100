"""Strings to rule sequences: the fastest engine that fits the grammar, and errors with a caret."""

from __future__ import annotations

from collections.abc import Callable

from grammar.cfg.grammar import Grammar
from grammar.errors import ParseError, check_type
from grammar.parsing.engines import ChartEngine, Engine, LREngine
from grammar.parsing.lalr import build_tables
from grammar.parsing.smiles import SmilesEngine


class Parser:
    r"""Parser of one grammar: in linear time where the grammar allows it, else a chart parser.

    `exact` is True where every string provably has one derivation: LALR(1) tables without conflict,
    of the grammar itself or, if it has the structure of SMILES, of its right-recursive form, whose
    derivations correspond one to one (`grammar.parsing.smiles`).  False means a general, slow
    parser that returns the first of the trees.

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
        self._engine: Engine
        self._shortcut: Callable[[str], bytes | None] | None = None
        self.exact = True
        smiles = SmilesEngine.for_grammar(grammar)
        if smiles is not None:
            self._engine, self._shortcut = smiles, smiles.derive_text
        elif not (tables := build_tables(grammar.rules[:-1], grammar.dead_rules)).conflicts:
            self._engine = LREngine(grammar.rules, tables)
        else:
            self._engine, self.exact = ChartEngine(grammar), False

    def parse(self, text: str) -> bytes:
        """Rule indices of the leftmost derivation, in pre-order; ParseError with a caret."""
        check_type(text, str, "give a string of the grammar")
        if self._shortcut is not None and (found := self._shortcut(text)) is not None:
            return found
        tokens = self.grammar.tokenize(text)
        rules = self._engine.derive(tokens)
        if rules is None:
            raise self._error(text, tokens)
        return rules

    def _error(self, text: str, tokens: list[str]) -> ParseError:
        stuck = self._engine.stuck(tokens)
        position = self.grammar.positions(text)[stuck]
        if stuck == len(tokens):
            what = "the string is empty" if not tokens else "the string ends too early"
        else:
            what = f"{tokens[stuck]!r} cannot stand here"
        return ParseError.at(text, position, f"{what}, by the rules of the grammar")
