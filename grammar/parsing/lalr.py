"""LALR(1) tables of a context-free grammar (DeRemer & Pennello 1982; built by merging kernels).

A table without conflicts proves that the grammar is unambiguous.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from grammar.cfg.checks import closure
from grammar.cfg.syntax import Rule

END = ""
"""The lookahead after the last token; no terminal is empty."""
Item = tuple[int, int]  # rule, position of the dot; rule -1 is the added `start' -> start`
Kernel = dict[Item, set[str]]  # items with their lookaheads


@dataclass(frozen=True)
class Tables:
    """`shift[state][symbol]`: next state; `reduce[state][lookahead]`: rules, -1 to accept."""

    shift: list[dict[str, int]]
    reduce: list[dict[str, tuple[int, ...]]]
    conflicts: tuple[str, ...]


@lru_cache(maxsize=16)
def build_tables(rules: tuple[Rule, ...], dead: tuple[int, ...] = ()) -> Tables:
    """LALR(1) tables for `rules` but the `dead` ones; the first left-hand side is the start symbol.

    Cached for equal rules.

    Symbols are keyed by their text, terminals with a leading quote, so that a terminal `S` and a
    non-terminal `S` stay apart.
    """
    machine = _Machine(rules, dead)
    kernels, shift = machine.states()
    conflicts: list[str] = []
    reduce: list[dict[str, tuple[int, ...]]] = []
    for state, kernel in enumerate(kernels):
        actions: dict[str, tuple[int, ...]] = {}
        for (rule, dot), lookaheads in machine.closure(kernel).items():
            if dot < len(machine.right(rule)):
                continue
            for token in sorted(lookaheads):
                if token in actions or token in shift[state]:
                    conflicts.append(f"'{rules[rule]}' before {token[1:] or 'the end'!r}")
                actions[token] = (*actions.get(token, ()), rule)
        reduce.append(actions)
    return Tables(shift, reduce, tuple(dict.fromkeys(conflicts)))


class _Machine:
    """Item sets of one grammar; no empty right-hand sides, so FIRST needs the first symbol only."""

    def __init__(self, rules: Sequence[Rule], dead: Sequence[int]) -> None:
        self._right = [[key(s.name, s.terminal) for s in rule.rhs] for rule in rules]
        self._start = [rules[0].lhs]
        self._by_lhs: dict[str, list[int]] = {}
        for number, rule in enumerate(rules):
            if number not in dead:
                self._by_lhs.setdefault(rule.lhs, []).append(number)
        self._first = self._first_sets()

    def right(self, rule: int) -> list[str]:
        return self._start if rule < 0 else self._right[rule]

    def closure(self, kernel: Kernel) -> Kernel:
        """All items that the kernel implies, with their lookaheads."""
        items = {item: set(ahead) for item, ahead in kernel.items()}
        work = list(items)
        while work:
            rule, dot = work.pop()
            rest = self.right(rule)[dot:]
            if not rest or rest[0] not in self._by_lhs:
                continue
            ahead = self._first_of(rest[1]) if len(rest) > 1 else items[rule, dot]
            for number in self._by_lhs[rest[0]]:
                known = items.setdefault((number, 0), set())
                if not known or not ahead <= known:
                    known |= ahead
                    work.append((number, 0))
        return items

    def states(self) -> tuple[list[Kernel], list[dict[str, int]]]:
        """Kernels and transitions; kernels with equal items are merged until nothing changes."""
        kernels: list[Kernel] = [{(-1, 0): {END}}]
        shift: list[dict[str, int]] = [{}]
        index = {frozenset(kernels[0]): 0}
        work = [0]
        while work:
            state = work.pop()
            for symbol, kernel in self._moves(kernels[state]).items():
                target = index.setdefault(frozenset(kernel), len(kernels))
                shift[state][symbol] = target
                if target == len(kernels):
                    kernels.append(kernel)
                    shift.append({})
                    work.append(target)
                elif any(not ahead <= kernels[target][item] for item, ahead in kernel.items()):
                    for item, ahead in kernel.items():
                        kernels[target][item] |= ahead
                    work.append(target)
        return kernels, shift

    def _moves(self, kernel: Kernel) -> dict[str, Kernel]:
        moves: dict[str, Kernel] = {}
        for (rule, dot), ahead in self.closure(kernel).items():
            right = self.right(rule)
            if dot < len(right):
                moves.setdefault(right[dot], {})[rule, dot + 1] = set(ahead)
        return moves

    def _first_of(self, symbol: str) -> set[str]:
        return self._first.get(symbol, {symbol})

    def _first_sets(self) -> dict[str, set[str]]:
        heads = {lhs: {self._right[n][0] for n in own} for lhs, own in self._by_lhs.items()}

        def grow(known: set[str]) -> set[str]:
            return set().union(*(heads.get(name, ()) for name in known))

        return {lhs: closure(grow, {lhs}) - heads.keys() for lhs in heads}


def key(name: str, terminal: bool) -> str:
    """Text under which a symbol stands in the tables."""
    return f"'{name}" if terminal else name
