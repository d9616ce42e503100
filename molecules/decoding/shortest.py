"""Shortest derivations of given strings, and of any string with plain carbons.

The masks promise that what is open can be closed: rings in a chain of carbons, each with one digit.
Here are the productions that keep the promise, and what they cost.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise

from grammar.cfg.grammar import UNREACHABLE_COST, Grammar
from grammar.cfg.syntax import Rule, Symbol
from grammar.errors import ParseError
from grammar.parsing.parser import Parser
from molecules.decoding.attributes import Traits

Plan = tuple[int, tuple[int, ...]]
"""Number of productions and their indices."""
_IMPOSSIBLE: Plan = (UNREACHABLE_COST, ())
_PLAIN = {"C", "-", "(", ")", "."}
LABELS = "1234567890"


class Templates:
    """Derivations from the symbols of a grammar; the cheapest of several."""

    def __init__(self, grammar: Grammar, traits: Traits) -> None:
        self._traits = traits
        self._bodies = {
            name: [(number, grammar.rules[number].rhs) for number, _ in rules]
            for name, rules in traits.rules.items()
        }
        self._number = {
            (rule.lhs, rule.rhs): number
            for number, rule in enumerate(grammar.rules[:-1])
            if number not in grammar.dead_rules
        }
        self._parser, self._parsed = cache(self._make_parser), cache(self._parse)
        self.plain = self._plain_plans()

    def derive(self, name: str, text: str) -> Plan:
        """The symbol `name` to exactly this text."""
        return self._parsed(name, text)

    def _parse(self, name: str, text: str) -> Plan:
        parser = self._parser(name)
        try:
            rules = [parser.grammar.rules[rule] for rule in parser.parse(text)]
        except ParseError:
            return _IMPOSSIBLE
        return len(rules), tuple(self._number[rule.lhs, rule.rhs] for rule in rules)

    def _make_parser(self, start: str) -> Parser:
        """A parser of what the symbol `start` derives."""
        names = [start]
        for name in names:  # grows while it runs
            symbols = [s for lhs, body in self._number if lhs == name for s in body]
            names += dict.fromkeys(
                s.name for s in symbols if not s.terminal and s.name not in names
            )
        rules = [str(Rule(lhs, body)) for n in names for lhs, body in self._number if lhs == n]
        return Parser(Grammar("\n".join(rules)))

    def _plain_plans(self) -> dict[str, Plan]:
        """Each symbol to its cheapest string of carbons, single bonds, branches and ring digits."""
        plans = dict.fromkeys(self._bodies, _IMPOSSIBLE)
        while True:
            before = dict(plans)
            for name, rules in self._bodies.items():
                rings = self._traits.rings_only[name]
                options = [self._plain(number, body, plans, rings) for number, body in rules]
                plans[name] = min([plans[name], *options])
            if plans == before:
                return plans

    @staticmethod
    def _plain(number: int, body: tuple[Symbol, ...], plans: dict[str, Plan], rings: bool) -> Plan:
        total, rules = 1, [number]
        for symbol in body:
            if symbol.terminal:
                if symbol.name not in _PLAIN and not (rings and symbol.name in LABELS):
                    return _IMPOSSIBLE
                continue
            cost, following = plans.get(symbol.name, _IMPOSSIBLE)
            total, rules = total + cost, [*rules, *following]
        return (total, tuple(rules)) if total < UNREACHABLE_COST else _IMPOSSIBLE

    def closing(self, name: str, labels: str) -> Plan:
        """`name` to a string that closes the rings `labels`, the first atom of it none of them."""
        ends = "".join(f"C{label}" for label in labels)
        texts = (f"C{ends}", f"C({ends})", f"(C{ends})")
        return min(self.derive(name, text) for text in texts)

    def closing_cost(self, name: str) -> tuple[int, int] | None:
        """(a, b) with a + b k the productions that k rings add to the cheapest string of `name`.

        None if the symbol cannot close rings at atoms of its own.
        """
        costs = [self.closing(name, LABELS[:k])[0] for k in range(1, 5)]
        if max(costs) >= UNREACHABLE_COST:
            return None
        slope = max(after - before for before, after in pairwise(costs))
        return costs[0] - slope - self.plain[name][0], slope

    def digit_cost(self, name: str) -> int | None:
        """Productions that each further ring digit costs in `name`; None if there can be none."""
        slots = self._traits.slots[name]
        costs = [self.derive(name, LABELS[: slots + k])[0] for k in range(1, 4)]
        if max(costs) >= UNREACHABLE_COST:
            return None
        return max(costs[0] - self.plain[name][0], costs[1] - costs[0], costs[2] - costs[1])
