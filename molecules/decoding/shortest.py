"""Shortest derivations of given strings, and of any string with plain carbons.

The masks promise that what is open can be closed: rings in a chain of carbons, each with one digit.
Here are the productions that keep the promise, and what they cost.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import pairwise

from grammar.cfg.grammar import UNREACHABLE_COST, Grammar
from grammar.cfg.syntax import Symbol
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
            (name, body): number for name, rules in self._bodies.items() for number, body in rules
        }
        self._lhs = {number: key for key, number in self._number.items()}
        self._search = cache(self._derive)
        self.plain = self._plain_plans()

    def derive(self, name: str, tokens: tuple[str, ...]) -> Plan:
        """The symbol `name` to exactly these terminals."""
        digits = [token for token in tokens if token in LABELS]
        numbered = iter(LABELS)
        pattern = tuple(next(numbered) if token in LABELS else token for token in tokens)
        cost, rules = self._search(name, pattern)
        written = iter(digits)  # searched with the first labels, as the search takes long
        return cost, tuple(self._relabelled(rule, written) for rule in rules)

    def _relabelled(self, rule: int, labels: Iterator[str]) -> int:
        name, body = self._lhs[rule]
        changed = tuple(
            Symbol(next(labels), True) if s.terminal and s.name in LABELS else s for s in body
        )
        return rule if changed == body else self._number[name, changed]

    def _derive(self, name: str, tokens: tuple[str, ...]) -> Plan:
        best = _IMPOSSIBLE
        for number, body in self._bodies.get(name, []):
            cost, rules = self._derive_body(body, tokens)
            if cost + 1 < best[0]:
                best = (cost + 1, (number, *rules))
        return best

    def _derive_body(self, body: tuple[Symbol, ...], tokens: tuple[str, ...]) -> Plan:
        if len(tokens) < len(body):
            return _IMPOSSIBLE
        first, rest = body[0], body[1:]
        if first.terminal:
            if tokens[0] != first.name:
                return _IMPOSSIBLE
            return self._derive_body(rest, tokens[1:]) if rest else _whole(tokens)
        if not rest:
            return self._search(first.name, tokens)
        best = _IMPOSSIBLE
        for end in range(1, len(tokens) - len(rest) + 1):
            cost, rules = self._derive_body(rest, tokens[end:])
            if cost >= best[0]:
                continue
            head = self._search(first.name, tokens[:end])
            if head[0] + cost < best[0]:
                best = (head[0] + cost, head[1] + rules)
        return best

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
        ends = [token for label in labels for token in ("C", label)]
        texts = (["C", *ends], ["C", "(", *ends, ")"], ["(", "C", *ends, ")"])
        return min(self.derive(name, tuple(text)) for text in texts)

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
        costs = [self.derive(name, tuple(LABELS[: slots + k]))[0] for k in range(1, 4)]
        if max(costs) >= UNREACHABLE_COST:
            return None
        return max(costs[0] - self.plain[name][0], costs[1] - costs[0], costs[2] - costs[1])


def _whole(tokens: tuple[str, ...]) -> Plan:
    return (0, ()) if len(tokens) == 1 else _IMPOSSIBLE
