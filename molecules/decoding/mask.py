"""A stack walk in which every derivation becomes a molecule.

Beside the open symbols each derivation keeps its atoms with the bonds that they can still have, and
its open rings. A rule is allowed only if there is proof that the derivation can be completed after
it, in the steps left: every open symbol by carbons and single bonds, pending ring digits at the
next atom by closing rings or by opening more, and all rings that remain open by a chain of carbons
at a symbol further down the stack, or else all of them at this one atom. Where no rule has such a
proof (the proofs count more steps than they need), the one that was given before is carried out.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy

import numpy as np

from gmae_tf.errors import UserError
from grammar.cfg.grammar import Grammar
from grammar.decoding import StackWalk, Walk
from grammar.errors import GrammarError
from molecules.decoding.fallback import completion
from molecules.decoding.lookahead import Proofs
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

_FREE = 10_000  # bonds of what stands before the first atom


def molecule_walk(
    grammar: Grammar, *, rings: bool = True, valences: bool = True, aromatic: bool = True
) -> Callable[[int, int], Walk]:
    """What `grammar.decoding.decode_logits` takes as `walk`: (derivations, steps) -> walk.

    Without `rings` the walk is the length-aware one; `valences` needs `rings`. Without `aromatic`,
    as for a model of kekulised molecules, every result is a molecule that RDKit accepts.
    """
    if not rings:
        if valences:
            raise UserError("valences cannot be kept without rings; pass rings=True or neither")
        return lambda n, steps: StackWalk(grammar, n, steps)
    tables = MoleculeTables(grammar, valences=valences, aromatic=aromatic)
    return lambda n, steps: MoleculeWalk(tables, n, steps)


class MoleculeWalk:
    """n derivations side by side, each of at most `steps` rules; see `grammar.decoding.Walk`.

    Atoms are numbered from 1 in each derivation; atom 0 stands before the first one. `free` [n, A]
    is how many bonds an atom can still have beside those that the stack asks of it; the atom that
    is current, `current` [n], has those still in. `ring_atom` [n, labels] is where a ring was
    opened (0: it is not open), `closable` [n, labels] whether the current atom may close it.
    `allowed` has to be asked before each `apply`, as it lays down what is to be carried out.
    Raises GrammarError if `steps` fits no string.
    """

    def __init__(self, tables: MoleculeTables, n: int, steps: int) -> None:
        grammar = tables.grammar
        if steps < grammar.min_cost_lhs[0]:
            raise GrammarError(
                f"{steps} steps are too few: the shortest string of the grammar takes "
                f"{grammar.min_cost_lhs[0]} productions"
            )
        self.tables, self.left = tables, steps
        self.rows, self.columns = np.arange(n), np.arange(tables.rest_symbol.shape[1])
        nothing = [tables.nothing, 0, 0, 0, NO_ROOM]
        depth = 3 + len(self.columns) + 2 * steps
        self.stack = np.empty((n, depth, 5), dtype=np.int16)
        self.stack[:] = nothing
        self.stack[:, 2, SYMBOL] = 0
        self.depth = np.full(n, 2)
        self.open_cost = np.full(n, grammar.min_cost_lhs[0])
        self.atoms, self.current = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
        self.order = np.zeros(n, dtype=np.int64)  # of a bond that is written, 0 if none is
        self.free = np.full((n, steps + 2), _FREE, dtype=np.int16)
        self.aromatic = np.zeros((n, steps + 2), dtype=np.int16)
        self.parents = np.zeros((n, steps // 2 + 2), dtype=np.int16)
        self.branches = np.zeros(n, dtype=np.int64)
        self.bracket = np.full(n, -1)  # state of tables.brackets, -1 outside
        self.ring_atom = np.zeros((n, len(LABELS)), dtype=np.int16)
        self.first = np.zeros((n, len(LABELS)), dtype=bool)  # of the rings of its atom
        self.closable = np.zeros((n, len(LABELS)), dtype=bool)
        self.explicit = np.zeros((n, len(LABELS)), dtype=bool)  # opened with a bond
        self.plan = np.zeros((n, steps), dtype=np.uint8)
        self.planned = np.zeros(n, dtype=bool)

    @property
    def top(self) -> np.ndarray:
        """Left-hand side that each derivation expands next [n]; `Nothing` once complete."""
        return self.stack[self.rows, self.depth, SYMBOL]

    def allowed(self) -> np.ndarray:
        """Rules that each derivation may take next, bool [n, R]."""
        tables, top = self.tables, self.top
        allowed = np.zeros((len(top), tables.grammar.n_rules), dtype=bool)
        allowed[top == tables.nothing, -1] = True
        active = np.flatnonzero((top != tables.nothing) & ~self.planned)
        count = tables.rule_count[top[active]]
        rows = np.repeat(active, count)
        within = np.arange(len(rows)) - np.repeat(np.cumsum(count) - count, count)
        rules = tables.rules_by_lhs[tables.rule_start[top[rows]] + within]
        proven = Proofs(self, rows, rules).hold()
        allowed[rows[proven], rules[proven]] = True
        for row in active[~allowed[active].any(axis=1)]:
            self._make_plan(row)
        planned = np.flatnonzero(self.planned & (top != tables.nothing))
        allowed[planned, self.plan[planned, -self.left]] = True
        return allowed

    def take(self, rows: np.ndarray) -> MoleculeWalk:
        """The derivations `rows` (indices, repeats allowed) as a walk of their own."""
        other = copy(self)
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray) and name != "columns":
                vars(other)[name] = value[rows]
        other.rows = np.arange(len(other.depth))
        return other

    def _make_plan(self, row: int) -> None:
        rules = completion(self, row)
        begin = self.plan.shape[1] - self.left
        self.plan[row, begin:] = self.tables.grammar.padding
        self.plan[row, begin : begin + len(rules)] = rules
        self.planned[row] = True

    def apply(self, rules: np.ndarray) -> None:
        """Take one allowed rule [n] in each derivation."""
        tables, grammar = self.tables, self.tables.grammar
        top = self.top
        rows = np.flatnonzero(top != tables.nothing)
        rules = np.asarray(rules, dtype=np.int64)[rows]
        self.open_cost[rows] += grammar.min_cost_rule[rules] - 1 - grammar.min_cost_lhs[top[rows]]
        kind = np.where(self.bracket[rows] >= 0, -1, tables.kind[rules])
        below = self.stack[rows, self.depth[rows] - 1]
        self._reserve(rows, rules, kind, below)
        length = tables.rest_length[rules]
        at = np.flatnonzero(length)
        slots = self.depth[rows[at], None] + self.columns
        self.stack[rows[at, None], slots] = tables.records(rules[at], below[at])
        self.depth[rows] += length - 1
        self._write(rows, rules, kind)
        self._pop_terminals(rows)
        self.left -= 1

    def _reserve(
        self, rows: np.ndarray, rules: np.ndarray, kind: np.ndarray, below: np.ndarray
    ) -> None:
        """At '(' keep back the bonds that the current atom needs behind the branch."""
        at = np.flatnonzero(kind == OPEN)
        rows = rows[at]
        current = self.current[rows]
        self.free[rows, current] -= self.tables.behind_branch(rules[at], below[at, DEMAND])
        self.parents[rows, self.branches[rows]] = current
        self.branches[rows] += 1
        self.closable[rows] = False

    def _write(self, rows: np.ndarray, rules: np.ndarray, kind: np.ndarray) -> None:
        """Read the terminal that each rule begins with."""
        tables = self.tables
        value = tables.value[rules]
        at = np.flatnonzero(kind == -1)
        self.bracket[rows[at]] = tables.brackets.step[self.bracket[rows[at]], rules[at]]
        at = np.flatnonzero(kind == BRACKET)
        self.bracket[rows[at]] = value[at]
        at = np.flatnonzero(kind == BOND)
        self.order[rows[at]] = value[at]
        at = np.flatnonzero(kind == ATOM)
        self._add_atom(rows[at], value[at], tables.aromatic[rules[at]])
        at = np.flatnonzero(kind == DIGIT)
        self._ring(rows[at], value[at])

    def _add_atom(self, rows: np.ndarray, valence: np.ndarray, aromatic: np.ndarray) -> None:
        current, order = self.current[rows], np.maximum(self.order[rows], 1)
        self.free[rows, current] -= bonds(order, self.aromatic[rows, current]).astype(np.int16)
        self.atoms[rows] += 1
        new = self.atoms[rows]
        self.free[rows, new] = valence - np.where(current > 0, bonds(order, aromatic), 0)
        self.aromatic[rows, new] = aromatic
        opened = self.ring_atom[rows]
        self.closable[rows] = (opened > 0) & (opened != current[:, None])
        self.current[rows], self.order[rows] = new, 0

    def _ring(self, rows: np.ndarray, labels: np.ndarray) -> None:
        current, order = self.current[rows], np.maximum(self.order[rows], 1)
        partner = self.ring_atom[rows, labels]
        closes = partner > 0
        own = np.where(closes, bonds(order, self.aromatic[rows, current]), 1)
        self.free[rows, current] -= own.astype(np.int16)
        more = np.where(closes, bonds(order, self.aromatic[rows, partner]) - 1, 0)
        self.free[rows, partner] -= more.astype(np.int16)  # one was taken when it was opened
        self.explicit[rows, labels] = self.order[rows] > 0
        self.ring_atom[rows, labels] = np.where(closes, 0, current)
        opened = self.ring_atom[rows]
        self.closable[rows] &= (opened > 0) & (opened != partner[:, None])
        same = (opened[:, :, None] == opened[:, None, :]) & _EARLIER
        self.first[rows] = (opened > 0) & ~same.any(axis=2)
        self.order[rows] = 0

    def _pop_terminals(self, rows: np.ndarray) -> None:
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
            closed = rows[tables.closes[symbol]]
            self.branches[closed] -= 1
            parent = self.parents[closed, self.branches[closed]]
            self.free[closed, parent] += self.stack[closed, self.depth[closed], DEMAND]
            self.current[closed] = parent
            self.closable[closed] = False
            self.current[rows[tables.dots[symbol]]] = 0


def bonds(order: np.ndarray, aromatic: np.ndarray) -> np.ndarray:
    """What a bond takes of an atom's valence: of an aromatic one a double bond takes one."""
    return np.maximum(order - aromatic, 1)


_EARLIER = np.tri(len(LABELS), k=-1, dtype=bool)
