"""Tokens to rule sequences: a generalised LR parser, and nltk's chart parser for any grammar."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from grammar.cfg.grammar import Grammar
from grammar.cfg.syntax import Rule
from grammar.errors import ParseError
from grammar.parsing.lalr import END, Tables, key

Step = tuple[int, bytes, Any]
"""Action of the parser in a state with a token.

(0, rules, next state): shift, and push the rules that the token completes by itself;
(n, rule, {state below: next state}): replace n symbols; (ACCEPT, ...): the end;
(FORK, ..., steps): a conflict of the tables, each of these must be tried.
"""
ACCEPT, FORK = -1, -2
FORKS_PER_TOKEN = 50
"""Steps tried at conflicts before an ambiguous grammar is left to the chart parser."""
LONGEST = 20_000
"""Terminals of a string: time grows with their square where rules recur on the right."""


class LREngine:
    """Shift-reduce parser that builds the pre-order rule bytes while it reduces.

    In linear time without conflicts in the tables.  At a conflict it goes each way (generalised
    LR, Tomita 1985, here depth first): wrong ways of SMILES end at the next token.  A string with
    two derivations, or too many ways, is left to the chart parser.
    """

    def __init__(self, grammar: Grammar, tables: Tables) -> None:
        self._grammar = grammar
        self._steps = _compile(grammar.rules, tables)

    def derivations(self, tokens: list[str], limit: int) -> list[bytes]:
        """Rule indices of the only derivation, or of several up to `limit` in the chart's order.

        Raises
        ------
        ParseError: more than `LONGEST` terminals, or too ambiguous for so many.
        """
        if len(tokens) > LONGEST:
            raise ParseError(
                f"the string has {len(tokens):,} terminals: give one of at most {LONGEST:,}"
            )
        found, _ = self._run(tokens)
        if found is None or len(found) > 1:
            return self._chart.derivations(tokens, limit)
        return found

    def stuck(self, tokens: list[str]) -> int:
        """LR parsers stop at the first token that cannot follow."""
        found, place = self._run(tokens)
        return self._chart.stuck(tokens) if found is None else place

    @cached_property
    def _chart(self) -> ChartEngine:
        return ChartEngine(self._grammar)

    def _run(self, tokens: list[str]) -> tuple[list[bytes] | None, int]:
        """At most two derivations, None where too many ways are open; and the furthest token."""
        # Each value is the derivation of one symbol on the stack: its rule, then its parts' rules.
        tokens, steps, furthest = [*tokens, END], self._steps, 0
        left, found = FORKS_PER_TOKEN * len(tokens), list[bytes]()
        work = [(0, [0], [b""], steps[0].get(tokens[0]))]
        while work and len(found) < 2:
            place, states, values, step = work.pop()
            while step is not None:
                size, rules, following = step
                if size == 0:
                    state = following
                    states.append(state)
                    values.append(rules)
                    place += 1
                elif size == 1:  # nothing to join or to remove
                    values[-1] = rules + values[-1]
                    states[-1] = state = following[states[-2]]
                elif size > 1:
                    values[-size:] = [rules + b"".join(values[-size:])]
                    del states[-size:]
                    state = following[states[-1]]
                    states.append(state)
                else:
                    if size == ACCEPT:
                        found.append(values[1])
                    else:
                        work += [(place, [*states], [*values], way) for way in following]
                        left -= len(following)
                    break
                step = steps[state].get(tokens[place])
            furthest = max(furthest, place)
            if left < 0:
                return None, furthest
        return found, furthest


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
        self._index, self._production = productions, nltk.Production
        self._start = names[grammar.start]
        cfg = nltk.CFG(self._start, list(productions))
        self._chart = nltk.ChartParser(cfg)

    def derive(self, tokens: list[str]) -> bytes | None:
        """Rule indices of the first derivation found, None if there is none."""
        trees = self.derivations(tokens, limit=1)
        return trees[0] if trees else None

    def derivations(self, tokens: list[str], limit: int) -> list[bytes]:
        """Up to `limit` different derivations, in the order in which nltk yields their trees.

        One after the other, for nltk makes all trees at once, and there may be too many of them.
        """
        chart, found = self._edges(tokens), list[bytes]()
        roots = chart.select(span=(0, len(tokens)), lhs=self._start, is_complete=True)
        work: list[tuple[bytes, Any]] = [(b"", (root, None)) for root in roots][::-1]
        while work and len(found) < limit:
            rules, left = work.pop()
            if left is None:
                found.append(rules)
                continue
            edge, others = left
            if not edge.rhs():  # a token
                work.append((rules, others))
                continue
            rules += bytes([self._index[self._production(edge.lhs(), edge.rhs())]])
            for children in reversed(chart.child_pointer_lists(edge)):
                following = others
                for child in reversed(children):
                    following = (child, following)
                work.append((rules, following))
        return found

    def stuck(self, tokens: list[str]) -> int:
        """The furthest token that a chart edge reaches: what comes next could not be used."""
        edges = self._edges(tokens).edges()
        return max((edge.end() for edge in edges if edge.end() > edge.start()), default=0)

    def _edges(self, tokens: list[str]) -> Any:
        """The chart; `ParseError` where it takes longer than nltk allows."""
        try:
            return self._chart.chart_parse(tokens)
        except TimeoutError as error:
            raise ParseError(
                f"the grammar is so ambiguous that a string of {len(tokens)} terminals takes too "
                "long to parse: give shorter strings, or change the rules"
            ) from error


def _compile(rules: Sequence[Rule], tables: Tables) -> list[dict[str, Step]]:
    """One dictionary a state: token -> step."""
    following: dict[str, dict[int, int]] = {}
    for state, moves in enumerate(tables.shift):
        for symbol, target in moves.items():
            following.setdefault(symbol, {})[state] = target
    steps: list[dict[str, Step]] = []
    for state, moves in enumerate(tables.shift):
        ways: dict[str, list[Step]] = {}
        for symbol, target in moves.items():
            if symbol[0] == "'":
                ways[symbol[1:]] = [_shift(state, target, rules, tables)]
        for token, reduced in tables.reduce[state].items():
            ways.setdefault(token[1:], []).extend(
                (len(rules[rule].rhs), bytes([rule]), following[key(rules[rule].lhs, False)])
                if rule >= 0
                else (ACCEPT, b"", None)
                for rule in reduced
            )
        steps.append({t: w[0] if len(w) == 1 else (FORK, b"", w) for t, w in ways.items()})
    return steps


def _shift(state: int, target: int, rules: Sequence[Rule], tables: Tables) -> Step:
    """Shift, and do at once the one-symbol reductions that must follow whatever comes next."""
    done = b""
    while not tables.shift[target]:
        (rule, *others) = {rule for found in tables.reduce[target].values() for rule in found}
        if others or rule < 0 or len(rules[rule].rhs) != 1:
            break
        done = bytes([rule]) + done
        target = tables.shift[state][key(rules[rule].lhs, False)]
    return 0, done, target
