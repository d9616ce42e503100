"""The state of molecules that are written side by side: open symbols, free valences, open rings."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from molecules.decoding.chains import FAR, Rings
from molecules.decoding.rule_tables import (
    ATOM,
    BOND,
    BRACKET,
    DEMAND,
    DIGIT,
    NO_ROOM,
    OPEN,
    SYMBOL,
    MoleculeTables,
)
from molecules.decoding.shortest import LABELS

INSIDE = -1
"""Kind of a rule inside a bracket, where only the bracket automaton knows what it writes."""
_UNBOUNDED = 10_000  # bonds of what stands before the first atom
_EARLIER = np.tri(len(LABELS), k=-1, dtype=bool)
Array = np.ndarray


@dataclass
class WalkState:
    """n leftmost derivations of SMILES, one row each; `apply` expands the next symbol of each.

    Atoms are numbered from 1 in each derivation; atom 0 stands before the first one.

    Attributes
    ----------
    left : productions that each derivation may still take.
    stack, depth : records [n, S, 5] of the open symbols (see `MoleculeTables`); the next symbol is
        at `depth` [n], and `Nothing` lies below all others.
    open_cost : fewest productions that expand the whole stack [n], by the grammar alone.
    atoms, current : atoms written, and the one that the next bond starts from [n].
    order : of the bond that is written and has no second end yet, 0 if there is none [n].
    free : bonds that each atom can still have [n, A], beside one for each ring that is open at it
        and, while a branch is open, what stands behind the branch.  What the stack demands of the
        current atom is still included.
    aromatic : 1 for an aromatic atom [n, A], of which a double bond takes one bond only.
    parents, branches : atoms with an open branch [n, B], and how many [n].
    bracket : state of `tables.brackets`, -1 outside brackets [n].
    ring_atom : atom that opened the ring of each label, 0 if it is not open [n, L].
    first : whether the label is the first of the open ones of its atom [n, L]: two atoms share one
        bond at most, so one atom can close no more than one ring of another.
    closable : whether the current atom may close the ring [n, L]: it has no bond to the opener yet.
    explicit : whether the ring was opened with a bond symbol [n, L], which fixes its order.
    due : label of the ring that the current atom closes next, -1 if that is free [n].
    distance : bonds between two atoms [n, A, A], and `ring_level` [n, L] the level of branches on
        which a ring is to be closed; kept where `tables.limit` limits the sizes of rings.
    """

    tables: MoleculeTables
    left: int
    rows: Array
    columns: Array
    stack: Array
    depth: Array
    open_cost: Array
    atoms: Array
    current: Array
    order: Array
    free: Array
    aromatic: Array
    parents: Array
    branches: Array
    bracket: Array
    ring_atom: Array
    first: Array
    closable: Array
    explicit: Array
    due: Array
    distance: Array
    ring_level: Array

    @classmethod
    def start(cls, tables: MoleculeTables, n: int, steps: int) -> WalkState:
        """n derivations of `steps` productions at most, none of them taken."""
        columns = np.arange(tables.rest_symbol.shape[1])
        stack = np.empty((n, 3 + len(columns) + 2 * steps, 5), dtype=np.int16)
        stack[:] = [tables.nothing, 0, 0, 0, NO_ROOM]
        stack[:, 2, SYMBOL] = 0
        labels = (n, len(LABELS))
        return cls(
            tables=tables,
            left=steps,
            rows=np.arange(n),
            columns=columns,
            stack=stack,
            depth=np.full(n, 2),
            open_cost=np.full(n, tables.grammar.min_cost_lhs[0]),
            atoms=np.zeros(n, dtype=np.int64),
            current=np.zeros(n, dtype=np.int64),
            order=np.zeros(n, dtype=np.int64),
            free=np.full((n, steps + 2), _UNBOUNDED, dtype=np.int16),
            aromatic=np.zeros((n, steps + 2), dtype=np.int16),
            parents=np.zeros((n, steps // 2 + 2), dtype=np.int16),
            branches=np.zeros(n, dtype=np.int64),
            bracket=np.full(n, -1),
            ring_atom=np.zeros(labels, dtype=np.int16),
            first=np.zeros(labels, dtype=bool),
            closable=np.zeros(labels, dtype=bool),
            explicit=np.zeros(labels, dtype=bool),
            due=np.full(n, -1),
            distance=np.full((n, *(2 * [steps + 2 if tables.limit else 0])), FAR, dtype=np.int8),
            ring_level=np.zeros(labels, dtype=np.int64),
        )

    @property
    def top(self) -> Array:
        """Symbol that each derivation expands next [n]; `Nothing` once complete."""
        return self.stack[self.rows, self.depth, SYMBOL]

    def take(self, rows: Array) -> WalkState:
        """The derivations `rows` (indices, repeats allowed) as a state of their own."""
        other = copy(self)
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray) and name != "columns":
                vars(other)[name] = value[rows]
        other.rows = np.arange(len(other.depth))
        return other

    def ring_slack(self) -> Array:
        """How much more than a single bond each ring's opener could give to its closing [n, L].

        A closing bond of order k fits iff k - 1 <= slack: one bond was taken when the ring was
        opened, and an aromatic opener gives one less than the order (`bonds`).
        """
        opener = self.ring_atom.astype(np.int64)
        return np.take_along_axis(self.free, opener, 1) + np.take_along_axis(
            self.aromatic, opener, 1
        )

    def frontier(self, rows: Array, top: Array, below: Array) -> Frontier:
        """The frontiers of the derivations `rows` [C], whose next symbols have these records."""
        opened = self.ring_atom
        loose = self.closable & ~self.explicit
        columns = [
            self.bracket,
            (opened > 0).sum(axis=1),
            (self.first & self.closable).sum(axis=1),
            (self.first & (opened != self.current[:, None])).sum(axis=1),
            self.first.sum(axis=1),
            self.free[self.rows, self.current],
            self.aromatic[self.rows, self.current],
            self.order,
            np.where(loose, self.ring_slack(), -1).max(axis=1),
            self.current > 0,
            self.open_cost,
        ]
        return Frontier(top, below, *np.array(columns, dtype=np.int64)[:, rows])

    def frontier_now(self) -> Frontier:
        """The frontiers of all derivations as they are [n]."""
        top, below = (self.stack[self.rows, self.depth - down] for down in (0, 1))
        return self.frontier(self.rows, top, below)

    # ------------------------------------------------------------------ one production

    def apply(self, rules: Array) -> None:
        """Take one allowed rule [n] in each derivation."""
        tables, grammar = self.tables, self.tables.grammar
        top = self.top
        rows = np.flatnonzero(top != tables.nothing)
        rules = np.asarray(rules, dtype=np.int64)[rows]
        self.open_cost[rows] += grammar.min_cost_rule[rules] - 1 - grammar.min_cost_lhs[top[rows]]
        kind = np.where(self.bracket[rows] >= 0, INSIDE, tables.kind[rules])
        below = self.stack[rows, self.depth[rows] - 1]
        at = np.flatnonzero(kind == OPEN)
        self._open_branch(rows[at], rules[at], tables.behind_branch(rules[at], below[at, DEMAND]))
        length = tables.rest_length[rules]
        at = np.flatnonzero(length)
        slots = self.depth[rows[at], None] + self.columns
        self.stack[rows[at, None], slots] = tables.records(rules[at], below[at])
        self.depth[rows] += length - 1
        self._write(rows, rules, kind)
        self._pop_terminals(rows)
        self.left -= 1

    def _open_branch(self, rows: Array, rules: Array, reserved: Array) -> None:
        """At '(' keep back the bonds that the current atom needs behind the branch."""
        current = self.current[rows]
        if self.tables.limit:
            self._raise_rings(rows, rules)
        self.free[rows, current] -= reserved
        self.parents[rows, self.branches[rows]] = current
        self.branches[rows] += 1
        self.closable[rows] = False  # no ring digit follows a branch

    def _raise_rings(self, rows: Array, rules: Array) -> None:
        """Give to the branch that opens the rings that cannot be closed behind it."""
        rings, depth = self.rings(rows), self.branches[rows]
        behind = self.tables.chain_behind[rules]
        left = rings.left_to_branch(self.current[rows], rings.on(depth), behind)
        self.ring_level[rows] = np.where(left, depth[:, None] + 1, rings.level)

    def rings(self, rows: Array) -> Rings:
        """The open rings of some derivations."""
        assert self.tables.limit is not None  # else the distances are not kept
        none = np.zeros((2, len(rows)), dtype=np.int64)
        opener, level = self.ring_atom[rows].astype(np.int64), self.ring_level[rows]
        return Rings(self.distance, self.tables.limit, rows, opener, level, none)

    def _close_branch(self, rows: Array) -> None:
        """At ')' return to the atom of the branch, and what was kept back to it."""
        self.branches[rows] -= 1
        parent = self.parents[rows, self.branches[rows]]
        self.free[rows, parent] += self.stack[rows, self.depth[rows], DEMAND]
        self.current[rows] = parent
        self.closable[rows] = False

    def _write(self, rows: Array, rules: Array, kind: Array) -> None:
        """Read the terminal that each rule begins with."""
        tables = self.tables
        value = tables.value[rules]
        at = np.flatnonzero(kind == INSIDE)
        self.bracket[rows[at]] = tables.brackets.step[self.bracket[rows[at]], rules[at]]
        at = np.flatnonzero(kind == BRACKET)
        self.bracket[rows[at]] = value[at]
        at = np.flatnonzero(kind == BOND)
        self.order[rows[at]] = value[at]
        at = np.flatnonzero(kind == ATOM)
        self._add_atom(rows[at], value[at], tables.aromatic[rules[at]])
        at = np.flatnonzero(kind == DIGIT)
        self._ring(rows[at], value[at])

    def _add_atom(self, rows: Array, valence: Array, aromatic: Array) -> None:
        current, order = self.current[rows], np.maximum(self.order[rows], 1)
        self.free[rows, current] -= bonds(order, self.aromatic[rows, current]).astype(np.int16)
        self.atoms[rows] += 1
        new = self.atoms[rows]
        self.free[rows, new] = valence - np.where(current > 0, bonds(order, aromatic), 0)
        self.aromatic[rows, new] = aromatic
        if self.tables.limit:
            reached = np.minimum(self.distance[rows, current] + 1, FAR).astype(np.int8)
            self.distance[rows, new], self.distance[rows, :, new] = reached, reached
            self.distance[rows, new, new] = 0
        opened = self.ring_atom[rows]
        self.closable[rows] = (opened > 0) & (opened != current[:, None])
        self.current[rows], self.order[rows] = new, 0

    def _ring(self, rows: Array, labels: Array) -> None:
        """Read a ring digit: it closes the ring of its label if that is open, else opens it."""
        current, order = self.current[rows], np.maximum(self.order[rows], 1)
        partner = self.ring_atom[rows, labels]
        closes = partner > 0
        own = np.where(closes, bonds(order, self.aromatic[rows, current]), 1)
        self.free[rows, current] -= own.astype(np.int16)
        # The opener has paid for a single bond when it opened the ring; the rest is due now.
        more = np.where(closes, bonds(order, self.aromatic[rows, partner]) - 1, 0)
        self.free[rows, partner] -= more.astype(np.int16)
        if self.tables.limit:
            size = self.distance[rows, current, partner] + 1
            at = np.flatnonzero(closes & (self.due[rows] < 0) & ~self.tables.limit.allowed[size])
            self.due[rows] = -1
            due = self.due[rows[at]] = self.rings(rows[at]).shortening(current[at], labels[at])
            self.ring_level[rows, labels] = self.branches[rows]
            self.ring_level[rows[at], due] = self.branches[rows[at]]
            self._shorten(rows[closes], current[closes], partner[closes])
        self.explicit[rows, labels] = self.order[rows] > 0
        self.ring_atom[rows, labels] = np.where(closes, 0, current)
        opened = self.ring_atom[rows]
        self.closable[rows] &= (opened > 0) & (opened != partner[:, None])
        same = (opened[:, :, None] == opened[:, None, :]) & _EARLIER
        self.first[rows] = (opened > 0) & ~same.any(axis=2)
        self.order[rows] = 0

    def _shorten(self, rows: Array, a: Array, b: Array) -> None:
        """Count the paths over a new bond between the atoms a and b."""
        size = int(self.atoms[rows].max(initial=0)) + 1
        bonds = self.distance[rows, :size, :size]
        to_a, to_b = self.distance[rows, a, :size], self.distance[rows, b, :size]
        for one, other in ((to_a, to_b), (to_b, to_a)):
            np.minimum(bonds, one[:, :, None] + other[:, None, :] + np.int8(1), out=bonds)
        self.distance[rows, :size, :size] = bonds

    def _pop_terminals(self, rows: Array) -> None:
        """Write the terminals that have come to the top: ']' and ')' and '.'."""
        tables = self.tables
        while True:
            symbol = self.stack[rows, self.depth[rows], SYMBOL]
            rows, symbol = rows[tables.terminal[symbol]], symbol[tables.terminal[symbol]]
            if not len(rows):
                return
            self.depth[rows] -= 1
            ended = rows[tables.ends_bracket[symbol]]
            if len(ended):
                state = self.bracket[ended]
                aromatic = tables.brackets.aromatic[state].astype(np.int64)
                self._add_atom(ended, tables.brackets.valence[state], aromatic)
                self.bracket[ended] = -1
            self._close_branch(rows[tables.closes[symbol]])
            self.current[rows[tables.dots[symbol]]] = 0


@dataclass
class Frontier:
    """What decides whether each of C derivations can be completed; arrays [C] of integers.

    Attributes
    ----------
    top, below : records [C, 5] of the next open symbol and of the one below it.
    bracket : state of the bracket automaton, -1 outside brackets.
    open_rings : how many there are.
    here, next, after_next : how many of them, one of each opener, the current atom may close, the
        next atom, and the one after it.
    free, aromatic : of the current atom, see `WalkState`.
    order : of a bond that is written and has no second end yet.
    loosest : largest slack of a ring that the current atom may close by a bond of any order, -1 if
        there is none.
    bonded : 1 if there is a current atom, that the next one is bonded to.
    cost : fewest productions that expand the whole stack.
    """

    top: Array
    below: Array
    bracket: Array
    open_rings: Array
    here: Array
    next: Array
    after_next: Array
    free: Array
    aromatic: Array
    order: Array
    loosest: Array
    bonded: Array
    cost: Array

    def take(self, at: Array) -> Frontier:
        """Some of them."""
        return Frontier(*(value[at] for value in vars(self).values()))

    def claims(self, tables: MoleculeTables) -> Claims:
        """What is due at the current atom and at one that is still to be written."""
        inside = self.bracket >= 0
        moves = tables.moves[self.top[:, SYMBOL]] & ~inside
        awaited = inside | moves
        # A bond counts as one in the demand of the symbol behind it; a double bond takes more.
        more = np.where(self.order > 0, bonds(self.order, self.aromatic) - 1, 0)
        spare = self.free - self.top[:, DEMAND] - more
        # Inside a bracket every symbol hands on the claims of what stands behind the bracket.
        record = np.where(moves[:, None], self.below, self.top)
        incoming = np.where(self.bonded, np.maximum(self.order, 1), 0)
        need = np.where(awaited, incoming + record[:, DEMAND], 0)
        reach = np.where(awaited, self.next, self.here)
        return Claims(moves, awaited, spare, record, incoming, need, reach)


class Claims(NamedTuple):
    """Claims on the atom that pending ring digits belong to: the current one, or one to come.

    moves : the next symbol derives a new atom, whatever its rule.
    awaited : the atom is still to be written: as `moves`, or inside a bracket.
    spare : bonds that the current atom has beyond those that the stack demands of it.
    record : that of the first symbol behind the atom; its demand, slots and digits are the atom's.
    incoming : bonds from the current atom to one to come.
    need : bonds that an atom to come must be able to have, 0 if none is awaited.
    reach : open rings that the atom can close.
    """

    moves: Array
    awaited: Array
    spare: Array
    record: Array
    incoming: Array
    need: Array
    reach: Array


def bonds(order: Array, aromatic: Array) -> Array:
    """What a bond takes of an atom's valence: of an aromatic one a double bond takes one."""
    return np.maximum(order - aromatic, 1)
