"""Random strings: the benchmark family of arithmetic expressions, and any grammar, uniformly.

The published data set (Kusner et al. 2017, Grammar VAE) is not a random sample: it is the first
100,000 strings of an enumeration of `a o a + [a|(a)|f(a)] + [a|(a)|f(a)|(a o a)|f(a o a)]` with a
in x 1 2 3, o in + * / and f in sin exp, so `official_expressions` rebuilds it exactly. The
*benchmark family* frees the two fixed signs: 1,105,920 strings of at most 14 productions.
"""

from __future__ import annotations

from itertools import islice, product

import numpy as np

from grammar.cfg.grammar import Grammar
from grammar.codec import RuleCodec
from grammar.errors import GrammarError
from grammar.sampling.counting import Derivations

_ATOMS = ("x", "1", "2", "3")
_SIGNS = ("+", "*", "/")
_OPENINGS = ("(", "sin(", "exp(")
_WRAPPED = tuple(f"{o}{a})" for o in _OPENINGS for a in _ATOMS)
_PAIRS = tuple(a + sign + b for sign in _SIGNS for a in _ATOMS for b in _ATOMS)
_THIRD = _WRAPPED + _ATOMS
_FOURTH = tuple(f"{o}{inner})" for o in _OPENINGS for inner in _PAIRS + _ATOMS) + _ATOMS
FAMILY = (_PAIRS, _SIGNS, _THIRD, _SIGNS, _FOURTH)
FAMILY_SIZE = int(np.prod([len(part) for part in FAMILY]))
OFFICIAL_SIZE = 100_000


def official_expressions() -> list[str]:
    """The 100,000 published expressions in their order, canonical form."""
    parts = product(_PAIRS, _THIRD, _FOURTH)
    return [f"{a}+{b}+{c}" for a, b, c in islice(parts, OFFICIAL_SIZE)]


def sample_family(n: int, rng: np.random.Generator) -> list[str]:
    """`n` different strings of the benchmark family, each subset equally likely."""
    if not 0 <= n <= FAMILY_SIZE:
        raise GrammarError(f"the benchmark family has {FAMILY_SIZE} strings; {n} cannot be drawn")
    picks = rng.choice(FAMILY_SIZE, size=n, replace=False)
    digits = np.unravel_index(picks, [len(part) for part in FAMILY])
    columns = [[part[i] for i in column] for part, column in zip(FAMILY, digits, strict=True)]
    return list(map("".join, zip(*columns, strict=True)))


def sample_derivations(
    grammar: Grammar, n: int, max_length: int, rng: np.random.Generator
) -> np.ndarray:
    """`n` different derivations, uniform among all of at most `max_length` productions.

    Returns uint8 [n, max_length], padded. Raises GrammarError if there are fewer than `n`.
    """
    space = Derivations(grammar, max_length)
    if n > space.total:
        raise GrammarError(
            f"the grammar has only {space.total} derivations of at most {max_length} productions; "
            f"ask for fewer than {n} or raise the length"
        )
    numbers = _distinct_numbers(n, space.total, rng)
    rules = np.full((n, max_length), grammar.padding, dtype=np.uint8)
    for row, number in zip(rules, numbers, strict=True):
        derivation = space.derivation(number)
        row[: len(derivation)] = np.frombuffer(derivation, np.uint8)
    return rules


def sample_strings(grammar: Grammar, n: int | None, max_length: int, *, seed: int = 0) -> list[str]:
    """`n` strings of `sample_derivations`, different ones if the grammar is unambiguous.

    By default 100,000, or all that there are.
    """
    if n is None:
        n = min(100_000, Derivations(grammar, max_length).total)
    rules = sample_derivations(grammar, n, max_length, np.random.default_rng(seed))
    return [text for text in RuleCodec(grammar, max_length).decode(rules) if text is not None]


def _distinct_numbers(n: int, total: int, rng: np.random.Generator) -> list[int]:
    """`n` different integers below `total`, which may exceed 64 bits."""
    if 2 * n > total:
        return [int(i) for i in rng.permutation(total)[:n]]
    width = (total.bit_length() + 7) // 8 + 8  # 64 spare bits: no visible bias from the modulus
    numbers: dict[int, None] = {}
    while len(numbers) < n:
        numbers[int.from_bytes(rng.bytes(width), "little") % total] = None
    return list(numbers)
