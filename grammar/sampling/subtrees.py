"""Counts of the subtrees of derivations: what a kernel compares strings of a grammar by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress

from grammar.cfg.grammar import Grammar
from grammar.errors import GrammarError
from grammar.parsing.parser import Parser

DEPTHS = {"rules": 1, "subtrees of depth 2": 2, "subtrees of depth 3": 3, "whole subtrees": None}
"""Ways to count: subtrees are cut below so many rules, or not at all."""
Counts = Callable[[Sequence[str]], list[Counter[Hashable]]]


def subtree_counts(grammar: Grammar) -> dict[str, Counts]:
    """By name, functions of strings [N] -> N counts of the subtrees of their derivations.

    A subtree starts at each rule of a derivation.  Kernels on such counts: Collins & Duffy 2001.
    A string outside the grammar has none.

    Examples
    --------
    >>> from grammar import load_grammar
    >>> from grammar.sampling.subtrees import subtree_counts
    >>> count = subtree_counts(load_grammar("arithmetic").grammar)["whole subtrees"]
    >>> one, other = count(["x*x+1", "x*x+2"])
    >>> sum((one & other).values()), sum(one.values())
    (4, 6)
    """
    parser = Parser(grammar)
    parts = [int((row >= 0).sum()) for row in grammar.rhs_nonterminals]

    def counting(depth: int | None) -> Counts:
        def count(strings: Sequence[str]) -> list[Counter[Hashable]]:
            found = []
            for string in strings:
                rules = b""
                with suppress(GrammarError):
                    rules = parser.parse(string)
                found.append(_count(rules, parts, depth))
            return found

        return count

    return {name: counting(depth) for name, depth in DEPTHS.items()}


def _count(rules: bytes, parts: Sequence[int], depth: int | None) -> Counter[Hashable]:
    """Counts of the subtrees of a leftmost derivation; rule r opens parts[r] non-terminals."""
    counts: Counter[Hashable] = Counter()
    waiting: list[list[Hashable]] = []  # cuts of subtrees that no rule has taken yet, leftmost last
    for rule in reversed(rules):
        below = [waiting.pop() for _ in range(parts[rule])]
        if depth is None:
            cuts: list[Hashable] = [(rule, *(part[-1] for part in below))]
        else:
            cuts = [rule]
            cuts += [(rule, *(part[d] for part in below)) for d in range(depth - 1)]
        waiting.append(cuts)
        counts[cuts[-1]] += 1
    return counts
