"""A context-free grammar with the tables that encoding, masking and decoding need."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

from grammar.cfg.checks import check_structure
from grammar.cfg.syntax import PADDING_LHS, Rule, read_source
from grammar.errors import GrammarError, ParseError, check_type

UNREACHABLE_COST = 1 << 20
"""Cost of what can never be completed: more productions than any sequence has."""


class Grammar:
    r"""A context-free grammar: its rules in file order, the padding rule `Nothing -> None` last.

    R rules (padding included), L left-hand sides (first-occurrence order, `Nothing` last), m the
    largest number of non-terminals on a right-hand side. Source of the rule order and of the
    masks: Kusner et al. 2017, Grammar VAE, section 3.

    Examples
    --------
    >>> import grammar
    >>> pairs = grammar.Grammar("S -> S '+' T | T\nT -> 'a' | 'b'  # two letters")
    >>> pairs.n_rules, pairs.start, pairs.terminals
    (5, 'S', ('+', 'a', 'b'))
    >>> pairs.tokenize("a + b")
    ['a', '+', 'b']
    """

    def __init__(self, text: str) -> None:
        """Read `text`; raises GrammarError for wrong syntax or structure."""
        check_type(text, str, "give a grammar as the text of its rules, as in \"S -> 'a' S | 'b'\"")
        source = read_source(text)
        check_structure(source.rules, source.undefined)
        self.text = text
        self.ambiguous = source.ambiguous
        self.rules: tuple[Rule, ...] = (*source.rules, Rule(PADDING_LHS, ()))
        if self.n_rules > 256:
            raise GrammarError(
                f"the grammar has {self.n_rules - 1} rules but rule indices are stored "
                "in one byte; at most 255 fit"
            )
        self.lhs_names: tuple[str, ...] = tuple(dict.fromkeys(rule.lhs for rule in self.rules))
        symbols = [symbol for rule in self.rules for symbol in rule.rhs]
        self.terminals: tuple[str, ...] = tuple(
            dict.fromkeys(s.name for s in symbols if s.terminal)
        )
        self._fill_tables()
        self._plain_token = _token_pattern(self.terminals, re.escape)
        self._token = _token_pattern(self.terminals, _spaced)

    @property
    def n_rules(self) -> int:
        """R, the padding rule included."""
        return len(self.rules)

    @property
    def padding(self) -> int:
        """Index of the padding rule, R - 1."""
        return len(self.rules) - 1

    @property
    def start(self) -> str:
        """The start symbol: the left-hand side of the first rule."""
        return self.rules[0].lhs

    def tokenize(self, text: str) -> list[str]:
        """Terminals of `text`, longest first, blanks between them skipped.

        Blanks are also allowed inside a terminal where a word meets a sign, as in `sin (x)`.
        Raises ParseError with a caret under a character that starts no terminal.
        """
        check_type(text, str, "give a string of the grammar")
        tokens = self._plain_token.findall(text)
        if "".join(tokens) == text:  # the usual case: canonical form, nothing skipped
            return tokens
        return self._tokenize_with_blanks(text)

    def _tokenize_with_blanks(self, text: str) -> list[str]:
        tokens, position, end = [], 0, len(text)
        while position < end:
            if text[position].isspace():
                position += 1
                continue
            match = self._token.match(text, position)
            if match is None:
                problem = (
                    f"the character {text[position]!r} does not start any symbol of the grammar"
                )
                raise ParseError.at(text, position, problem)
            tokens.append("".join(match[0].split()))
            position = match.end()
        return tokens

    def positions(self, text: str) -> list[int]:
        """Where each token of `text` starts, and where the text ends (blanks stripped)."""
        return [match.start() for match in self._token.finditer(text)] + [len(text.rstrip())]

    def canonical(self, text: str) -> str:
        """The tokens of `text` without blanks: the one form in which strings are returned."""
        return "".join(self.tokenize(text))

    def _fill_tables(self) -> None:
        index = {name: i for i, name in enumerate(self.lhs_names)}
        right = [[index.get(s.name, -1) for s in rule.rhs if not s.terminal] for rule in self.rules]
        self.lhs_index = np.array([index[rule.lhs] for rule in self.rules], dtype=np.int64)
        self.min_cost_lhs, self.min_cost_rule = _completion_costs(self.lhs_index, right)
        self.dead_rules = tuple(np.flatnonzero(self.min_cost_rule >= UNREACHABLE_COST).tolist())
        width = max(1, max(map(len, right)))
        self.rhs_nonterminals = np.full((self.n_rules, width), -1, dtype=np.int64)
        for number, names in enumerate(right):
            self.rhs_nonterminals[number, : len(names)] = names
        self.masks = self.lhs_index == np.arange(len(self.lhs_names))[:, None]
        self.masks[:, list(self.dead_rules)] = False


def _completion_costs(
    lhs_index: np.ndarray, right: list[list[int]]
) -> tuple[np.ndarray, np.ndarray]:
    """Fewest productions that complete each left-hand side [L] and rule [R], itself counted."""
    by_lhs = np.full(int(lhs_index.max()) + 1, UNREACHABLE_COST, dtype=np.int64)
    by_lhs[-1] = 0  # nothing is left to complete under the padding symbol
    while True:
        by_rule = np.array(
            [
                min(
                    UNREACHABLE_COST,
                    1 + sum(by_lhs[i] if i >= 0 else UNREACHABLE_COST for i in row),
                )
                for row in right
            ],
            dtype=np.int64,
        )
        updated = by_lhs.copy()
        np.minimum.at(updated, lhs_index, by_rule)
        updated[-1] = 0
        if (updated == by_lhs).all():
            return by_lhs, by_rule
        by_lhs = updated


def _token_pattern(terminals: tuple[str, ...], form: Callable[[str], str]) -> re.Pattern[str]:
    """One regular expression for all terminals, longest first."""
    ordered = sorted(terminals, key=len, reverse=True)
    return re.compile("|".join(map(form, ordered)))


def _spaced(terminal: str) -> str:
    parts = re.findall(r"\w+|\W+", terminal)
    return r"\s*".join(map(re.escape, parts))
