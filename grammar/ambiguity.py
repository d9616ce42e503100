"""Does every string stand for one derivation? Proved by LR tables, or searched in a sample."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from grammar.cfg.grammar import Grammar
from grammar.codec import RuleCodec
from grammar.errors import GrammarError, ParseError
from grammar.parsing.parser import Parser
from grammar.sampling.counting import Derivations
from grammar.sampling.uniform import sample_derivations


def check_unambiguous(parser: Parser) -> None:
    """Raise GrammarError that shows a string which has two readings, if one is found.

    Two terminals that run together into a third, and (unless the grammar says `%ambiguous`) two
    derivations of the same terminals.
    """
    grammar = parser.grammar
    token_lists = sample_token_lists(grammar)
    finding = find_merged_terminals(grammar, token_lists)
    if finding is None and not grammar.ambiguous:
        finding = find_ambiguity(parser, token_lists)
    if finding:
        raise GrammarError(finding)


def find_merged_terminals(grammar: Grammar, token_lists: Sequence[list[str]]) -> str | None:
    """One sentence with a string that is not read back as the terminals it was written from."""
    for tokens in token_lists:
        text = "".join(tokens)
        try:
            read = grammar.tokenize(text)
        except ParseError:
            read = []
        if read != tokens:
            return (
                f"the terminals of the grammar run together: {' '.join(map(repr, tokens))} is not "
                f"what is read from {text!r}, where the longest terminal that fits is taken first; "
                "choose terminals that cannot be confused"
            )
    return None


def find_ambiguity(parser: Parser, token_lists: Sequence[list[str]]) -> str | None:
    """One sentence with a string that has two derivations; None if none is found.

    LALR(1) tables without conflict prove that there is none (`Parser.exact`). Otherwise each of
    the strings is parsed in every way: no finding is then strong evidence, not a proof.
    """
    if parser.exact:
        return None
    grammar = parser.grammar
    for tokens in token_lists:
        derivations = parser.derivations(tokens, limit=2)
        if len(derivations) > 1:
            pairs = zip(*derivations, strict=False)
            first, second = next((grammar.rules[a], grammar.rules[b]) for a, b in pairs if a != b)
            return (
                f"the grammar is ambiguous: {''.join(tokens)!r} can be derived with '{first}' "
                f"(line {first.line}) or with '{second}' (line {second.line}); change the rules so "
                "that one way is left, or add a line '%ambiguous' to take the first"
            )
    return None


def sample_token_lists(grammar: Grammar, n: int = 200, seed: int = 0) -> list[list[str]]:
    """Strings as terminals, of growing length limits, so that a short witness comes first."""
    rng = np.random.default_rng(seed)
    codec = RuleCodec(grammar)
    shortest = int(grammar.min_cost_lhs[0])
    found: list[list[str]] = []
    for limit in np.unique(np.linspace(shortest, shortest + 24, 8, dtype=int)):
        size = min(n // 8, Derivations(grammar, int(limit)).total)
        rows = sample_derivations(grammar, size, int(limit), rng).tolist()
        found.extend(sorted((t for row in rows if (t := codec.tokens(row))), key=len))
    return found
