"""The productions that complete one derivation, as `molecules.decoding.lookahead` has proved.

A proof counts more productions than it needs, so that a derivation may have one and none of its
successors: then the completion that was proved is written, one production a step.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from grammar.cfg.grammar import UNREACHABLE_COST
from grammar.cfg.syntax import Symbol
from molecules.decoding.ring_sizes import close_above, close_level
from molecules.decoding.rule_tables import SYMBOL, MoleculeTables
from molecules.decoding.shortest import LABELS
from molecules.decoding.state import WalkState
from molecules.decoding.valences import CARBON, MOST_BONDS

Rules = tuple[int, ...]
Parts = list["Rules | None"]
"""The productions of each open symbol; None where there are none for what it has to write."""


def completion(state: WalkState, row: int) -> Rules:
    """Rules that complete derivation `row` in the steps left.

    Raises RuntimeError if there are none, which would be a mistake in `lookahead`.
    """
    state = state.take(np.array([row]))
    rest = _Rest.of(state)
    if state.tables.limit:
        plans = [closed_on_each_level(rest, state)]
    else:
        plans = [closed_further_down(rest), closed_at_one_atom(rest)]
    best = min((plan for plan in plans if plan is not None), key=len, default=None)
    if best is None or len(best) > state.left:
        raise RuntimeError(f"the proof for {rest.symbols} with {state.left} steps left is wrong")
    return best


@dataclass(frozen=True)
class _Rest:
    """What is still to be written of one derivation; see `molecules.decoding.state.Claims`.

    Attributes
    ----------
    symbols : the open ones, the next one first; those from `begin` on belong to the atom of the
        pending ring digits, `digits` of them are nothing but such, and begin with `slots` each.
    opened : the atom that opened the ring, by label.
    reach : labels that the atom can close, one for each opener.
    """

    tables: MoleculeTables
    symbols: tuple[Symbol, ...]
    bracket: int
    order: int
    awaited: bool
    roomy: bool
    need: int
    spare: int
    begin: int
    digits: tuple[str, ...]
    slots: tuple[int, ...]
    opened: dict[int, int]
    reach: tuple[int, ...]

    @classmethod
    def of(cls, state: WalkState) -> _Rest:
        """That of a state of one derivation."""
        tables, depth = state.tables, state.depth[0]
        claims = state.frontier_now().claims(tables)
        symbols = tuple(tables.symbols[int(i)] for i in state.stack[0, depth:1:-1, SYMBOL])
        bracket, awaited = int(state.bracket[0]), bool(claims.awaited[0])
        begin = symbols.index(Symbol("]", True)) + 1 if bracket >= 0 else int(claims.moves[0])
        digits = []
        for symbol in symbols[begin:]:
            if symbol.terminal or not tables.traits.rings_only[symbol.name]:
                break
            digits.append(symbol.name)
        need = int(claims.need[0])
        return cls(
            tables=tables,
            symbols=symbols,
            bracket=bracket,
            order=int(state.order[0]),
            awaited=awaited,
            roomy=bool(claims.moves[0]) and need + 1 <= CARBON,
            need=need,
            spare=int(claims.spare[0]),
            begin=begin,
            digits=tuple(digits),
            slots=tuple(tables.traits.slots[name] for name in digits),
            opened={i: int(a) for i, a in enumerate(state.ring_atom[0]) if a},
            reach=_reach(state, awaited),
        )

    def plain(self) -> Parts:
        """Every open symbol with the fewest productions: carbons, single bonds and no rings."""
        return [_plain(self.tables, symbol) for symbol in self.symbols]


def _reach(state: WalkState, awaited: bool) -> tuple[int, ...]:
    """Labels that an atom to come, or else the current one, can close, one for each opener."""
    opener, order = state.ring_atom[0], int(state.order[0])
    if awaited:  # an atom to come is bonded to the current one, and to no other yet
        can = (opener > 0) & (opener != state.current[0])
    else:  # a double bond that is pending needs a ring that can take it
        takes = ~state.explicit[0] & (state.ring_slack()[0] >= order - 1)
        can = state.closable[0] & ((order < 2) | takes)
    found: dict[int, int] = {}
    for label in np.flatnonzero(can):
        found.setdefault(int(opener[label]), int(label))
    return tuple(found.values())


def closed_further_down(rest: _Rest) -> Rules | None:
    """Pending digits close rings or open more; a chain of carbons closes what remains."""
    tables, pending = rest.tables, sum(rest.slots)
    closing = rest.reach[:pending]
    terminals = tables.grammar.terminals
    unused = [i for i, text in enumerate(LABELS) if i not in rest.opened and text in terminals]
    opening = unused[: pending - len(closing)]
    parts, written = rest.plain(), _text([*closing, *opening])
    for i, (name, count) in enumerate(zip(rest.digits, rest.slots, strict=True), rest.begin):
        parts[i], written = _digits(tables, name, written[:count]), written[count:]
    _fill_atom(rest, parts, rest.need)
    remaining = [*(i for i in rest.opened if i not in closing), *opening]
    if remaining:
        _close(rest, parts, _text(remaining))
    return _joined(parts)


def closed_at_one_atom(rest: _Rest) -> Rules | None:
    """The atom that the pending digits belong to closes all open rings."""
    tables, rings = rest.tables, len(rest.opened)
    if not rings or len(rest.reach) != rings:
        return None
    names, slots = list(rest.digits), list(rest.slots)
    behind = rest.symbols[rest.begin + len(names) :]
    if behind and behind[0].name in tables.more and not behind[0].terminal:
        names, slots = [*names, behind[0].name], [*slots, 0]
    extra = rings - sum(slots)  # digits more than are pending, for the first that can have more
    if not rest.awaited and extra > rest.spare:
        return None
    need, parts, written = rest.need + extra, rest.plain(), _text(rest.reach)
    for i, (name, count) in enumerate(zip(names, slots, strict=True), rest.begin):
        if name in tables.more:
            count, extra = count + extra, 0
        parts[i], written = _digits(tables, name, written[:count]), written[count:]
    if written or extra:
        return None
    _fill_atom(rest, parts, need)
    return _joined(parts)


def closed_on_each_level(rest: _Rest, state: WalkState) -> Rules | None:
    """A chain of carbons on each level of branches closes its rings, none of them too large."""
    tables, parts, need = rest.tables, rest.plain(), rest.need
    rings, depth = state.rings(state.rows), int(state.branches[0])
    begin = rest.begin if rest.bracket >= 0 else 0
    for level in range(depth, -1, -1):
        todo = rings.on(level)
        if todo.any():
            if level < depth:
                chains = close_above(state, rings, level)
            else:
                chains = close_level(state, rings, todo, state.frontier_now(), state.due)
            if not chains.complete[0]:
                return None
            digits = chains.texts(0, LABELS)
            if level == depth and rest.bracket >= 0:  # the first atom, whose own digits follow it
                need = max(need, max(rest.order, 1) + len(digits[1]) + (len(digits) > 2))
                digits = digits[1:]
            while rest.symbols[begin].name not in tables.rooms:
                begin += 1
            parts[begin] = _digits(tables, rest.symbols[begin].name, "C".join(digits))
            if begin == 0:
                need = -1  # written with the chain
        while level and rest.symbols[begin] != Symbol(")", True):
            begin += 1
        begin += 1
    if need >= 0:
        _fill_atom(rest, parts, need)
    return _joined(parts)


def _close(rest: _Rest, parts: Parts, labels: str) -> None:
    """Let the symbol for which it is cheapest close the rings."""
    tables, templates = rest.tables, rest.tables.templates
    options = []
    for i, symbol in enumerate(rest.symbols):
        may = i >= rest.begin + len(rest.digits) or (i == 0 and rest.roomy)
        if may and not symbol.terminal and symbol.name in tables.rooms:
            cost, rules = templates.closing(symbol.name, labels)
            options.append((cost - templates.plain[symbol.name][0], i, rules))
    if options:
        _, i, rules = min(options)
        parts[i] = rules
    else:
        parts[0] = None


def _fill_atom(rest: _Rest, parts: Parts, bonds: int) -> None:
    """An atom to come must be able to have so many bonds."""
    tables, double, most = rest.tables, int(rest.order > 1), min(bonds, MOST_BONDS + 1)
    if rest.bracket >= 0:
        cost = tables.brackets.cost[double, rest.bracket, most]
        parts[: rest.begin] = [()] * rest.begin
        parts[0] = _bracket_rules(tables, rest.bracket, most, double)
    elif rest.awaited:
        name = rest.symbols[0].name
        cost = tables.atom_cost[double, tables.symbols.index(rest.symbols[0]), most]
        parts[0] = _atom_rules(tables, name, most, double)
    else:
        return
    if cost >= UNREACHABLE_COST:
        parts[0] = None


def _plain(tables: MoleculeTables, symbol: Symbol) -> Rules:
    return () if symbol.terminal else tables.templates.plain.get(symbol.name, (0, ()))[1]


def _digits(tables: MoleculeTables, name: str, digits: str) -> Rules | None:
    if not digits:
        return _plain(tables, Symbol(name, False))
    cost, rules = tables.templates.derive(name, digits)
    return rules if cost < UNREACHABLE_COST else None


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
        if not moved and tables.traits.is_move(part):
            moved = True
            extra = tables.traits.sum_demand(parts[i + 1 :])[0]
            most = min(bonds + extra, MOST_BONDS + 1)
            if part.kind == "bracket":
                rules += _bracket_rules(tables, tables.brackets.start[part.body], most, double)
            elif part.kind == "symbol":
                rules += _atom_rules(tables, part.symbol.name, most, double)
            continue
        for symbol in (part.symbol, *part.body):
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


def _text(labels: list[int] | tuple[int, ...]) -> str:
    return "".join(LABELS[label] for label in labels)


def _joined(parts: Parts) -> Rules | None:
    if any(part is None for part in parts):
        return None
    return tuple(rule for part in parts if part is not None for rule in part)
