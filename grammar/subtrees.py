"""Counts of the parts of derivations: rules, and subtrees cut at some depth or whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from contextlib import suppress

from grammar.cfg.grammar import Grammar
from grammar.errors import GrammarError
from grammar.parsing.parser import Parser

DEPTHS = 3
"""Subtrees are cut below so many rules, at most."""


class SubtreeCounts:
    """Strings of a grammar -> counts of the subtrees of their derivations.

    At each rule of a derivation the subtree that starts there is counted once for each depth: the
    rule alone, the rule and those below it, and so on to `DEPTHS` rules, and the whole subtree.
    Kernels on such counts: Collins & Duffy 2001.  A string outside the grammar has none.

    Examples
    --------
    >>> from grammar import load_grammar
    >>> from grammar.subtrees import SubtreeCounts
    >>> count = SubtreeCounts(load_grammar("arithmetic").grammar)
    >>> one, other = count(["x+1", "x+2"])
    >>> sum((one & other).values()), sum(one.values())
    (9, 16)
    """

    def __init__(self, grammar: Grammar) -> None:
        self._parser = Parser(grammar)
        self._parts = [int((row >= 0).sum()) for row in grammar.rhs_nonterminals]

    def __call__(self, strings: Sequence[str]) -> list[Counter[Hashable]]:
        """Strings [N] -> N counts."""
        found: list[Counter[Hashable]] = []
        for string in strings:
            found.append(Counter())
            with suppress(GrammarError):
                found[-1] = self.of_rules(self._parser.parse(string))
        return found

    def of_rules(self, rules: bytes) -> Counter[Hashable]:
        """A leftmost derivation -> counts of its subtrees."""
        cuts: list[list[Hashable]] = []  # of the subtrees that no rule has taken yet, leftmost last
        counts: Counter[Hashable] = Counter()
        for rule in reversed(rules):
            below = [cuts.pop() for _ in range(self._parts[rule])]
            own: list[Hashable] = [rule]
            own += [(rule, *(part[depth] for part in below)) for depth in range(DEPTHS - 1)]
            own += [(rule, *(part[-1] for part in below))]
            cuts.append(own)
            counts.update(set(own))
        return counts
