"""Which productions leave a derivation that can surely be completed to a molecule.

A completion writes every open symbol with carbons and single bonds, and gets rid of the open rings
in one of two ways, each a sufficient condition that is checked for all candidates at once:

- `closed_further_down`: the ring digits that are pending at the frontier close rings or open more,
  and a chain of carbons at a symbol further down the stack closes all that remain.
- `closed_at_one_atom`: the atom that the pending digits belong to closes all open rings.

`molecules.decoding.fallback` writes the productions of the same two completions.  What they cost is
bounded from above, so that a production that is allowed never leads into a dead end.
"""

from __future__ import annotations

import numpy as np

from molecules.decoding.ring_sizes import rings_can_close
from molecules.decoding.rule_tables import (
    ATOM,
    BOND,
    BRACKET,
    DEMAND,
    DIGIT,
    DIGITS,
    NO_ROOM,
    OPEN,
    ROOM,
    SLOTS,
    SYMBOL,
    MoleculeTables,
)
from molecules.decoding.state import INSIDE, Array, Claims, Frontier, WalkState, bonds
from molecules.decoding.valences import CARBON, MOST_BONDS


def provable(state: WalkState, rows: Array, rules: Array) -> Array:
    """Whether derivation `rows[i]` [C] has a completion after the production `rules[i]` [C]."""
    tables = state.tables
    after, possible = successors(state, rows, rules)
    claims = after.claims(tables)
    inside = after.bracket >= 0
    needs_ring = tables.needs_ring[after.top[:, SYMBOL]] & ~inside
    # No atom exceeds its valence.  Inside a bracket the bond to the atom before is paid already.
    possible &= inside | (claims.spare >= 0)
    # A ring digit behind '=' closes a ring whose opener has a bond left for it; it opens none.
    possible &= (after.order < 2) | ~needs_ring | inside | (after.loosest >= after.order - 1)
    # Steps beyond the fewest that the grammar needs for the whole stack.
    grammar = tables.grammar
    least = grammar.min_cost_rule[rules] - 1 - grammar.min_cost_lhs[grammar.lhs_index[rules]]
    budget = state.left - 1 - after.cost - least
    if tables.limit:
        fits, behind = rings_can_close(state, rows, rules, after, possible)
        return possible & fits & _affordable(tables, after, claims, behind, budget)
    proven = possible & closed_further_down(tables, after, claims, budget)
    # A pending bond that no ring digit needs must not wait for one: it would open a ring.
    may = (after.order < 2) | needs_ring | claims.awaited
    left = np.flatnonzero(possible & ~proven & may & (after.open_rings > 0))
    if len(left):
        proven[left] = closed_at_one_atom(tables, after, claims, budget, left)
    return proven


def closed_further_down(
    tables: MoleculeTables, after: Frontier, claims: Claims, budget: Array
) -> Array:
    """Whether pending digits close or open rings, and a chain closes what remains, in time [C]."""
    slots = claims.record[:, SLOTS].astype(np.int64)
    closing = np.minimum(slots, claims.reach)
    opening = slots - closing
    remaining = after.open_rings - closing + opening
    # An atom to come can have a chain of its own if carbon has one bond more than is needed.
    roomy = ~claims.moves | (claims.incoming + 1 + after.below[:, DEMAND] <= CARBON)
    room = np.where(roomy, after.top[:, ROOM], after.below[:, ROOM])
    # No label is opened twice: those that are open now are not used again.
    fits = opening <= tables.labels - after.open_rings
    # Remaining rings need a place for the chain.
    fits &= (remaining == 0) | (room < NO_ROOM)
    chain = np.where(remaining > 0, room + tables.ring_cost * remaining, 0)
    every = np.arange(len(slots))
    return fits & (chain + _surcharge(tables, after, claims, every, claims.need) <= budget)


def _affordable(
    tables: MoleculeTables, after: Frontier, claims: Claims, behind: Array, budget: Array
) -> Array:
    """Whether chains of carbons, one for each level of branches, close all rings in time [C].

    `behind` [C]: bonds that the atom to come needs besides the one to the current atom.
    """
    need = np.maximum(claims.need, claims.incoming + behind)
    need = np.where(claims.awaited, need, 0)
    chains = tables.ring_cost * after.open_rings
    return chains + _surcharge(tables, after, claims, np.arange(len(need)), need) <= budget


def closed_at_one_atom(
    tables: MoleculeTables, after: Frontier, claims: Claims, budget: Array, at: Array
) -> Array:
    """Whether one atom closes all open rings of the candidates `at` [K], in time [K]."""
    rings, record = after.open_rings[at], claims.record[at]
    extra = rings - record[:, SLOTS].astype(np.int64)  # digits that nobody has asked for yet
    # Every pending digit closes a ring, each ring has another opener, and more digits may follow.
    fits = (extra >= 0) & (claims.reach[at] == rings) & ((extra == 0) | (record[:, DIGITS] > 0))
    # Each digit more takes one bond: of the current atom here, of the one to come by `need`.
    fits &= claims.awaited[at] | (claims.spare[at] >= extra)
    extra = np.maximum(extra, 0)
    need = claims.need[at] + extra
    cost = tables.digit_cost * extra + _surcharge(tables, after, claims, at, need)
    return fits & (cost <= budget[at])


def _surcharge(
    tables: MoleculeTables, after: Frontier, claims: Claims, at: Array, need: Array
) -> Array:
    """Productions beyond the fewest for an atom to come that can have `need` bonds [K]."""
    brackets = tables.brackets
    cost = np.zeros(len(at), dtype=np.int64)
    need = np.minimum(need, MOST_BONDS + 1)
    double = (after.order[at] > 1).astype(np.int64)  # of which an aromatic atom counts one
    i = np.flatnonzero(claims.moves[at])
    symbol = after.top[at[i], SYMBOL]
    cost[i] = tables.atom_cost[double[i], symbol, need[i]] - tables.least[symbol]
    i = np.flatnonzero(after.bracket[at] >= 0)
    state = after.bracket[at[i]]
    cost[i] = brackets.cost[double[i], state, need[i]] - brackets.plain[state]
    return cost


def successors(state: WalkState, rows: Array, rules: Array) -> tuple[Frontier, Array]:
    """Frontiers after `rules` [C] in the derivations `rows` [C], and whether they exist at all.

    The cost of a frontier is that before the production.
    """
    tables = state.tables
    kind = np.where(state.bracket[rows] >= 0, INSIDE, tables.kind[rules])
    # The expanded symbol lies at `depth`; what the rule pushes comes onto the record below it.
    first = state.stack[state.rows, state.depth - 1]
    second = state.stack[state.rows, np.maximum(state.depth - 2, 0)]
    both = np.concatenate([first, second])
    base = both[rows]
    top = tables.record(rules, 0, base)
    under = both[rows + len(state.depth) * (tables.rest_length[rules] == 0)]
    after = state.frontier(rows, top, tables.record(rules, 1, under))
    possible = np.ones(len(rows), dtype=bool)
    for number, read in _READ.items():
        at = np.flatnonzero(kind == number)
        if len(at):
            possible[at] = read(state, after, at, rows[at], rules[at], base)
    return after, possible


def _read_atom(
    state: WalkState, after: Frontier, at: Array, rows: Array, rules: Array, base: Array
) -> Array:
    valence, aromatic = state.tables.value[rules], state.tables.aromatic[rules]
    order = np.where(after.bonded[at], np.maximum(after.order[at], 1), 0)
    after.free[at] = valence - np.where(order > 0, bonds(order, aromatic), 0)
    # The new atom may close every ring that was not opened at the atom it is bonded to.
    after.here[at], after.next[at] = after.next[at], after.after_next[at]
    after.aromatic[at], after.order[at], after.bonded[at] = aromatic, 0, 1
    return (valence >= 0) & (after.free[at] >= 0)


def _read_bond(
    state: WalkState, after: Frontier, at: Array, rows: Array, rules: Array, base: Array
) -> Array:
    after.order[at] = state.tables.value[rules]
    return np.ones(len(at), dtype=bool)


def _read_digit(
    state: WalkState, after: Frontier, at: Array, rows: Array, rules: Array, base: Array
) -> Array:
    label, order = state.tables.value[rules], after.order[at]
    opener = state.ring_atom[rows, label].astype(np.int64)
    closes = opener > 0
    slack = state.free[rows, opener] + state.aromatic[rows, opener]
    # One end of a ring says its order, and the opener must have the bonds for it.
    fits = (order <= 1) | (~state.explicit[rows, label] & (slack >= order - 1))
    # A ring is opened by a single bond: more would be kept back at an atom without need.
    possible = np.where(closes, state.closable[rows, label] & fits, order <= 1)
    after.free[at] -= np.where(closes, bonds(order, after.aromatic[at]), 1)
    after.open_rings[at] += np.where(closes, -1, 1)
    after.here[at] -= closes
    after.next[at] -= closes
    after.order[at] = 0
    possible &= after.free[at] >= 0
    return possible


def _read_branch(
    state: WalkState, after: Frontier, at: Array, rows: Array, rules: Array, base: Array
) -> Array:
    # What stands behind the branch is kept back; ring digits do not follow a branch.
    after.free[at] -= state.tables.behind_branch(rules, base[at, DEMAND])
    after.here[at] = 0
    return np.ones(len(at), dtype=bool)


def _read_bracket(
    state: WalkState, after: Frontier, at: Array, rows: Array, rules: Array, base: Array
) -> Array:
    after.bracket[at] = state.tables.value[rules]
    return after.bracket[at] >= 0


def _read_inside(
    state: WalkState, after: Frontier, at: Array, rows: Array, rules: Array, base: Array
) -> Array:
    after.bracket[at] = state.tables.brackets.step[after.bracket[at], rules]
    return after.bracket[at] >= 0


_READ = {
    ATOM: _read_atom,
    BOND: _read_bond,
    DIGIT: _read_digit,
    OPEN: _read_branch,
    BRACKET: _read_bracket,
    INSIDE: _read_inside,
}
"""What the first terminal of a production changes at the frontier; returns whether it may."""
