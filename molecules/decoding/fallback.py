"""The productions that complete one derivation, as the proof of `molecules.decoding.mask` says they do."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from grammar.cfg.grammar import UNREACHABLE_COST
from grammar.cfg.syntax import Symbol
from molecules.decoding.rule_tables import CARBON, DEMAND, SYMBOL, MoleculeTables
from molecules.decoding.shortest import LABELS
from molecules.decoding.valences import MOST_BONDS

if TYPE_CHECKING:
    from molecules.decoding.mask import MoleculeWalk

Rules = tuple[int, ...]


def completion(walk: MoleculeWalk, row: int) -> Rules:
    """Rules that complete derivation `row` in the steps left.

    Raises RuntimeError if there are none, which would be a mistake in `molecules.decoding.mask`.
    """
    one = _Derivation(walk, row)
    plans = [plan for plan in (one.further_down(), one.at_one_atom()) if plan is not None]
    best = min(plans, key=len, default=None)
    if best is None or len(best) > walk.left:
        raise RuntimeError(f"the proof for {one.symbols} with {walk.left} steps left is wrong")
    return best


class _Derivation:
    """One row of a walk, with what its pending ring digits may do."""

    def __init__(self, walk: MoleculeWalk, row: int) -> None:
        self.tables: MoleculeTables = walk.tables
        records = walk.stack[row, walk.depth[row] : 1 : -1]
        self.symbols = [self.tables.symbols[int(record[SYMBOL])] for record in records]
        self.first = int(records[0, SYMBOL])
        self.state, self.order = int(walk.bracket[row]), int(walk.order[row])
        self.incoming = max(self.order, 1) if walk.current[row] else 0
        moves = self.state < 0 and self.tables.moves[self.first]
        self.other = self.state >= 0 or moves
        # The symbols from `begin` on concern the atom that the pending digits belong to.
        self.begin = 1 if moves else 0
        if self.state >= 0:
            self.begin = self.symbols.index(Symbol("]", True)) + 1
        behind = walk.stack[row, walk.depth[row] - self.begin]
        self.need = self.incoming + int(behind[DEMAND])
        current = walk.current[row]
        extra = max(self.order - int(walk.aromatic[row, current]), 1) - 1 if self.order else 0
        self.spare = int(walk.free[row, current]) - int(records[0, DEMAND]) - extra
        self.opened = {int(i): int(a) for i, a in enumerate(walk.ring_atom[row]) if a}
        self.reach = self._reach(walk, row)

    def _reach(self, walk: MoleculeWalk, row: int) -> list[int]:
        """Labels that the atom in question can close, one for each partner."""
        found: dict[int, int] = {}
        for label, atom in self.opened.items():
            near = atom == walk.current[row] if self.other else not walk.closable[row, label]
            slack = walk.free[row, atom] + walk.aromatic[row, atom]
            fits = not walk.explicit[row, label] and slack >= self.order - 1
            if not near and (self.order < 2 or self.other or fits):
                found.setdefault(atom, label)
        return list(found.values())

    def _pending(self) -> list[str]:
        """Symbols that are nothing but ring digits of the atom in question."""
        names = []
        for symbol in self.symbols[self.begin :]:
            if symbol.terminal or not self.tables.traits.rings_only[symbol.name]:
                break
            names.append(symbol.name)
        return names

    def further_down(self) -> Rules | None:
        """Pending digits close rings or open more; a chain of carbons closes what remains."""
        pending = self._pending()
        slots = [self.tables.traits.slots[name] for name in pending]
        closed = self.reach[: sum(slots)]
        unused = [i for i in range(len(LABELS)) if i not in self.opened and self._exists(i)]
        opened = unused[: sum(slots) - len(closed)]
        remain = [*(i for i in self.opened if i not in closed), *opened]
        digits = _text([*closed, *opened])
        head: list[Rules | None] = []
        for name, count in zip(pending, slots, strict=True):
            head.append(self._digits(name, digits[:count]))
            digits = digits[count:]
        parts: list[Rules | None] = [self._plain(symbol) for symbol in self.symbols]
        parts[self.begin : self.begin + len(pending)] = head
        self._fill_atom(parts, self.need)
        if remain:
            self._close(parts, _text(remain), len(pending))
        return _joined(parts)

    def _close(self, parts: list[Rules | None], labels: str, pending: int) -> None:
        """Let the symbol for which it is cheapest close the rings."""
        options = []
        for i, symbol in enumerate(self.symbols):
            may = i >= self.begin + pending or self._roomy(i)
            if may and not symbol.terminal and symbol.name in self.tables.rooms:
                cost, rules = self.tables.templates.closing(symbol.name, labels)
                options.append((cost - self.tables.templates.plain[symbol.name][0], i, rules))
        if options:
            _, i, rules = min(options)
            parts[i] = rules
        else:
            parts[0] = None

    def _roomy(self, i: int) -> bool:
        return i == 0 and self.begin == 1 and self.need + 1 <= CARBON

    def at_one_atom(self) -> Rules | None:
        """All open rings are closed at the atom that the pending digits belong to."""
        if not self.opened or len(self.reach) != len(self.opened):
            return None
        digits, pending = _text(self.reach), self._pending()
        slots = [self.tables.traits.slots[name] for name in pending]
        behind = self.symbols[self.begin + len(pending) :]
        if behind and behind[0].name in self.tables.more and not behind[0].terminal:
            pending, slots = [*pending, behind[0].name], [*slots, 0]
        extra = len(digits) - sum(slots)
        if not self.other and extra > self.spare:
            return None
        parts: list[Rules | None] = [self._plain(symbol) for symbol in self.symbols]
        for i, (name, count) in enumerate(zip(pending, slots, strict=True)):
            count += extra if name in self.tables.more else 0
            extra = 0 if name in self.tables.more else extra
            parts[self.begin + i] = self._digits(name, digits[:count])
            digits = digits[count:]
        if digits or extra:
            return None
        self._fill_atom(parts, self.need + len(self.reach) - sum(slots))
        return _joined(parts)

    def _exists(self, label: int) -> bool:
        return LABELS[label] in self.tables.grammar.terminals

    def _plain(self, symbol: Symbol) -> Rules:
        return () if symbol.terminal else self.tables.templates.plain.get(symbol.name, (0, ()))[1]

    def _digits(self, name: str, digits: str) -> Rules | None:
        if not digits:
            return self._plain(Symbol(name, False))
        cost, rules = self.tables.templates.derive(name, tuple(digits))
        return rules if cost < UNREACHABLE_COST else None

    def _fill_atom(self, parts: list[Rules | None], bonds: int) -> None:
        """The atom to come must be able to have so many bonds."""
        double, most = int(self.order > 1), min(bonds, MOST_BONDS + 1)
        if self.state >= 0:
            cost = self.tables.brackets.cost[double, self.state, most]
            parts[: self.begin] = [()] * self.begin
            parts[0] = _bracket_rules(self.tables, self.state, most, double)
        elif self.other:
            name = self.symbols[0].name
            cost = self.tables.atom_cost[double, self.first, most]
            parts[0] = _atom_rules(self.tables, name, most, double)
        else:
            return
        if cost >= UNREACHABLE_COST:
            parts[0] = None


@lru_cache(maxsize=1 << 12)
def _atom_rules(tables: MoleculeTables, name: str, bonds: int, double: int) -> Rules:
    """The cheapest string of `name` whose first atom can have so many bonds."""
    costs = tables.atom_cost[double]
    number, parts = min(
        tables.traits.rules[name],
        key=lambda rule: int(tables.rule_cost(rule[0], rule[1], costs, double)[bonds]),
    )
    rules: list[int] = [number]
    moved = False
    for i, part in enumerate(parts):
        names = [part.symbol, *part.body]
        if not moved and tables.traits.is_move(part):
            moved = True
            extra = tables.traits.sum_demand(parts[i + 1 :])[0]
            if part.kind == "bracket":
                state = tables.brackets.start[part.body]
                rules += _bracket_rules(tables, state, min(bonds + extra, MOST_BONDS + 1), double)
            elif part.kind == "symbol":
                rules += _atom_rules(
                    tables, part.symbol.name, min(bonds + extra, MOST_BONDS + 1), double
                )
            continue
        for symbol in names:
            rules += () if symbol.terminal else tables.templates.plain[symbol.name][1]
    return tuple(rules)


@lru_cache(maxsize=1 << 12)
def _bracket_rules(tables: MoleculeTables, state: int, bonds: int, double: int) -> Rules:
    """The cheapest way from a state to a bracket atom that can have so many bonds."""
    brackets = tables.brackets
    rules: list[int] = []
    while (steps := np.flatnonzero(brackets.step[state] >= 0)).size:
        following = brackets.step[state, steps]
        best = int(brackets.cost[double, following, bonds].argmin())
        rules.append(int(steps[best]))
        state = int(following[best])
    return tuple(rules)


def _text(labels: list[int]) -> str:
    return "".join(LABELS[label] for label in labels)


def _joined(parts: list[Rules | None]) -> Rules | None:
    if any(part is None for part in parts):
        return None
    return tuple(rule for part in parts if part is not None for rule in part)
