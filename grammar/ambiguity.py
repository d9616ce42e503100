"""Is a grammar unambiguous? LR tables can prove it; otherwise a sample of strings is searched."""

from __future__ import annotations

import numpy as np

from grammar.cfg import Grammar
from grammar.codec import RuleCodec
from grammar.derivations import Derivations
from grammar.errors import GrammarError
from grammar.generate import sample_derivations
from grammar.parser import ChartEngine, parser_tables


def check_unambiguous(grammar: Grammar) -> None:
    """Raise GrammarError that shows a string with two derivations, if one is found."""
    finding = find_ambiguity(grammar)
    if finding:
        raise GrammarError(finding)


def find_ambiguity(grammar: Grammar, *, samples: int = 200, seed: int = 0) -> str | None:
    """One sentence with a string that has two derivations; None if none is found.

    LALR(1) tables without conflict prove that there is none. Otherwise the strings of the
    shortest derivations, and a random sample of longer ones, are given to a chart parser: no
    finding is then strong evidence, not a proof.
    """
    if not parser_tables(grammar).conflicts:
        return None
    chart = ChartEngine(grammar)
    for rules in _samples(grammar, samples, seed):
        text = RuleCodec(grammar).decode(rules[None])[0]
        derivations = chart.derivations(grammar.tokenize(str(text)), limit=2)
        if len(derivations) > 1:
            first, second = (grammar.rules[a] for a in _first_difference(*derivations))
            return (
                f"the grammar is ambiguous: {text!r} can be derived with '{first}' (line "
                f"{first.line}) or with '{second}' (line {second.line}); change the rules so that "
                "one way is left, or add a line '%ambiguous' to take the first"
            )
    return None


def _first_difference(a: bytes, b: bytes) -> tuple[int, int]:
    return next((i, j) for i, j in zip(a, b, strict=False) if i != j)


def _samples(grammar: Grammar, samples: int, seed: int) -> list[np.ndarray]:
    """Derivations of growing length limits, so that a short witness is shown if there is one."""
    rng = np.random.default_rng(seed)
    shortest = int(grammar.min_cost_lhs[0])
    found: list[np.ndarray] = []
    for limit in np.unique(np.linspace(shortest, shortest + 24, 8, dtype=int)):
        n = min(samples // 8, Derivations(grammar, int(limit)).total)
        batch = sample_derivations(grammar, n, int(limit), rng)
        found.extend(sorted(batch, key=lambda rules: int((rules != grammar.padding).sum())))
    return found
