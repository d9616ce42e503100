"""How often a string uses each rule of its grammar: what it is made of, without the order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from grammar.cfg import Grammar
from grammar.parser import Parser


class RuleCounts:
    """Strings -> counts [N, R] of the R rules of a grammar; each string is parsed once."""

    def __init__(self, grammar: Grammar) -> None:
        self._parser = Parser(grammar)
        self._rules = grammar.padding
        self._known: dict[str, NDArray[np.uint16]] = {}

    def __call__(self, strings: Sequence[str]) -> NDArray[np.float64]:
        """Counts [N, R]; `ParseError` for a string outside the grammar."""
        rows = [self._of(string) for string in strings]
        return np.array(rows, dtype=np.float64).reshape(len(strings), self._rules)

    def _of(self, string: str) -> NDArray[np.uint16]:
        if string not in self._known:
            rules = np.frombuffer(self._parser.parse(string), np.uint8)
            self._known[string] = np.bincount(rules, minlength=self._rules).astype(np.uint16)
        return self._known[string]
