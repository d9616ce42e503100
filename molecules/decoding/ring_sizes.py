"""Which ring closures leave no ring that is too large, and how all that are open can be closed.

The size of a closure is the shortest path between its two atoms before it, plus one; a second one
at the same atom may shorten that of the first, as in C1=CN=C2C=CC=CN12.  Of a grammar
that writes its string from left to right (`grammar.cfg.compact`) one symbol is open on each level
of branches; it can become a chain of carbons, each of which closes the farthest ring in reach.  A
ring belongs to the level on which it is to be closed, and is never left to the level above.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gmae_tf.errors import UserError
from molecules.decoding.attributes import items
from molecules.decoding.rule_tables import (
    ATOM,
    BRACKET,
    CARBON,
    DIGIT,
    DIGITS,
    OPEN,
    SYMBOL,
    MoleculeTables,
)

if TYPE_CHECKING:
    from molecules.decoding.state import Frontier, WalkState

FAR = 60
"""Bonds between two atoms are counted up to here."""
Array = np.ndarray[Any, Any]


class Limit:
    """The sizes that a ring may have: `allowed` [FAR + 3] by size, none above `largest`.

    Each closure lies on a cycle of at most `largest` atoms, so that some cycle basis has no longer
    one, and then the smallest set of smallest rings has none.

    Raises UserError for sizes that no ring has, and for a grammar whose chains are not written
    from left to right.
    """

    def __init__(self, tables: MoleculeTables, sizes: Iterable[int]) -> None:
        given = list(sizes) if isinstance(sizes, Iterable) else [sizes]
        if not all(isinstance(n, int) and 3 <= n < FAR for n in given):
            raise UserError(
                f"ring_sizes is {given}: give sizes from 3 to {FAR - 1}, such as [5, 6]"
            )
        if not is_compact(tables):
            raise UserError(
                "the sizes of rings can be limited only with a grammar of the form that "
                "grammar.cfg.compact makes, such as smiles_compact"
            )
        self.largest = max(given, default=0)
        self.allowed = np.zeros(FAR + 3, dtype=bool)
        self.allowed[given] = True


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


class Chains(NamedTuple):
    """Chains that close rings: whether all are closed [K], and each one's atom and turn [K, L].

    Atom 0 is the current one, `at_first` [K] of them are closed at atom 1.
    """

    complete: Array
    atom: Array
    turn: Array
    at_first: Array

    def texts(self, row: int, labels: str) -> list[str]:
        """The ring digits of each atom of one chain, in their order."""
        atom, turn = self.atom[row], self.turn[row]
        return [
            "".join(labels[j] for j in np.argsort(turn) if atom[j] == i)
            for i in range(int(atom.max()) + 1)
        ]


def close_in_chain(
    near: Array,
    between: Array,
    todo: Array,
    here: Array,
    due: Array,
    room: Array,
    first: Array,
    largest: int,
) -> Chains:
    """Close the rings `todo` [K, L] at the current atom and in a chain of carbons behind it.

    Parameters
    ----------
    near, between : bonds from the current atom to the openers [K, L], and between those [K, L, L].
    here : which the current atom itself may close [K, L].
    due : label that it closes first [K], -1 if none.
    room, first : bonds of the current atom, and of the first of the chain besides the one to it.
    """
    near, todo, room = near.astype(np.int64), todo.copy(), room.copy()
    rows, at = np.arange(len(near)), np.zeros(len(near), dtype=np.int64)
    atom, turn = np.full(near.shape, -1), np.full(near.shape, -1)
    may_close, fresh = here.copy(), np.ones(len(near), dtype=bool)
    must = np.flatnonzero(due >= 0)
    may_close[must] &= np.arange(near.shape[1]) == due[must, None]
    stuck = ~todo.any(axis=1)
    for step in range(2 * near.shape[1] + 3):
        left = todo.sum(axis=1)
        reach = todo & may_close & (near >= 2) & (near < largest)
        closes = reach.any(axis=1) & (room > (left > 1)) & ~stuck
        i = rows[closes]
        j = np.where(reach[i], near[i], -1).argmax(axis=1)
        atom[i, j], turn[i, j], todo[i, j] = at[i], step, False
        room[i] -= 1
        fresh[i] = False
        may_close[i] = may_close[i] | here[i]
        near[i] = np.minimum(near[i], 1 + between[i, j])
        near[i, j] = 1
        moves = ~closes & ~stuck & (left > 0)
        # Every atom from the second on reaches some ring, or no atom ever does.
        stuck |= moves & ((room < 1) | ((at > 1) & fresh))
        stuck |= left == 0
        if stuck.all():
            break
        stuck |= moves & (at == 0) & (due >= 0) & fresh
        i = rows[moves & ~stuck]
        at[i] += 1
        near[i] += 1
        room[i] = np.where(at[i] == 1, first[i], CARBON - 1)
        may_close[i] = True
        fresh[i] = True
    return Chains(~todo.any(axis=1), atom, turn, (atom == 1).sum(axis=1))


class Rings(NamedTuple):
    """Open rings of K derivations by label: opener [K, L] (0: not open) and the level [K, L].

    A bond that a closure adds, between `ends` [2, K], is 0 where there is none.
    """

    rows: Array
    opener: Array
    level: Array
    ends: Array

    def take(self, at: Array) -> Rings:
        """Those of some derivations."""
        return Rings(self.rows[at], self.opener[at], self.level[at], self.ends[:, at])

    def distance(self, state: WalkState, a: Array, b: Array) -> Array:
        """Bonds between atoms a and b, arrays that broadcast and have K first."""
        wide = (-1, *(1,) * (max(a.ndim, b.ndim) - 1))
        i, u, v = (x.reshape(wide) for x in (self.rows, *self.ends))
        bonds = state.distance
        found = bonds[i, a, b].astype(np.int64)
        if not u.any():
            return found
        by_bond = np.minimum(
            bonds[i, a, u].astype(np.int64) + bonds[i, v, b],
            bonds[i, a, v].astype(np.int64) + bonds[i, u, b],
        )
        return np.where(u > 0, np.minimum(found, by_bond + 1), found)

    def between(self, state: WalkState) -> Array:
        """Bonds between the openers [K, L, L]."""
        return self.distance(state, self.opener[:, :, None], self.opener[:, None, :])


def rings_can_close(
    state: WalkState, rows: Array, rules: Array, after: Frontier, possible: Array
) -> tuple[Array, Array]:
    """Whether all rings can be closed after `rules` [C] in `rows` [C], none of them too large.

    With the bonds [C] that the first atom that is not written yet needs behind it for that.
    """
    tables, limit = state.tables, _limit(state)
    kind = np.where(state.bracket[rows] < 0, tables.kind[rules], BRACKET)
    label = np.where(kind == DIGIT, tables.value[rules], 0)
    closing = (kind == DIGIT) & (state.ring_atom[rows, label] > 0)
    now = state.rings(state.rows)
    todo = (now.opener > 0) & (now.level == state.branches[:, None])
    some = todo.any(axis=1)[rows] | (kind == DIGIT)
    fits = ~(some & _ends_level(tables, after))
    need = (some & (kind != OPEN)).astype(np.int64)
    # An atom, or one more ring, adds one bond to the longest way; most often it is short enough.
    last = _last(_nearness(state, now, state.current), todo)[rows]
    far = last + ((kind == ATOM) | (kind == DIGIT)) >= limit.largest
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
    limit, every = _limit(state), np.arange(len(rows))
    opener, level = state.ring_atom[rows].astype(np.int64), state.ring_level[rows]
    current, depth = state.current[rows], state.branches[rows]
    closing = (label >= 0) & (opener[every, label] > 0)
    opening = (label >= 0) & ~closing
    partner = np.where(closing, opener[every, label], 0)
    due, free = np.full(len(rows), -1), state.due[rows] < 0
    i = np.flatnonzero(closing & free & ~limit.allowed[state.distance[rows, current, partner] + 1])
    if len(i):
        due[i] = shortening(state, rows[i], label[i])
        level[i, due[i]] = depth[i]
    good = free | (closing & (label == state.due[rows]))
    good[i] = due[i] >= 0
    opener[every[closing], label[closing]] = 0
    opener[every[opening], label[opening]] = current[opening]
    level[every[opening], label[opening]] = depth[opening]
    rings = Rings(rows, opener, level, np.where(closing, [current, partner], 0))
    todo = (opener > 0) & (level == depth[:, None])
    i = np.flatnonzero(kind == OPEN)
    if len(i):
        todo[i] = left_to_branch(state, rings.take(i), todo[i], rules[i])
    found = close_level(state, rings, todo, after, due, kind == ATOM)
    fits = good & found.complete
    # A closure changes the distances of the levels above, too.
    i = np.flatnonzero(closing & (depth > 0) & fits)
    for above in range(int(depth[i].max(initial=0))):
        i = i[depth[i] > above]
        fits[i] &= close_above(state, rings.take(i), above).complete
    return fits, found.at_first + (todo.sum(axis=1) > found.at_first)


def shortening(state: WalkState, rows: Array, labels: Array) -> Array:
    """Label of the ring [K] that makes a closure at the current atom small enough; -1: none."""
    limit, k = _limit(state), np.arange(len(rows))
    opener = state.ring_atom[rows].astype(np.int64)
    partner, current = opener[k, labels], state.current[rows]
    fits = opener > 0
    fits &= (opener != partner[:, None]) & limit.allowed[
        state.distance[rows[:, None], current[:, None], opener] + 1
    ]
    fits &= limit.allowed[state.distance[rows[:, None], opener, partner[:, None]] + 2]
    return np.where(fits.any(axis=1), fits.argmax(axis=1), -1)


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
    near = _nearness(state, rings, state.current[rings.rows]) + np.reshape(written, (-1, 1))
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
    return _close(state, rings, near, todo, here, due, np.where(ended, 0, room), most - incoming)


def _ends_level(tables: MoleculeTables, after: Frontier) -> Array:
    """Whether nothing but the atom that is being written is left of a level of branches [K]."""
    inside = after.bracket >= 0
    return np.where(inside, after.top[:, DIGITS] == 0, tables.ends_level[after.top[:, SYMBOL]])


def close_above(state: WalkState, rings: Rings, level: int) -> Chains:
    """How the rings [K, L] of a level are closed behind the branch that is open there."""
    todo = (rings.opener > 0) & (rings.level == level)
    parent = state.parents[rings.rows, level].astype(np.int64)
    return _close_behind(state, rings, _nearness(state, rings, parent), todo)


def left_to_branch(state: WalkState, rings: Rings, todo: Array, rules: Array) -> Array:
    """Which of the rings `todo` [K, L] cannot be closed behind the branch that `rules` [K] open."""
    near = _nearness(state, rings, state.current[rings.rows])
    behind = state.tables.chain_behind[rules][:, None]
    left = todo & ((_close_behind(state, rings, near, todo).atom < 0) | ~behind)
    again = _close_behind(state, rings, near, todo & ~left)
    return np.where(again.complete[:, None], left, todo)


def _nearness(state: WalkState, rings: Rings, atom: Array) -> Array:
    """Bonds from an atom [K] to the openers [K, L]."""
    return rings.distance(state, atom[:, None], rings.opener)


def _close_behind(state: WalkState, rings: Rings, near: Array, todo: Array) -> Chains:
    """In a chain of carbons that follows a branch, where no ring digit may stand."""
    one = np.ones(len(near), dtype=np.int64)
    return _close(state, rings, near, todo, np.zeros_like(todo), -one, one, (CARBON - 1) * one)


def _close(
    state: WalkState,
    rings: Rings,
    near: Array,
    todo: Array,
    here: Array,
    due: Array,
    room: Array,
    first: Array,
) -> Chains:
    """As `close_in_chain`, but at the second atom and on wherever that is near enough."""
    largest, some = _limit(state).largest, todo.any(axis=1)
    turn = np.where(todo, np.cumsum(todo, axis=1) - 1, -1)
    found = Chains(some | True, np.where(todo, turn + 2, -1), turn, np.zeros(len(near), dtype=int))
    easy = (_last(near, todo) < largest) & (due < 0) & (room > 0)
    at = np.flatnonzero(some & ~easy)
    if len(at):
        between = rings.take(at).between(state)
        args = (near[at], between, todo[at], here[at], due[at], room[at], first[at])
        for whole, part in zip(found, close_in_chain(*args, largest), strict=True):
            whole[at] = part
    return found


def _limit(state: WalkState) -> Limit:
    assert state.tables.limit is not None  # nobody asks where there is none
    return state.tables.limit


def _last(near: Array, todo: Array) -> Array:
    """Bonds at most from the last atom of a chain to its opener [K], of one ring after the other.

    The first of them is closed at the second atom of the chain.
    """
    return np.where(todo, near, 0).max(axis=1) + todo.sum(axis=1) + 1
