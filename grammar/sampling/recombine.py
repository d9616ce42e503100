"""New derivations from known ones: parts exchanged, made anew, or one rule replaced."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import numpy as np

from grammar.cfg.grammar import Grammar
from grammar.codec import RuleCodec, pad
from grammar.errors import GrammarError
from grammar.parsing.parser import Parser
from grammar.sampling.counting import Derivations

RENEWED = 6
"""Most productions of a part that is made anew."""
LARGEST = 2**63 - 1
"""Derivations of one size that are told apart, where a large grammar has more."""


class StringRecombiner:
    """Strings of a codec's grammar -> about as many children, no longer than it can hold."""

    def __init__(self, codec: RuleCodec) -> None:
        self._codec, self._parser = codec, Parser(codec.grammar)
        self._recombiner = Recombiner(codec.grammar)

    def __call__(self, strings: Sequence[str], rng: np.random.Generator) -> list[str | None]:
        """Children of strings, those outside the grammar left out."""
        parents = []
        for string in strings:
            with suppress(GrammarError):
                parents.append(self._parser.parse(string))
        if not parents:
            return []
        grammar, longest = self._codec.grammar, self._codec.max_length or 0
        children = self._recombiner.children(parents, len(strings), rng)
        kept = [child for child in children if len(child) <= longest]
        return self._codec.decode(pad(kept, longest, grammar))


class Recombiner:
    """Crossover and mutation of leftmost derivations; every child is a complete derivation.

    A part is what one non-terminal derives: in pre-order, a run of rules (subtree crossover of
    grammar-guided genetic programming, Whigham 1995).
    """

    def __init__(self, grammar: Grammar) -> None:
        self._lhs = grammar.lhs_index.tolist()
        self._parts = [tuple(row[row >= 0].tolist()) for row in grammar.rhs_nonterminals]
        self._small = Derivations(grammar, RENEWED)
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
        """`one` with a random part replaced by a part of `other` of the same non-terminal.

        With itself, a part is repeated inside itself, or cut short.
        """
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

    def renew(self, one: bytes, rng: np.random.Generator) -> bytes | None:
        """`one` with a random part replaced by any of at most `RENEWED` productions.

        Each size is equally likely, for there are far more of the greater ones.
        """
        start = int(rng.integers(len(one)))
        lhs = self._lhs[one[start]]
        sizes = self._small.sizes(lhs)
        if not sizes:
            return None
        size = sizes[rng.integers(len(sizes))]
        number = int(rng.integers(min(self._small.count(lhs, size), LARGEST)))
        part = self._small.part(lhs, size, number)
        return one[:start] + part + one[self.ends(one)[start] :]

    def children(self, parents: Sequence[bytes], n: int, rng: np.random.Generator) -> list[bytes]:
        """At most n children of pairs drawn from `parents`, each by one of the three ways.

        None uses a rule that no parent uses: of that nobody knows what it does.
        """
        found, usual = [], set(b"".join(parents))
        for _ in range(n):
            one, other = (parents[i] for i in rng.integers(len(parents), size=2))
            way = rng.integers(4)
            if way == 0:
                child = self.replace(one, rng)
            elif way == 1:
                child = self.renew(one, rng)
            else:
                child = self.exchange(one, other if way == 2 else one, rng)
            if child is not None and child != one and usual.issuperset(child):
                found.append(child)
        return found
