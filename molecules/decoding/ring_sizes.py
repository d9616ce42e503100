"""Which ring closures leave no ring that is too large, and how all that are open can be closed.

The size of a closure is the shortest path between its two atoms before it, plus one; a second one
at the same atom may shorten that of the first, as in C1=CN=C2C=CC=CN12.  Of a grammar
that writes its string from left to right (`grammar.cfg.compact`) one symbol is open on each level
of branches; it can become a chain of carbons, each of which closes the farthest ring in reach.  A
ring belongs to the level on which it is to be closed, and is never left to the level above.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from molecules.decoding.attributes import items
from molecules.decoding.chains import Chains, Rings, last_distance
from molecules.decoding.rule_tables import (
    ATOM,
    BRACKET,
    DIGIT,
    DIGITS,
    OPEN,
    SYMBOL,
    MoleculeTables,
)
from molecules.decoding.state import Frontier, WalkState
from molecules.decoding.valences import CARBON

Array = np.ndarray[Any, Any]


def is_compact(tables: MoleculeTables) -> bool:
    """Whether each level of branches has one open symbol, and every such one can close rings."""
    traits, chains = tables.traits, set(tables.rooms)
    for name, rules in traits.rules.items():
        if traits.slots[name] or (name not in chains and not traits.rings_only[name]):
            return False
        for _, parts in rules:
            levels = [parts, *(items(part.body) for part in parts if part.kind == "branch")]
            for level in levels:
                if sum(part.symbol.name in chains for part in level if part.kind == "symbol") > 1:
                    return False
    return tables.ring_cost == 2 and not any(tables.rooms.values())


def rings_can_close(
    state: WalkState, rows: Array, rules: Array, after: Frontier, possible: Array
) -> tuple[Array, Array]:
    """Whether all rings can be closed after `rules` [C] in `rows` [C], none of them too large.

    With the bonds [C] that the first atom that is not written yet needs behind it for that.
    """
    tables = state.tables
    kind = np.where(state.bracket[rows] < 0, tables.kind[rules], BRACKET)
    label = np.where(kind == DIGIT, tables.value[rules], 0)
    closing = (kind == DIGIT) & (state.ring_atom[rows, label] > 0)
    now = state.rings(state.rows)
    todo = now.on(state.branches)
    some = todo.any(axis=1)[rows] | (kind == DIGIT)
    fits = ~(some & _ends_level(tables, after))
    need = (some & (kind != OPEN)).astype(np.int64)
    # An atom, or one more ring, adds one bond to the longest way; most often it is short enough.
    last = last_distance(now.near(state.current), todo)[rows]
    far = last + ((kind == ATOM) | (kind == DIGIT)) >= now.limit.largest
    far |= (kind == OPEN) & ~tables.chain_behind[rules]
    at = np.flatnonzero(possible & (closing | (fits & some & (far | (state.due[rows] >= 0)))))
    if len(at):
        labels = np.where(kind == DIGIT, label, -1)[at]
        fits[at], need[at] = _look(state, rows[at], rules[at], kind[at], labels, after.take(at))
    return fits, need


def _look(
    state: WalkState, rows: Array, rules: Array, kind: Array, label: Array, after: Frontier
) -> tuple[Array, Array]:
    """`rings_can_close` for K productions that may not; `label` [K] is -1 where none is written."""
    now, every = state.rings(rows), np.arange(len(rows))
    opener, level = now.opener.copy(), now.level.copy()
    current, depth = state.current[rows], state.branches[rows]
    closing = (label >= 0) & (opener[every, label] > 0)
    opening = (label >= 0) & ~closing
    partner = np.where(closing, opener[every, label], 0)
    due, free = np.full(len(rows), -1), state.due[rows] < 0
    i = np.flatnonzero(
        closing & free & ~now.limit.allowed[state.distance[rows, current, partner] + 1]
    )
    if len(i):
        due[i] = now.take(i).shortening(current[i], label[i])
        level[i, due[i]] = depth[i]
    good = free | (closing & (label == state.due[rows]))
    good[i] = due[i] >= 0
    opener[every[closing], label[closing]] = 0
    opener[every[opening], label[opening]] = current[opening]
    level[every[opening], label[opening]] = depth[opening]
    ends = np.where(closing, [current, partner], 0)
    rings = now._replace(opener=opener, level=level, ends=ends)
    todo = rings.on(depth)
    i = np.flatnonzero(kind == OPEN)
    if len(i):
        behind = state.tables.chain_behind[rules[i]]
        todo[i] = rings.take(i).left_to_branch(current[i], todo[i], behind)
    found = close_level(state, rings, todo, after, due, kind == ATOM)
    fits = good & found.complete
    # A closure changes the distances of the levels above, too.
    i = np.flatnonzero(closing & (depth > 0) & fits)
    for above in range(int(depth[i].max(initial=0))):
        i = i[depth[i] > above]
        fits[i] &= close_above(state, rings.take(i), above).complete
    return fits, found.at_first + (todo.sum(axis=1) > found.at_first)


def close_level(
    state: WalkState,
    rings: Rings,
    todo: Array,
    after: Frontier,
    due: Array,
    written: Array | int = 0,
) -> Chains:
    """How the rings `todo` [K, L] are closed at the frontiers `after` [K] and in a chain there.

    `due` [K] is the label that the current atom closes next, -1 if none, and `written` [K] whether
    the current atom is a new one, that the state does not have yet.
    """
    tables, top = state.tables, after.top[:, SYMBOL]
    near = rings.near(state.current[rings.rows]) + np.reshape(written, (-1, 1))
    inside = after.bracket >= 0
    ended = _ends_level(tables, after)
    double = after.order > 1
    here = (tables.takes_digits[top] & ~inside)[:, None] & np.ones_like(todo)
    if double.any():  # a double bond that is pending needs a ring that can take it
        slack = state.ring_slack()[rings.rows]
        here &= ~double[:, None] | (
            ~state.explicit[rings.rows] & (slack >= after.order[:, None] - 1)
        )
    incoming = np.maximum(after.order, 1)
    room = np.where(here.any(axis=1), after.free - (incoming - 1), 1)
    most = np.where(inside, tables.brackets.most[double.astype(int), after.bracket], CARBON)
    return rings.close(near, todo, here, due, np.where(ended, 0, room), most - incoming)


def close_above(state: WalkState, rings: Rings, level: int) -> Chains:
    """How the rings [K, L] of a level are closed behind the branch that is open there."""
    parent = state.parents[rings.rows, level].astype(np.int64)
    return rings.close_behind(parent, rings.on(level))


def _ends_level(tables: MoleculeTables, after: Frontier) -> Array:
    """Whether nothing but the atom that is being written is left of a level of branches [K]."""
    inside = after.bracket >= 0
    return np.where(inside, after.top[:, DIGITS] == 0, tables.ends_level[after.top[:, SYMBOL]])
