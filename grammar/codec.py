"""Strings to fixed-length rule indices and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike

from grammar.cfg.grammar import Grammar
from grammar.errors import GrammarError, check_type
from grammar.parsing.parser import Parser


class RuleCodec:
    """Strings <-> uint8 rule indices [N, T] of their leftmost derivations, padded at the end.

    T = `max_length`, or the longest string of the first `encode` when it is None.

    Examples
    --------
    >>> import grammar
    >>> codec = grammar.RuleCodec(grammar.load_grammar("arithmetic"))
    >>> codec.encode(["x", "x+1"])  # padded with rule 11
    array([[ 3,  7, 11, 11],
           [ 0,  3,  7,  8]], dtype=uint8)
    >>> codec.decode(codec.encode(["sin(x)"]))
    ['sin(x)']
    """

    def __init__(self, grammar: Grammar | Parser, max_length: int | None = None) -> None:
        self.parser = grammar if isinstance(grammar, Parser) else Parser(grammar)
        self.grammar = self.parser.grammar
        if max_length is not None:
            check_type(max_length, Integral, "max_length: give a whole number of productions")
            if max_length < 1:
                raise GrammarError(f"max_length is {max_length}: give 1 production or more")
        self.max_length = max_length
        self._terminals = _expansion_steps(self.grammar)

    def encode(self, strings: Sequence[str]) -> np.ndarray:
        """Rule indices [N, T]; ParseError outside the grammar, GrammarError if too long."""
        strings = check_strings(strings)
        sequences = [self.parser.parse(text) for text in strings]
        longest = max(map(len, sequences), default=0)
        if self.max_length is None:
            self.max_length = longest
        if longest > self.max_length:
            text = strings[[len(sequence) for sequence in sequences].index(longest)]
            raise GrammarError(
                f"the string {text!r} takes {longest} productions but max_length is "
                f"{self.max_length}; raise max_length or leave the string out"
            )
        return pad(sequences, self.max_length, self.grammar)

    def decode(self, rules: np.ndarray) -> list[str | None]:
        """Canonical strings of rule indices [N, T]; None where a derivation is not complete."""
        expanded = map(self.tokens, check_rules(rules).tolist())
        return [None if tokens is None else "".join(tokens) for tokens in expanded]

    def tokens(self, rules: Sequence[int]) -> list[str] | None:
        """Terminals of one rule sequence, None if it is not a complete derivation.

        Leftmost expansion in linear time: a stack of open symbols, the next one on top.
        """
        check_type(rules, (Sequence, np.ndarray), "give a sequence of rule indices")
        out: list[str] = []
        pending: list[str | int] = [0]
        padding, table = self.grammar.padding, self._terminals
        for rule in rules:
            if not pending:
                if rule != padding:
                    return None
                continue
            if not 0 <= rule < padding or table[rule][0] != pending.pop():
                return None
            pending.extend(table[rule][1])
            while pending and pending[-1].__class__ is str:
                out.append(pending.pop())  # type: ignore[arg-type]
        return None if pending else out


def check_strings(strings: Sequence[str]) -> list[str]:
    """The strings as a list; GrammarError for one string, or for anything else in the list."""
    if isinstance(strings, str):
        raise GrammarError(f"give a list of strings: [{strings!r}] instead of {strings!r}")
    check_type(strings, Iterable, "give a list of strings")
    strings = list(strings)
    for place, text in enumerate(strings):
        if not isinstance(text, str):
            raise GrammarError(f"give a list of strings: item {place} is {text!r}")
    return strings


def check_rules(rules: ArrayLike) -> np.ndarray:
    """Rule indices as an array [N, T]; GrammarError for anything else."""
    try:
        array = np.asarray(rules)
    except ValueError as error:  # rows of different lengths
        raise GrammarError(f"rules must be integers [N, T]: {error}") from error
    if array.ndim != 2 or array.dtype.kind not in "iu":
        raise GrammarError(f"rules must be integers [N, T]; got {array.dtype} {array.shape}")
    return array


def pad(sequences: Sequence[bytes], length: int, grammar: Grammar) -> np.ndarray:
    """Derivations of at most `length` rules as uint8 [N, length], filled with the padding rule."""
    padding = bytes([grammar.padding])
    joined = b"".join([sequence.ljust(length, padding) for sequence in sequences])
    return np.frombuffer(joined, np.uint8).reshape(len(sequences), length).copy()


def _expansion_steps(grammar: Grammar) -> list[tuple[int, list[str | int]]]:
    """For each rule its left-hand side and what it adds to the stack (last symbol first)."""
    index = {name: i for i, name in enumerate(grammar.lhs_names)}
    return [
        (
            index[rule.lhs],
            [s.name if s.terminal else index.get(s.name, -1) for s in reversed(rule.rhs)],
        )
        for rule in grammar.rules
    ]
