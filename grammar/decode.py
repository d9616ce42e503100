"""Network outputs to complete rule sequences: a stack walk batched over codes and samples."""

from __future__ import annotations

import numpy as np

from grammar.cfg import Grammar
from grammar.errors import GrammarError

_LOWEST = -1e30  # finite, so that an allowed rule always beats a forbidden one at -inf


def decode_logits(
    logits: np.ndarray,
    grammar: Grammar,
    *,
    samples: int | None = None,
    temperature: float = 1.0,
    rng: np.random.Generator | None = None,
    length_aware: bool = True,
) -> np.ndarray:
    """Rule indices from logits [N, T, R]: uint8 [N, T], or [S, N, T] for `samples=S`.

    At each step the top of a stack of open non-terminals chooses the rules that are allowed
    (Kusner et al. 2017, Grammar VAE, section 3.2). `length_aware` also forbids every rule after
    which the open symbols could not be closed in the steps left, so every result is a complete
    derivation. Greedy without `samples`; otherwise Gumbel-argmax draws from the masked
    softmax(logits / temperature). Raises GrammarError for wrong shapes or a T that fits no string.
    """
    logits = _checked(logits, grammar, length_aware)
    if samples is None:
        return _walk(logits, grammar, 1, None, length_aware)[0]
    if samples < 1 or temperature <= 0:
        raise GrammarError(f"samples={samples} and temperature={temperature} must be positive")
    if rng is None:
        raise GrammarError("sampling needs a generator; pass rng=numpy.random.default_rng(seed)")
    return _walk(logits / temperature, grammar, samples, rng, length_aware)


def _checked(logits: np.ndarray, grammar: Grammar, length_aware: bool) -> np.ndarray:
    logits = np.asarray(logits)
    if logits.ndim != 3 or logits.shape[2] != grammar.n_rules:
        raise GrammarError(
            f"logits have shape {logits.shape} but the grammar needs [N, T, {grammar.n_rules}]"
        )
    if length_aware and logits.shape[1] < grammar.min_cost_lhs[0]:
        raise GrammarError(
            f"{logits.shape[1]} steps are too few: the shortest string of the grammar takes "
            f"{grammar.min_cost_lhs[0]} productions"
        )
    if not np.issubdtype(logits.dtype, np.floating):
        logits = logits.astype(np.float64)
    return np.nan_to_num(logits, nan=_LOWEST, posinf=-_LOWEST, neginf=_LOWEST)


def _walk(
    logits: np.ndarray,
    grammar: Grammar,
    samples: int,
    rng: np.random.Generator | None,
    length_aware: bool,
) -> np.ndarray:
    codes, steps, _ = logits.shape
    n = samples * codes
    push, growth = _push_tables(grammar)
    width = push.shape[1]
    nothing = len(grammar.lhs_names) - 1
    # Slot 0 holds `Nothing`, so that an empty stack asks for padding without a special case.
    stack = np.full((n, 2 + width + steps * max(1, width - 1)), nothing, dtype=np.int16)
    stack[:, 1] = 0
    top = np.ones(n, dtype=np.int64)
    open_cost = np.full(n, grammar.min_cost_lhs[0])
    rows, columns = np.arange(n), np.arange(width)
    rules = np.empty((n, steps), dtype=np.uint8)
    for step in range(steps):
        symbol = stack[rows, top]
        scores = np.tile(logits[:, step], (samples, 1)) if samples > 1 else logits[:, step]
        if rng is not None:
            scores = scores + rng.gumbel(size=scores.shape)
        allowed = grammar.masks[symbol]
        rest = open_cost - grammar.min_cost_lhs[symbol]
        if length_aware:
            allowed = allowed & (grammar.min_cost_rule <= (steps - step - rest)[:, None])
        rule = np.where(allowed, scores, -np.inf).argmax(axis=1)
        rules[:, step] = rule
        stack[rows[:, None], top[:, None] + columns] = push[rule]
        top += growth[rule]
        open_cost = rest + grammar.min_cost_rule[rule] - 1
    return rules.reshape(samples, codes, steps)


def _push_tables(grammar: Grammar) -> tuple[np.ndarray, np.ndarray]:
    """What each rule writes from the popped slot upwards [R, m], and how the stack grows [R]."""
    nothing = len(grammar.lhs_names) - 1
    push = np.full(grammar.rhs_nonterminals.shape, nothing, dtype=np.int16)
    for rule, row in enumerate(grammar.rhs_nonterminals):
        names = row[row >= 0][::-1]  # leftmost on top
        push[rule, : len(names)] = names
    growth = (grammar.rhs_nonterminals >= 0).sum(axis=1) - 1
    growth[grammar.padding] = 0
    return push, growth
