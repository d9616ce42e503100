"""Every string of a grammar, by the length of its derivation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from grammar.cfg.grammar import Grammar
from grammar.cfg.syntax import Symbol

KEPT = 100_000
"""Strings of one symbol and length are kept for reuse if there are no more than these."""


class Enumeration:
    """All strings of a grammar, an ambiguous one's once for each derivation."""

    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar
        self._rules: dict[str, list[tuple[Symbol, ...]]] = {}
        for number, rule in enumerate(grammar.rules[: grammar.padding]):
            if number not in grammar.dead_rules:
                self._rules.setdefault(rule.lhs, []).append(rule.rhs)
        self._kept: dict[tuple[str, int], list[str]] = {}

    def strings(self, productions: int) -> Iterator[str]:
        """Those with exactly so many productions, without the padding."""
        return self._of_symbol(self.grammar.start, productions)

    def _of_symbol(self, symbol: str, productions: int) -> Iterator[str]:
        if productions < 1:
            return
        if (symbol, productions) in self._kept:
            yield from self._kept[symbol, productions]
            return
        kept: list[str] = []
        for right in self._rules[symbol]:
            for text in self._of_symbols(right, productions - 1):
                if len(kept) <= KEPT:
                    kept.append(text)
                yield text
        if len(kept) <= KEPT:
            self._kept[symbol, productions] = kept

    def _of_symbols(self, symbols: Sequence[Symbol], productions: int) -> Iterator[str]:
        """Of symbols one after the other that share the productions."""
        if not symbols:
            if not productions:
                yield ""
            return
        first, rest = symbols[0], symbols[1:]
        if first.terminal:
            for text in self._of_symbols(rest, productions):
                yield first.name + text
            return
        if all(symbol.terminal for symbol in rest):  # there is nothing to share
            sizes = range(productions, productions + 1)
        else:
            sizes = range(1, productions)
        for size in sizes:
            for end in self._of_symbols(rest, productions - size):
                for start in self._of_symbol(first.name, size):
                    yield start + end
