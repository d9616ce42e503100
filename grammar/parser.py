"""Strings to rule sequences: a table-driven LR parser, with nltk's chart parser as the fallback."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Protocol

from grammar.cfg import Grammar
from grammar.errors import ParseError
from grammar.lr import END, Tables, build_tables, key
from grammar.syntax import Rule

# A step is the next state (shift) or what a reduction needs: the rule as a byte, how many symbols
# it pops, and the state that follows for each state uncovered.
Reduction = tuple[bytes, int, dict[int, int]]


class Engine(Protocol):
    """Tokens to the bytes of their leftmost derivation; None if there is no derivation.

    `stuck(tokens)` is the index of the first token that no string of the language continues with.
    """

    def derive(self, tokens: list[str]) -> bytes | None: ...

    def stuck(self, tokens: list[str]) -> int: ...


class Parser:
    """Parser of one grammar: linear-time LR when the grammar allows it, else a chart parser.

    `exact` tells which: True means that LALR(1) tables without conflict prove that every string
    has one derivation; False means a general, slow parser that returns the first of the trees.
    """

    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar
        tables = parser_tables(grammar)
        self.exact = not tables.conflicts
        self._engine: Engine = LREngine(grammar, tables) if self.exact else ChartEngine(grammar)

    def parse(self, text: str) -> bytes:
        """Rule indices of the leftmost derivation, in pre-order; ParseError with a caret."""
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


class LREngine:
    """Shift-reduce parser that builds the pre-order rule bytes while it reduces."""

    def __init__(self, grammar: Grammar, tables: Tables) -> None:
        self._steps = _compile(grammar.rules, tables)

    def derive(self, tokens: list[str]) -> bytes | None:
        """Each value on the stack is the derivation of one symbol: `rule + derivations of its parts`."""
        values, _ = self._run(tokens)
        return values

    def stuck(self, tokens: list[str]) -> int:
        return self._run(tokens)[1]

    def _run(self, tokens: list[str]) -> tuple[bytes | None, int]:
        steps = self._steps
        state, states, values = 0, [0], [b""]
        for place, token in enumerate([*tokens, END]):
            while True:
                step = steps[state].get(token)
                if step is None:
                    return None, place
                if step.__class__ is int:
                    state = step
                    states.append(state)
                    values.append(b"")
                    break
                rule, size, following = step
                if not size:
                    return values[1], place
                value = rule + b"".join(values[-size:])
                del states[-size:], values[-size:]
                state = following[states[-1]]
                states.append(state)
                values.append(value)
        raise AssertionError("the end of input is accepted or refused")


class ChartEngine:
    """nltk's ChartParser: any grammar, but milliseconds a string; the first tree is taken."""

    def __init__(self, grammar: Grammar) -> None:
        import nltk  # slow to import, and needed by no grammar that has LR tables

        names = {lhs: nltk.Nonterminal(lhs) for lhs in grammar.lhs_names}
        productions = {
            nltk.Production(
                names[rule.lhs], [s.name if s.terminal else names[s.name] for s in rule.rhs]
            ): number
            for number, rule in enumerate(grammar.rules[:-1])
            if number not in grammar.dead_rules
        }
        self._index = productions
        cfg = nltk.CFG(names[grammar.start], list(productions))
        self._chart = nltk.ChartParser(cfg)

    def derive(self, tokens: list[str]) -> bytes | None:
        trees = self.derivations(tokens, limit=1)
        return trees[0] if trees else None

    def derivations(self, tokens: list[str], limit: int) -> list[bytes]:
        """Up to `limit` different derivations, in the order in which the chart yields them."""
        found: list[bytes] = []
        for tree in self._chart.parse(tokens):
            found.append(bytes(self._index[production] for production in tree.productions()))
            if len(found) == limit:
                break
        return found

    def stuck(self, tokens: list[str]) -> int:
        """The furthest token that a chart edge reaches: what comes next could not be used."""
        chart: Any = self._chart.chart_parse(tokens)
        return max((edge.end() for edge in chart.edges() if edge.end() > edge.start()), default=0)


@lru_cache(maxsize=16)
def _tables(rules: tuple[Rule, ...]) -> Tables:
    return build_tables(rules)


def parser_tables(grammar: Grammar) -> Tables:
    """LALR(1) tables of the grammar's living rules, cached by the rules themselves."""
    return _tables(grammar.rules[:-1])


def _compile(rules: tuple[Rule, ...], tables: Tables) -> list[dict[str, Any]]:
    """One dictionary a state: token -> next state or reduction."""
    following: dict[str, dict[int, int]] = {}
    for state, moves in enumerate(tables.shift):
        for symbol, target in moves.items():
            following.setdefault(symbol, {})[state] = target
    steps: list[dict[str, Any]] = []
    for moves, actions in zip(tables.shift, tables.reduce, strict=True):
        row: dict[str, Any] = {symbol[1:]: to for symbol, to in moves.items() if symbol[0] == "'"}
        for token, rule in actions.items():
            row[token[1:]] = (
                (bytes([rule]), len(rules[rule].rhs), following[key(rules[rule].lhs, False)])
                if rule >= 0
                else (b"", 0, {})
            )
        steps.append(row)
    return steps
