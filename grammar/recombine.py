"""New derivations from known ones: parts exchanged between two, or one rule replaced."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from grammar.cfg import Grammar


class Recombiner:
    """Crossover and mutation of leftmost derivations; every child is a complete derivation.

    A part is what one non-terminal derives: in pre-order, a run of rules (subtree crossover of
    grammar-guided genetic programming, Whigham 1995).
    """

    def __init__(self, grammar: Grammar) -> None:
        self._lhs = grammar.lhs_index.tolist()
        self._parts = [tuple(row[row >= 0].tolist()) for row in grammar.rhs_nonterminals]
        kinds: dict[tuple[int, tuple[int, ...]], list[int]] = {}
        for rule in range(grammar.padding):
            if rule not in grammar.dead_rules:
                kinds.setdefault((self._lhs[rule], self._parts[rule]), []).append(rule)
        self._siblings = [
            [s for s in kinds.get((self._lhs[rule], parts), ()) if s != rule]
            for rule, parts in enumerate(self._parts)
        ]

    def ends(self, rules: bytes) -> list[int]:
        """For each position, where the part that starts there ends."""
        found = [0] * len(rules)
        for start in range(len(rules) - 1, -1, -1):
            end = start + 1
            for _ in self._parts[rules[start]]:
                end = found[end]
            found[start] = end
        return found

    def exchange(self, one: bytes, other: bytes, rng: np.random.Generator) -> bytes | None:
        """`one` with a random part replaced by a part of `other` of the same non-terminal."""
        start = int(rng.integers(len(one)))
        lhs = self._lhs[one[start]]
        places = [i for i, rule in enumerate(other) if self._lhs[rule] == lhs]
        if not places:
            return None
        place = places[rng.integers(len(places))]
        part = other[place : self.ends(other)[place]]
        return one[:start] + part + one[self.ends(one)[start] :]

    def replace(self, one: bytes, rng: np.random.Generator) -> bytes | None:
        """`one` with a random rule replaced by another that opens the same non-terminals."""
        start = int(rng.integers(len(one)))
        others = self._siblings[one[start]]
        if not others:
            return None
        return one[:start] + bytes([others[rng.integers(len(others))]]) + one[start + 1 :]

    def children(
        self, parents: Sequence[bytes], n: int, rng: np.random.Generator, mutated: float = 0.5
    ) -> list[bytes]:
        """At most n children of pairs drawn from `parents`, a share of them by `replace`."""
        found = []
        for _ in range(n):
            one, other = (parents[i] for i in rng.integers(len(parents), size=2))
            mutate = rng.random() < mutated
            child = self.replace(one, rng) if mutate else self.exchange(one, other, rng)
            if child is not None:
                found.append(child)
        return found
