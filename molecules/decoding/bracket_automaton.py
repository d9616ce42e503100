"""Bracket atoms that a grammar can write, as a finite automaton over its rules.

A state is what is still to be expanded before the closing bracket and what the atom is so far. For
each state and each number of bonds that the atom must still be able to have, `cost` says how many
productions complete it at least: so `[NH4+]` is never begun where a bond waits for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from grammar.cfg.grammar import UNREACHABLE_COST, Grammar
from grammar.cfg.syntax import Symbol
from molecules.decoding.valences import (
    LARGEST_CHARGE,
    MOST_BONDS,
    MOST_HYDROGENS,
    bracket_valence,
    is_aromatic,
)

Inner = tuple[Symbol, ...]


class Content(NamedTuple):
    """The atom after '[' as read so far; isotopes, chirality and atom maps do not matter."""

    table: tuple[int, ...] = ()
    """Valence by number of hydrogens and charge; empty before the element."""
    aromatic: bool = False
    phase: str = "isotope"
    hydrogens: int = 0
    charge: int = 0
    begun: bool = False
    """Whether the isotope or the map has a digit."""

    def then(self, token: str, *, aromatic: bool, valences: bool) -> Content | None:
        """With one more token; None if no sane atom begins like this."""
        if self.phase == "isotope" and token[0].isalpha():
            if is_aromatic(token) and not aromatic:
                return None
            return self._replace(
                table=_valence_table(token, valences),
                aromatic=is_aromatic(token),
                phase="hydrogen" if token == "H" else "element",  # noqa: S105 - of a grammar
                begun=False,
            )
        content: Content | None = self
        for character in token:
            content = content._character(character) if content else None
        return content

    def _character(self, character: str) -> Content | None:
        if character.isdigit():
            return self._digit(int(character))
        if self.phase == "isotope" or (self.phase == "hydrogen" and character in "H@"):
            return None  # RDKit reads neither chirality nor more hydrogens of a hydrogen
        if character == "H":
            return self._replace(phase="hydrogens", hydrogens=1)
        if character in "+-":
            charge = self.charge + (1 if character == "+" else -1)
            return self._replace(phase="charge", charge=charge)._sane()
        return self._replace(phase="map", begun=False) if character == ":" else self

    def _digit(self, digit: int) -> Content | None:
        if self.phase == "hydrogens":
            return self._replace(phase="counted", hydrogens=digit)._sane()
        if self.phase == "charge":
            return self._replace(phase="counted", charge=self.charge * digit)._sane()
        if self.phase in ("isotope", "map"):
            return self._replace(begun=True) if digit or self.begun else None  # RDKit: no '01'
        return None

    def _sane(self) -> Content | None:
        within = self.hydrogens <= MOST_HYDROGENS and abs(self.charge) <= LARGEST_CHARGE
        return self if within else None

    @property
    def valence(self) -> int:
        """Bonds that the atom can have beside its hydrogens; -1 if there is no such atom."""
        if not self.table:
            return -1
        return self.table[self.hydrogens * (2 * LARGEST_CHARGE + 1) + self.charge + LARGEST_CHARGE]


def _valence_table(symbol: str, valences: bool) -> tuple[int, ...]:
    return tuple(
        bracket_valence(symbol, hydrogens, charge) if valences else MOST_BONDS
        for hydrogens in range(MOST_HYDROGENS + 1)
        for charge in range(-LARGEST_CHARGE, LARGEST_CHARGE + 1)
    )


class Brackets:
    """States numbered from 0; `step` [states, R] leads to the next one, -1 where there is none.

    `cost` [2, states, MOST_BONDS + 2] is the fewest productions that make an atom that can have at
    least so many bonds; its second half counts a double bond to an aromatic atom as one, as there
    is one before the bracket, and `most` [2, states] is how many bonds can be had. `plain` [states]
    is the fewest of all by the grammar alone, `valence` and `aromatic` [states] tell the atom of a
    final state.
    """

    def __init__(
        self, grammar: Grammar, inners: Iterable[Inner], *, aromatic: bool, valences: bool
    ) -> None:
        self._grammar, self._aromatic, self._valences = grammar, aromatic, valences
        self._rules: dict[str, list[int]] = {}
        for number, rule in enumerate(grammar.rules):
            if number not in grammar.dead_rules:
                self._rules.setdefault(rule.lhs, []).append(number)
        self._states: dict[tuple[Inner, Content], int] = {}
        self._edges: list[tuple[int, int, int]] = []
        self.start = {inner: self._state(inner, Content()) for inner in set(inners)}
        self._explore()
        self._fill()

    def _state(self, inner: Inner, content: Content) -> int:
        """Number of the state once the leading terminals are read; -1 if that is no atom."""
        while inner and inner[0].terminal:
            token, inner = inner[0].name, inner[1:]
            if content.phase == "isotope" and inner and inner[0].terminal and token.isupper():
                token += inner[0].name  # an element such as 'S' 'n', written as two terminals
                inner = inner[1:]
            following = content.then(token, aromatic=self._aromatic, valences=self._valences)
            if following is None:
                return -1
            content = following
        return self._states.setdefault((inner, content), len(self._states))

    def _explore(self) -> None:
        done = 0
        while done < len(self._states):  # grows while it runs
            for (inner, content), number in list(self._states.items())[done:]:
                done += 1
                for rule in self._rules.get(inner[0].name, []) if inner else []:
                    body = self._grammar.rules[rule].rhs
                    following = self._state(body + inner[1:], content)
                    if following >= 0:
                        self._edges.append((number, rule, following))

    def _fill(self) -> None:
        index = {name: i for i, name in enumerate(self._grammar.lhs_names)}
        least = self._grammar.min_cost_lhs
        size = len(self._states)
        self.step = np.full((size, self._grammar.n_rules), -1, dtype=np.int32)
        self.cost = np.full((2, size, MOST_BONDS + 2), UNREACHABLE_COST, dtype=np.int64)
        self.plain = np.zeros(size, dtype=np.int64)
        self.valence = np.full(size, -1, dtype=np.int64)
        self.aromatic = np.zeros(size, dtype=bool)
        for (inner, content), number in self._states.items():
            self.plain[number] = sum(least[index[s.name]] for s in inner if not s.terminal)
            if not inner:
                self.valence[number], self.aromatic[number] = content.valence, content.aromatic
                for double in range(2):
                    most = content.valence + (double and content.aromatic)
                    self.cost[double, number, : min(most, MOST_BONDS) + 1] = 0
        source, rule, target = np.array(self._edges, dtype=np.int64).reshape(-1, 3).T
        self.step[source, rule] = target
        while True:
            before = self.cost.copy()
            for cost in self.cost:
                np.minimum.at(cost, source, np.minimum(UNREACHABLE_COST, cost[target] + 1))
            if (self.cost == before).all():
                break
        self.most = (self.cost < UNREACHABLE_COST).sum(axis=2) - 1
