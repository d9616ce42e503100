"""Which rules leave a derivation that can surely be completed; see `molecules.decoding.mask`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from molecules.decoding.rule_tables import (
    ATOM,
    BOND,
    BRACKET,
    CARBON,
    DEMAND,
    DIGIT,
    DIGITS,
    NO_ROOM,
    OPEN,
    ROOM,
    SLOTS,
    SYMBOL,
)
from molecules.decoding.valences import MOST_BONDS

if TYPE_CHECKING:
    from molecules.decoding.mask import MoleculeWalk

INSIDE = -1


class Proofs:
    """Candidates: rule `rules[i]` in derivation `rows[i]`, and what would be after it.

    `top`, `below`: the two uppermost records of the stack; `count`: open rings; `here` and `next`:
    how many of them the current atom and the next one can close, one for each atom they were opened
    at; `spare`: bonds that the current atom can still have.
    """

    def __init__(self, walk: MoleculeWalk, rows: np.ndarray, rules: np.ndarray) -> None:
        self.walk, self.tables, self.rows, self.rules = walk, walk.tables, rows, rules
        inside = walk.bracket[rows] >= 0
        self.kind = np.where(inside, INSIDE, self.tables.kind[rules])
        self.value = self.tables.value[rules]
        self.ok = np.ones(len(rows), dtype=bool)
        self._records()
        self._atoms()
        self._lead()

    def _records(self) -> None:
        walk, tables, rules, n = self.walk, self.tables, self.rules, len(self.walk.depth)
        uppermost = walk.stack[walk.rows, walk.depth - 1]
        second = walk.stack[walk.rows, np.maximum(walk.depth - 2, 0)]
        both = np.concatenate([uppermost, second])
        self.base = both[self.rows]
        self.top = tables.record(rules, 0, self.base)
        under = both[self.rows + n * (tables.rest_length[rules] == 0)]
        self.below = tables.record(rules, 1, under)

    def _atoms(self) -> None:
        walk, rows = self.walk, self.rows
        current = walk.current[:, None]
        opened = walk.ring_atom
        self.slack = np.take_along_axis(walk.free, opened.astype(np.int64), 1) + (
            np.take_along_axis(walk.aromatic, opened.astype(np.int64), 1)
        )
        double = walk.closable & ~walk.explicit
        best = np.where(double, self.slack, -1).max(axis=1)
        columns = [
            (opened > 0).sum(axis=1),
            (walk.first & walk.closable).sum(axis=1),
            (walk.first & (opened != current)).sum(axis=1),
            walk.first.sum(axis=1),
            walk.free[walk.rows, walk.current],
            walk.aromatic[walk.rows, walk.current],
            walk.order,
            best,
            walk.current > 0,
            walk.open_cost,
        ]
        state = np.array(columns, dtype=np.int64)[:, rows]
        self.count, self.here, self.next, self.all, self.spare = state[:5]
        self.aromatic, self.order, self.best, self.bonded, self.open_cost = state[5:]

    def _lead(self) -> None:
        """What the first terminal of the rule changes."""
        kind, value, tables = self.kind, self.value, self.tables
        self.state = np.zeros(len(kind), dtype=np.int64)
        at = np.flatnonzero(kind == ATOM)
        if len(at):
            self._lead_atom(at)
        at = np.flatnonzero(kind == BOND)
        self.order[at] = value[at]
        at = np.flatnonzero(kind == DIGIT)
        if len(at):
            self._lead_digit(at)
        at = np.flatnonzero(kind == OPEN)
        if len(at):
            self.spare[at] -= self.tables.behind_branch(self.rules[at], self.base[at, DEMAND])
            self.here[at] = 0
        at = np.flatnonzero(kind == BRACKET)
        self.state[at] = value[at]
        at = np.flatnonzero(kind == INSIDE)
        if len(at):
            state = self.walk.bracket[self.rows[at]]
            self.state[at] = tables.brackets.step[state, self.rules[at]]
            self.ok[at] = self.state[at] >= 0

    def _lead_atom(self, at: np.ndarray) -> None:
        aromatic = self.tables.aromatic[self.rules[at]]
        order = np.where(self.bonded[at], np.maximum(self.order[at], 1), 0)
        taken = np.where(order > 0, np.maximum(order - aromatic, 1), 0)
        self.spare[at] = self.value[at] - taken
        self.ok[at] = (self.value[at] >= 0) & (self.spare[at] >= 0)
        self.here[at], self.next[at] = self.next[at], self.all[at]
        self.aromatic[at], self.order[at], self.bonded[at] = aromatic, 0, 1

    def _lead_digit(self, at: np.ndarray) -> None:
        walk, rows, label = self.walk, self.rows[at], self.value[at]
        order = self.order[at]
        opened = walk.ring_atom[rows, label] > 0
        fits = (order <= 1) | (~walk.explicit[rows, label] & (self.slack[rows, label] >= order - 1))
        self.ok[at] = np.where(opened, walk.closable[rows, label] & fits, order <= 1)
        taken = np.where(opened, np.maximum(order - self.aromatic[at], 1), 1)
        self.spare[at] -= taken
        self.ok[at] &= self.spare[at] >= 0
        self.count[at] += np.where(opened, -1, 1)
        self.here[at] -= opened
        self.next[at] -= opened
        self.order[at] = 0

    def hold(self) -> np.ndarray:
        """Whether there is a proof for each candidate [candidates]."""
        tables, symbol = self.tables, self.top[:, SYMBOL]
        self.bracket = bracket = (self.kind == BRACKET) | (self.kind == INSIDE)
        self.moves = moves = tables.moves[symbol] & ~bracket
        self.other = bracket | moves  # what is pending is for an atom that is still to come
        taken = np.maximum(self.order - self.aromatic, 1) - 1  # beside the one in the demand
        self.spare -= self.top[:, DEMAND] + np.where(self.order > 0, taken, 0)
        needs_ring = tables.needs_ring[symbol] & ~bracket
        ok = self.ok & (bracket | (self.spare >= 0))
        ok &= (self.order < 2) | ~needs_ring | bracket | (self.best >= self.order - 1)
        region = np.where(moves[:, None], self.below, self.top)
        incoming = np.where(self.bonded, np.maximum(self.order, 1), 0)
        self.need = np.where(self.other, incoming + region[:, DEMAND], 0)
        roomy = ~moves | (incoming + 1 + self.below[:, DEMAND] <= CARBON)
        room = np.where(roomy, self.top[:, ROOM], self.below[:, ROOM])
        least = tables.grammar.min_cost_rule[self.rules] - 1
        least -= tables.grammar.min_cost_lhs[tables.grammar.lhs_index[self.rules]]
        self.budget = self.walk.left - 1 - self.open_cost - least
        slots = region[:, SLOTS].astype(np.int64)
        reach = np.where(self.other, self.next, self.here)
        proof = ok & self._further_down(slots, reach, room)
        may = (self.order < 2) | needs_ring | self.other
        left = np.flatnonzero(ok & ~proof & may & (self.count > 0))
        if len(left):
            proof[left] = self._at_one_atom(left, slots[left], reach[left], region[left, DIGITS])
        return proof

    def _further_down(self, slots: np.ndarray, reach: np.ndarray, room: np.ndarray) -> np.ndarray:
        """Pending digits close rings or open more; a chain of carbons closes what remains."""
        closed = np.minimum(slots, reach)
        rings = self.count - 2 * closed + slots
        cost = np.where(rings > 0, room + self.tables.ring_cost * rings, 0)
        fits = (slots - closed <= self.tables.labels - self.count) & (
            (rings == 0) | (room < NO_ROOM)
        )
        return fits & (cost + self._surcharge(np.arange(len(slots)), self.need) <= self.budget)

    def _at_one_atom(
        self, at: np.ndarray, slots: np.ndarray, reach: np.ndarray, more: np.ndarray
    ) -> np.ndarray:
        """All open rings are closed at the atom that the pending digits belong to."""
        extra = self.count[at] - slots
        fits = (extra >= 0) & (reach == self.count[at]) & ((extra == 0) | (more > 0))
        fits &= self.other[at] | (self.spare[at] >= extra)
        extra = np.maximum(extra, 0)
        cost = self.tables.digit_cost * extra + self._surcharge(at, self.need[at] + extra)
        return fits & (cost <= self.budget[at])

    def _surcharge(self, at: np.ndarray, need: np.ndarray) -> np.ndarray:
        """Productions beyond the fewest for an atom to come that can have so many bonds."""
        tables, brackets = self.tables, self.tables.brackets
        cost = np.zeros(len(at), dtype=np.int64)
        need, double = np.minimum(need, MOST_BONDS + 1), (self.order[at] > 1).astype(np.int64)
        i = np.flatnonzero(self.moves[at])
        symbol = self.top[at[i], SYMBOL]
        cost[i] = tables.atom_cost[double[i], symbol, need[i]] - tables.least[symbol]
        i = np.flatnonzero(self.bracket[at])
        state = self.state[at[i]]
        cost[i] = brackets.cost[double[i], state, need[i]] - brackets.plain[state]
        return cost
