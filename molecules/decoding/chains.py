"""Rings that a derivation has open, and chains of carbons that close them without large rings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from gmae_tf.errors import UserError
from molecules.decoding.valences import CARBON

FAR = 60
"""Bonds between two atoms are counted up to here."""
Array = np.ndarray[Any, Any]


class Limit:
    """The sizes that a ring may have: `allowed` [FAR + 3] by size, none above `largest`.

    Each closure lies on a cycle of at most `largest` atoms, so that some cycle basis has no longer
    one, and then the smallest set of smallest rings has none.

    Raises UserError for sizes that no ring has.
    """

    def __init__(self, sizes: Iterable[int]) -> None:
        given = list(sizes) if isinstance(sizes, Iterable) else [sizes]
        if not all(isinstance(n, int) and 3 <= n < FAR for n in given):
            raise UserError(
                f"ring_sizes is {given}: give sizes from 3 to {FAR - 1}, such as [5, 6]"
            )
        self.largest = max(given, default=0)
        self.allowed = np.zeros(FAR + 3, dtype=bool)
        self.allowed[given] = True


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

    `rows` [K] are their places in `bonds` [n, A, A], the bonds between two atoms.  A bond that a
    closure adds, between `ends` [2, K], is 0 where there is none.
    """

    bonds: Array
    limit: Limit
    rows: Array
    opener: Array
    level: Array
    ends: Array

    def take(self, at: Array) -> Rings:
        """Those of some derivations."""
        parts = self.rows[at], self.opener[at], self.level[at], self.ends[:, at]
        return Rings(self.bonds, self.limit, *parts)

    def distance(self, a: Array, b: Array) -> Array:
        """Bonds between atoms a and b, arrays that broadcast and have K first."""
        wide = (-1, *(1,) * (max(a.ndim, b.ndim) - 1))
        i, u, v = (x.reshape(wide) for x in (self.rows, *self.ends))
        bonds = self.bonds
        found = bonds[i, a, b].astype(np.int64)
        if not u.any():
            return found
        by_bond = np.minimum(
            bonds[i, a, u].astype(np.int64) + bonds[i, v, b],
            bonds[i, a, v].astype(np.int64) + bonds[i, u, b],
        )
        return np.where(u > 0, np.minimum(found, by_bond + 1), found)

    def near(self, atom: Array) -> Array:
        """Bonds from an atom [K] to the openers [K, L]."""
        return self.distance(atom[:, None], self.opener)

    def on(self, level: Array | int) -> Array:
        """Whether a ring is open and to be closed on a level [K, L]."""
        return (self.opener > 0) & (self.level == np.reshape(level, (-1, 1)))

    def close(
        self, near: Array, todo: Array, here: Array, due: Array, room: Array, first: Array
    ) -> Chains:
        """As `close_in_chain`, but at the second atom and on wherever that is near enough."""
        largest, some = self.limit.largest, todo.any(axis=1)
        turn = np.where(todo, np.cumsum(todo, axis=1) - 1, -1)
        found = Chains(
            some | True, np.where(todo, turn + 2, -1), turn, np.zeros(len(near), dtype=int)
        )
        easy = (last_distance(near, todo) < largest) & (due < 0) & (room > 0)
        at = np.flatnonzero(some & ~easy)
        if len(at):
            hard = self.take(at)
            between = hard.distance(hard.opener[:, :, None], hard.opener[:, None, :])
            args = (near[at], between, todo[at], here[at], due[at], room[at], first[at])
            for whole, part in zip(found, close_in_chain(*args, largest), strict=True):
                whole[at] = part
        return found

    def close_behind(self, atom: Array, todo: Array) -> Chains:
        """In a chain of carbons that follows a branch of `atom` [K], where no digit may stand."""
        one = np.ones(len(todo), dtype=np.int64)
        return self.close(self.near(atom), todo, np.zeros_like(todo), -one, one, (CARBON - 1) * one)

    def left_to_branch(self, atom: Array, todo: Array, behind: Array) -> Array:
        """Which of the rings `todo` [K, L] cannot be closed behind a branch of `atom` [K].

        `behind` [K] is whether anything follows the branch.
        """
        left = todo & ((self.close_behind(atom, todo).atom < 0) | ~behind[:, None])
        again = self.close_behind(atom, todo & ~left)
        return np.where(again.complete[:, None], left, todo)

    def shortening(self, atom: Array, labels: Array) -> Array:
        """Label of the ring [K] that makes a closure at `atom` small enough; -1 if there is none.

        It is closed by the next digit of the atom.
        """
        partner = self.opener[np.arange(len(labels)), labels]
        fits = (self.opener > 0) & (self.opener != partner[:, None])
        fits &= self.limit.allowed[self.near(atom) + 1]
        fits &= self.limit.allowed[self.distance(self.opener, partner[:, None]) + 2]
        return np.where(fits.any(axis=1), fits.argmax(axis=1), -1)


def last_distance(near: Array, todo: Array) -> Array:
    """Bonds at most from the last atom of a chain to its opener [K], of one ring after the other.

    The first of them is closed at the second atom of the chain.
    """
    return np.where(todo, near, 0).max(axis=1) + todo.sum(axis=1) + 1
