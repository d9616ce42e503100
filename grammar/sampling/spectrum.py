"""Counts of substrings, where the derivations of a grammar show too little of its strings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence

from grammar.cfg.grammar import Grammar

LENGTHS = (3, 5)
"""Lengths of the substrings that are counted."""


def spectrum_counts(grammar: Grammar) -> dict[str, Callable[[Sequence[str]], list[Counter]]]:
    r"""By name, functions of strings [N] -> N counts of their substrings, for a linear grammar.

    The derivations of a linear grammar, such as that of DNA as a row of bases, do not branch: a
    subtree of depth 3 shows two bases.  For any other grammar there are none.  Kernels on such
    counts are spectrum kernels (Leslie et al. 2002).

    Examples
    --------
    >>> from grammar import Grammar
    >>> from grammar.sampling.spectrum import spectrum_counts
    >>> dna = Grammar("S -> B S | B\nB -> 'A' | 'C' | 'G' | 'T'")
    >>> spectrum_counts(dna)["substrings of 3"](["ACGAC", "AC"])
    [Counter({'ACG': 1, 'CGA': 1, 'GAC': 1}), Counter()]
    """
    if not is_linear(grammar):
        return {}
    return {f"substrings of {length}": _counting(length) for length in LENGTHS}


def is_linear(grammar: Grammar) -> bool:
    """Whether each rule has at most one non-terminal that can stand inside itself."""
    below: dict[Hashable, set[Hashable]] = {}
    for rule in grammar.rules:
        below.setdefault(rule.lhs, set()).update(s.name for s in rule.rhs if not s.terminal)
    for middle in below:  # reachable in any number of steps (Warshall)
        for start in below:
            if middle in below[start]:
                below[start] |= below[middle]
    recursive = {symbol for symbol, found in below.items() if symbol in found}
    return all(
        sum(not s.terminal and s.name in recursive for s in rule.rhs) <= 1 for rule in grammar.rules
    )


def _counting(length: int) -> Callable[[Sequence[str]], list[Counter]]:
    def count(strings: Sequence[str]) -> list[Counter]:
        return [Counter(s[i : i + length] for i in range(len(s) - length + 1)) for s in strings]

    return count
