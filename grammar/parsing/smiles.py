"""SMILES to rule sequences in linear time, for every grammar with the structure of smiles.cfg.

These rules are not LALR(1), because a bond may begin a ring bond or lead to the next atom. But a
regular expression cuts a string into atoms with their ring bonds, and parentheses; there are few
different ones, so each is parsed once and remembered, and one loop puts the derivation together.
"""

from __future__ import annotations

from collections.abc import Sequence

from grammar.cfg.grammar import Grammar
from grammar.cfg.syntax import Rule
from grammar.errors import ParseError
from grammar.parsing.engines import ChartEngine, LREngine
from grammar.parsing.smiles_structure import (
    CHUNKS,
    CHUNKS_STAND_FOR,
    STRUCTURE,
    chunk_grammar,
    cutter,
    find_parts,
    recogniser,
)

REMEMBERED = 1 << 16
"""At most so many chunks are kept: where atoms are numbered, there is no end of them."""
OPEN = -1
Chunk = tuple[int, bytes, bytes]
"""Chain rule, rules of bond and atom without branches, and with branches; or OPEN, rules, b""."""


class SmilesEngine:
    """`grammar.parsing.engines.Engine` for the structure of SMILES, which `for_grammar` checks."""

    def __init__(self, grammar: Grammar, parts: Sequence[Rule], separator: Rule | None) -> None:
        self._grammar = grammar
        self._chart: ChartEngine | None = None
        self._learnt: dict[str, Chunk] = {}
        number = {rule: i for i, rule in enumerate(grammar.rules)}
        rule_bytes = [bytes([number[rule]]) for rule in STRUCTURE]
        self._smiles, (self._chain,), (self._chain_item,) = rule_bytes[:3]
        self._with_branches = {
            a[0]: b for a, b in zip(rule_bytes[4:6], rule_bytes[6:8], strict=True)
        }
        self._more_branches, self._last_branch = rule_bytes[10:12]
        self._separator = separator.rhs[1].name if separator else ""
        self._next_molecule = bytes([number[separator]]) if separator else b""
        self._cut = cutter(parts).findall
        self._viable = LREngine(*recogniser(parts, separator))
        self._pieces = LREngine(*chunk_grammar(parts))
        stands_for = (*CHUNKS_STAND_FOR, *CHUNKS[4:], *parts)
        self._official = bytes(number[rule] for rule in stands_for).ljust(256, b"\0")
        self._openings = self._official[2:4]

    @classmethod
    def for_grammar(cls, grammar: Grammar) -> SmilesEngine | None:
        """The engine if the grammar's own rules allow it (see `find_parts`), else None."""
        found = find_parts(grammar)
        return None if found is None else cls(grammar, *found)

    def derive_text(self, text: str) -> bytes | None:
        """Rule indices of the derivation of a string without blanks.

        None if there is none, or if it must be looked for with `derive`.
        """
        if not self._separator or self._separator not in text:
            rules = self._derive_chain(text)
            return None if rules is None else self._smiles + rules
        chains = [self._derive_chain(part) for part in text.split(self._separator)]
        found = [chain for chain in chains if chain is not None]
        if len(found) < len(chains):
            return None
        return self._next_molecule * (len(chains) - 1) + self._smiles + b"".join(found)

    def derive(self, tokens: list[str]) -> bytes | None:
        """Rule indices of the only derivation, None if there is none."""
        if self._viable.derive(tokens) is None:
            return None
        text = "".join(tokens)
        if self._grammar.tokenize(text) == tokens and (rules := self.derive_text(text)):
            return rules
        self._chart = self._chart or ChartEngine(self._grammar)
        return self._chart.derive(tokens)

    def stuck(self, tokens: list[str]) -> int:
        """Index of the first token with which no string of the language continues."""
        return self._viable.stuck(tokens)

    def _derive_chain(self, text: str) -> bytes | None:
        # `out` is the derivation in pieces. Two kinds of pieces become known only later: the rules
        # of a chain (at `place`, collected in `spine`) and of a list of branches (at `branches`).
        chunks = self._cut(text)
        if "".join(chunks) != text:
            return None
        learnt, more = self._learnt, self._more_branches
        out, place, spine, branches, branched = [b""], 0, bytearray(), 0, b""
        enclosing: list[tuple[int, bytearray, int]] = []
        for chunk in chunks:
            if chunk == ")":
                if not enclosing or not self._close(out, place, spine):
                    return None
                place, spine, branches = enclosing.pop()
                continue
            found = learnt.get(chunk) or self._learn(chunk)
            if found is None:
                return None
            rule, rules, with_branches = found
            if rule != OPEN:
                spine.append(rule)
                out.append(rules)
                branches, branched = 0, with_branches
                continue
            if not spine:
                return None
            if branches:
                out[branches] = more + out[branches]
            else:
                out[-1] = branched
                branches = len(out)
                out.append(self._last_branch)
            enclosing.append((place, spine, branches))
            place, spine, branches = len(out) + 1, bytearray(), 0
            out += (rules, b"")
        return None if enclosing or not self._close(out, place, spine) else b"".join(out)

    def _close(self, out: list[bytes], place: int, spine: bytearray) -> bool:
        """Put the rules of a finished chain into their place; False if it is no chain."""
        if not spine or spine[0] != self._chain_item:  # empty, or begins with a bond
            return False
        spine[0] = self._chain
        spine.reverse()
        out[place] = bytes(spine)
        return True

    def _learn(self, text: str) -> Chunk | None:
        """Parse one chunk by the tables, and remember it."""
        try:
            rules = self._pieces.derive(self._grammar.tokenize(text))
        except ParseError:
            return None
        if rules is None:
            return None
        rules = rules.translate(self._official)
        if rules[0] in self._openings:
            chunk = OPEN, rules, b""
        else:
            at = next(i for i, rule in enumerate(rules) if rule in self._with_branches)
            branched = rules[1:at] + self._with_branches[rules[at]] + rules[at + 1 :]
            chunk = rules[0], rules[1:], branched
        if len(self._learnt) < REMEMBERED:
            self._learnt[text] = chunk
        return chunk
