"""How often a string uses each rule of its grammar: what it is made of, without the order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from grammar.cfg import Grammar
from grammar.parser import Parser


class RuleCounts:
    """Strings -> counts [N, R] of the R rules of a grammar."""

    def __init__(self, grammar: Grammar) -> None:
        self._parser = Parser(grammar)
        self._rules = grammar.padding

    def __call__(self, strings: Sequence[str]) -> NDArray[np.float64]:
        """Counts [N, R]; `ParseError` for a string outside the grammar."""
        counts = np.zeros((len(strings), self._rules))
        for row, string in zip(counts, strings, strict=True):
            rules = np.frombuffer(self._parser.parse(string), np.uint8)
            row[:] = np.bincount(rules, minlength=self._rules)
        return counts
