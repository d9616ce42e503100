"""Tokens to rule sequences: a table-driven LR parser, and nltk's chart parser for any grammar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from grammar.cfg.grammar import Grammar
from grammar.cfg.syntax import Rule
from grammar.parsing.lalr import END, Tables, key

Step = tuple[int, bytes, Any]
"""Action of the parser in a state with a token.

(0, rules, next state): shift, and push the rules that the token completes by itself;
(n, rule, {state below: next state}): replace n symbols; (-1, ...): accept.
"""


class Engine(Protocol):
    """A parser of token lists."""

    def derive(self, tokens: list[str]) -> bytes | None:
        """Rule indices of the leftmost derivation of the tokens, None if there is none."""

    def stuck(self, tokens: list[str]) -> int:
        """Index of the first token with which no string of the language continues."""


class LREngine:
    """Shift-reduce parser that builds the pre-order rule bytes while it reduces."""

    def __init__(self, rules: Sequence[Rule], tables: Tables) -> None:
        self._steps = _compile(rules, tables)

    def derive(self, tokens: list[str]) -> bytes | None:
        """Rule indices of the only derivation, None if there is none."""
        return self._run(tokens)[0]

    def stuck(self, tokens: list[str]) -> int:
        """LR parsers stop at the first token that cannot follow."""
        return self._run(tokens)[1]

    def _run(self, tokens: list[str]) -> tuple[bytes | None, int]:
        # Each value is the derivation of one symbol on the stack: its rule, then its parts' rules.
        steps, state, states, values = self._steps, 0, [0], [b""]
        for place, token in enumerate([*tokens, END]):
            while True:
                step = steps[state].get(token)
                if step is None:
                    return None, place
                size, rules, following = step
                if size == 0:
                    state = following
                    states.append(state)
                    values.append(rules)
                    break
                if size == 1:  # nothing to join or to remove
                    values[-1] = rules + values[-1]
                    states[-1] = state = following[states[-2]]
                elif size > 1:
                    values[-size:] = [rules + b"".join(values[-size:])]
                    del states[-size:]
                    state = following[states[-1]]
                    states.append(state)
                else:
                    return values[1], place
        raise AssertionError("the end of the tokens is accepted or refused")


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
        """Rule indices of the first derivation found, None if there is none."""
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


def _compile(rules: Sequence[Rule], tables: Tables) -> list[dict[str, Step]]:
    """One dictionary a state: token -> step."""
    following: dict[str, dict[int, int]] = {}
    for state, moves in enumerate(tables.shift):
        for symbol, target in moves.items():
            following.setdefault(symbol, {})[state] = target
    steps: list[dict[str, Step]] = []
    for state, moves in enumerate(tables.shift):
        row: dict[str, Step] = {}
        for symbol, target in moves.items():
            if symbol[0] == "'":
                row[symbol[1:]] = _shift(state, target, rules, tables)
        for token, rule in tables.reduce[state].items():
            row[token[1:]] = (
                (len(rules[rule].rhs), bytes([rule]), following[key(rules[rule].lhs, False)])
                if rule >= 0
                else (-1, b"", None)
            )
        steps.append(row)
    return steps


def _shift(state: int, target: int, rules: Sequence[Rule], tables: Tables) -> Step:
    """Shift, and do at once the one-symbol reductions that must follow whatever comes next."""
    done = b""
    while not tables.shift[target]:
        (rule, *others) = set(tables.reduce[target].values())
        if others or rule < 0 or len(rules[rule].rhs) != 1:
            break
        done = bytes([rule]) + done
        target = tables.shift[state][key(rules[rule].lhs, False)]
    return 0, done, target
