"""Counting and numbering the derivations of a grammar, for exact uniform sampling."""

from __future__ import annotations

from grammar.cfg.grammar import Grammar


class Derivations:
    """All derivations of a grammar of at most `max_length` productions, counted and numbered."""

    def __init__(self, grammar: Grammar, max_length: int) -> None:
        self.grammar, self.max_length = grammar, max_length
        self._parts = [[int(i) for i in row if i >= 0] for row in grammar.rhs_nonterminals]
        self._by_lhs: list[list[int]] = [[] for _ in grammar.lhs_names]
        for rule in range(grammar.padding):
            if rule not in grammar.dead_rules:
                self._by_lhs[int(grammar.lhs_index[rule])].append(rule)
        self._count()
        self.counts = self._whole[0]
        """Number of derivations [T + 1] with exactly that many productions."""
        self.total = sum(self.counts)

    def _count(self) -> None:
        """Dynamic programme over lengths; Python integers, since the counts outgrow 64 bits.

        `_whole[l][n]`: derivations of left-hand side l with n productions; `_tail[r][j][n]`: of the
        non-terminals j, j + 1, ... of rule r together.
        """
        size = self.max_length + 1
        self._whole = [[0] * size for _ in self._by_lhs]
        nothing_left = [1] + [0] * self.max_length
        self._tail = [[[0] * size for _ in parts] + [nothing_left] for parts in self._parts]
        for n in range(size):
            for parts, tail in zip(self._parts, self._tail, strict=True):
                for j, lhs in enumerate(parts):
                    first, rest = self._whole[lhs], tail[j + 1]
                    tail[j][n] = sum(first[a] * rest[n - a] for a in range(1, n + 1) if first[a])
            if n + 1 < size:
                for lhs, rules in enumerate(self._by_lhs):
                    self._whole[lhs][n + 1] = sum(self._tail[rule][0][n] for rule in rules)

    def derivation(self, number: int) -> bytes:
        """Rule indices of derivation `number` of 0 .. total - 1, shorter ones first."""
        length = 0
        while number >= self.counts[length]:
            number -= self.counts[length]
            length += 1
        return self.part(0, length, number)

    def count(self, lhs: int, length: int) -> int:
        """Derivations of left-hand side `lhs` with exactly `length` productions."""
        return self._whole[lhs][length]

    def sizes(self, lhs: int) -> list[int]:
        """Numbers of productions with which left-hand side `lhs` has a derivation."""
        return [n for n, count in enumerate(self._whole[lhs]) if count]

    def part(self, lhs: int, length: int, number: int) -> bytes:
        """Rule indices of derivation `number` of 0 .. count(lhs, length) - 1."""
        rules = bytearray()
        pending = [(lhs, length, number)]  # left-hand side, its productions, its number among them
        while pending:
            lhs, n, number = pending.pop()
            for rule in self._by_lhs[lhs]:
                if number < self._tail[rule][0][n - 1]:
                    break
                number -= self._tail[rule][0][n - 1]
            rules.append(rule)
            pending.extend(reversed(self._split(rule, n - 1, number)))
        return bytes(rules)

    def _split(self, rule: int, n: int, number: int) -> list[tuple[int, int, int]]:
        """Share n productions and the number out among the non-terminals of a rule."""
        shares = []
        for lhs, rest in zip(self._parts[rule], self._tail[rule][1:], strict=True):
            for size in range(1, n + 1):
                block = self._whole[lhs][size] * rest[n - size]
                if number < block:
                    break
                number -= block
            n -= size
            own, number = divmod(number, rest[n])
            shares.append((lhs, size, own))
        return shares
