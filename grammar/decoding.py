"""Masked decoding: network outputs to complete derivations, batched over codes and samples."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from numbers import Real
from typing import Protocol

import numpy as np

from grammar.cfg.grammar import Grammar
from grammar.errors import GrammarError, check_type

_LOWEST = -1e30  # finite, so that an allowed rule always beats a forbidden one at -inf


class DerivationMask(Protocol):
    """A mask of decoding: the rules with which each of n growing derivations may go on."""

    @property
    def top(self) -> np.ndarray:
        """Left-hand side that each derivation expands next [n]; `Nothing` once complete."""
        ...

    def allowed(self) -> np.ndarray:
        """Rules that each derivation may take next, bool [n, R]."""
        ...

    def apply(self, rules: np.ndarray) -> None:
        """Take one allowed rule [n] in each derivation."""
        ...


class StackMask:
    """The mask of a grammar: n leftmost derivations, each with a stack of its open symbols.

    The top of the stack chooses the rules that are allowed (Kusner et al. 2017, Grammar VAE,
    section 3.2). `length_aware` also forbids every rule after which the open symbols could not be
    closed in the steps left, so that every walk is a complete derivation after `steps` rules.
    Raises GrammarError if `steps` fits no string.
    """

    def __init__(self, grammar: Grammar, n: int, steps: int, *, length_aware: bool = True) -> None:
        if length_aware and steps < grammar.min_cost_lhs[0]:
            raise GrammarError(
                f"{steps} steps are too few: the shortest string of the grammar takes "
                f"{grammar.min_cost_lhs[0]} productions"
            )
        self.grammar, self.left, self.length_aware = grammar, steps, length_aware
        self._push, self._growth = _push_tables(grammar)
        width = self._push.shape[1]
        nothing = len(grammar.lhs_names) - 1
        # Slot 0 holds `Nothing`: an empty stack allows padding only, without a special case.
        room = 2 + width + steps * max(1, width - 1)
        self._stack = np.full((n, room), nothing, dtype=np.int16)
        self._stack[:, 1] = 0
        self._depth = np.ones(n, dtype=np.int64)
        self._open_cost = np.full(n, grammar.min_cost_lhs[0])
        self._rows, self._columns = np.arange(n), np.arange(width)

    @property
    def top(self) -> np.ndarray:
        """Left-hand side that each derivation expands next [n]; `Nothing` once complete."""
        return self._stack[self._rows, self._depth]

    def allowed(self) -> np.ndarray:
        """Rules that each derivation may take next, bool [n, R]."""
        grammar, symbol = self.grammar, self.top
        allowed = grammar.masks[symbol]
        if self.length_aware:  # cost of the rule + cost of the symbols below it <= steps left
            rest = self._open_cost - grammar.min_cost_lhs[symbol]
            allowed &= grammar.min_cost_rule <= (self.left - rest)[:, None]
        return allowed

    def apply(self, rules: np.ndarray) -> None:
        """Take one allowed rule [n] in each derivation."""
        grammar = self.grammar
        spent = grammar.min_cost_rule[rules] - 1 - grammar.min_cost_lhs[self.top]
        self._stack[self._rows[:, None], self._depth[:, None] + self._columns] = self._push[rules]
        self._depth += self._growth[rules]
        self._open_cost += spent
        self.left -= 1

    def take(self, rows: np.ndarray) -> StackMask:
        """The derivations `rows` (indices, repeats allowed) as a walk of their own."""
        other = copy(self)
        other._stack, other._depth = self._stack[rows], self._depth[rows]
        other._open_cost, other._rows = self._open_cost[rows], np.arange(len(other._depth))
        return other


def decode_logits(
    logits: np.ndarray,
    grammar: Grammar,
    *,
    temperature: float = 1.0,
    rng: np.random.Generator | None = None,
    walk: Callable[[int, int], DerivationMask] | None = None,
) -> np.ndarray:
    """Rule indices uint8 [N, T] from logits [N, T, R].

    The rules that are allowed at each step are those of `StackMask`, or of the mask that
    `walk(derivations, T)` makes.  Greedy without `rng`, otherwise Gumbel-argmax draws from the
    masked softmax(logits / temperature).  Raises GrammarError for wrong shapes or a T that fits no
    string.
    """
    logits = np.asarray(logits)
    if logits.ndim != 3 or logits.shape[2] != grammar.n_rules:
        raise GrammarError(
            f"logits have shape {logits.shape} but the grammar needs [N, T, {grammar.n_rules}]"
        )
    n, steps, _ = logits.shape
    mask = walk(n, steps) if walk else StackMask(grammar, n, steps)
    rules = np.empty((n, steps), dtype=np.uint8)
    for step in range(steps):
        rules[:, step] = choose(logits[:, step], mask.allowed(), temperature, rng)
        mask.apply(rules[:, step])
    return rules


def choose(
    logits: np.ndarray, allowed: np.ndarray, temperature: float, rng: np.random.Generator | None
) -> np.ndarray:
    """One allowed rule [n] of logits [n, R]: the most likely, or with `rng` a Gumbel-max draw."""
    check_type(temperature, Real, "temperature: give a number greater than 0")
    check_type(rng, (np.random.Generator, type(None)), "rng: give numpy.random.default_rng(seed)")
    if temperature <= 0:
        raise GrammarError(f"temperature is {temperature}: give a number greater than 0")
    scores = np.nan_to_num(logits, nan=_LOWEST, posinf=-_LOWEST, neginf=_LOWEST)
    if rng is not None:
        scores = scores / temperature + rng.gumbel(size=scores.shape)
    return np.where(allowed, scores, -np.inf).argmax(axis=1)


def _push_tables(grammar: Grammar) -> tuple[np.ndarray, np.ndarray]:
    """Symbols that each rule writes from the popped slot upwards [R, m], and the growth [R]."""
    nothing = len(grammar.lhs_names) - 1
    push = np.full(grammar.rhs_nonterminals.shape, nothing, dtype=np.int16)
    for rule, row in enumerate(grammar.rhs_nonterminals):
        names = row[row >= 0][::-1]  # leftmost on top
        push[rule, : len(names)] = names
    growth = (grammar.rhs_nonterminals >= 0).sum(axis=1) - 1
    growth[grammar.padding] = 0
    return push, growth
