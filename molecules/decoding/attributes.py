"""Bonds and ring digits that each symbol of a SMILES grammar needs, derived from its rules.

Nothing here knows rule numbers or names of non-terminals; it knows the terminals of SMILES. The
inside of brackets is left to `molecules.decoding.bracket_automaton`.
"""

from __future__ import annotations

from typing import NamedTuple

from gmae_tf.errors import UserError
from grammar.cfg.grammar import UNREACHABLE_COST, Grammar
from grammar.cfg.syntax import Symbol

BONDS = {"-": 1, "/": 1, "\\": 1, "=": 2, "#": 3}
REFUSED = {"%", "$", ":", "*"}
"""Outside brackets, never written: two-digit ring bonds and what RDKit does not write itself."""
Body = tuple[Symbol, ...]


class Item(NamedTuple):
    """A part of a rule: a bracket or a branch as one, or a single symbol."""

    kind: str  # atom, bracket, branch, bond, digit, dot or symbol
    symbol: Symbol
    body: Body = ()  # what stands inside a bracket or a branch


def items(body: Body) -> list[Item]:
    """The parts of a right-hand side outside brackets; UserError for what is not understood."""
    found, position = [], 0
    while position < len(body):
        symbol = body[position]
        close = {"[": "]", "(": ")"}.get(symbol.name) if symbol.terminal else None
        if close is None:
            found.append(Item(_kind(symbol), symbol))
            position += 1
            continue
        if Symbol(close, True) not in body[position:]:
            raise UserError(
                f"the grammar has a rule with {symbol.name!r} and no {close!r} behind it; "
                "molecules can be decoded only by grammars whose rules close what they open"
            )
        end = body.index(Symbol(close, True), position)
        kind = "bracket" if symbol.name == "[" else "branch"
        found.append(Item(kind, symbol, body[position + 1 : end]))
        position = end + 1
    return found


def _kind(symbol: Symbol) -> str:
    if not symbol.terminal:
        return "symbol"
    if symbol.name in BONDS or symbol.name in REFUSED:
        return "bond"
    if symbol.name.isdigit():
        return "digit"
    return "dot" if symbol.name == "." else "atom"


class Traits:
    """Attributes that hold for every string that a symbol derives, by the name of the symbol.

    `demand`: bonds that it takes at least from the current atom; `moves`: after it another atom is
    current; `slots`: ring digits that it begins with at least; `rings_only`: it is nothing but ring
    digits and their bonds. `outside` names the symbols that occur outside brackets, and `inners`
    lists what stands inside brackets.
    """

    def __init__(self, grammar: Grammar) -> None:
        self.rules: dict[str, list[tuple[int, list[Item]]]] = {}
        self.outside = _reachable(grammar)
        self.refused: set[int] = set(grammar.dead_rules)
        for number, rule in enumerate(grammar.rules[:-1]):
            if rule.lhs not in self.outside:
                continue
            parts = items(rule.rhs)
            if any(p.symbol.terminal and p.symbol.name in REFUSED for p in parts):
                self.refused.add(number)
            if number not in self.refused:
                self.rules.setdefault(rule.lhs, []).append((number, parts))
        every = [part for rules in self.rules.values() for _, parts in rules for part in parts]
        self.inners = {part.body for part in every if part.kind == "bracket"}
        names = list(self.rules)
        self.demand = dict.fromkeys(names, UNREACHABLE_COST)
        self.slots = dict.fromkeys(names, UNREACHABLE_COST)
        self.moves = dict.fromkeys(names, True)
        self.rings_only = dict.fromkeys(names, True)
        while self._refine():
            pass

    def _refine(self) -> bool:
        before = self._found()
        for name, rules in self.rules.items():
            bodies = [parts for _, parts in rules]
            self.demand[name] = min(self.sum_demand(parts)[0] for parts in bodies)
            self.slots[name] = min(self.sum_slots(parts)[0] for parts in bodies)
            self.moves[name] = all(any(map(self.is_move, parts)) for parts in bodies)
            self.rings_only[name] = all(all(map(self.is_ring, parts)) for parts in bodies)
        return before != self._found()

    def _found(self) -> tuple[tuple[int, ...], ...]:
        tables = (self.demand, self.slots, self.moves, self.rings_only)
        return tuple(tuple(table.values()) for table in tables)

    def is_move(self, part: Item) -> bool:
        """Whether another atom is current behind the part."""
        if part.kind == "symbol":
            return self.moves[part.symbol.name]
        return part.kind in ("atom", "bracket", "dot")

    def is_ring(self, part: Item) -> bool:
        """Whether the part is nothing but ring digits or bonds."""
        if part.kind == "symbol":
            return self.rings_only[part.symbol.name]
        return part.kind in ("bond", "digit")

    def part_demand(self, part: Item) -> int:
        """Bonds that the part takes at least from the current atom."""
        if part.kind == "symbol":
            return self.demand[part.symbol.name]
        return 0 if part.kind in ("bond", "dot") else 1

    def sum_demand(self, parts: list[Item]) -> tuple[int, bool]:
        """Bonds that the parts take from the current atom, and whether it stays current."""
        total = 0
        for part in parts:
            total = min(UNREACHABLE_COST, total + self.part_demand(part))
            if self.is_move(part):
                return total, False
        return total, True

    def sum_slots(self, parts: list[Item]) -> tuple[int, bool]:
        """Ring digits that the parts begin with at least, and whether there is nothing else."""
        total = 0
        for part in parts:
            if part.kind == "digit":
                total += 1
            elif part.kind == "symbol":
                total = min(UNREACHABLE_COST, total + self.slots[part.symbol.name])
            if not self.is_ring(part):
                return total, False
        return total, True


def _reachable(grammar: Grammar) -> set[str]:
    """Non-terminals that occur outside brackets."""
    bodies: dict[str, list[Body]] = {}
    for number, rule in enumerate(grammar.rules[:-1]):
        if number not in grammar.dead_rules:
            bodies.setdefault(rule.lhs, []).append(rule.rhs)
    found = [grammar.start]
    for name in found:  # grows while it runs
        pending = [part for body in bodies[name] for part in items(body)]
        while pending:
            part = pending.pop()
            if part.kind == "branch":
                pending += items(part.body)
            elif part.kind == "symbol" and part.symbol.name not in found:
                found.append(part.symbol.name)
    return set(found)
