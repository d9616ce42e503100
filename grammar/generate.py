"""Random strings: the benchmark family of arithmetic expressions, and any grammar, uniformly.

The published data set (Kusner et al. 2017, Grammar VAE) is not random: it is the first 100,000 of the
enumeration of `a o a + [a|(a)|f(a)] + [a|(a)|f(a)|(a o a)|f(a o a)]` with a in x 1 2 3, o in + * / and
f in sin exp, so that `official_expressions` rebuilds it to the byte. The *benchmark family* frees the
two fixed signs: 1,105,920 strings of at most 14 productions.
"""

from __future__ import annotations

from itertools import islice, product

import numpy as np

from grammar.cfg import Grammar
from grammar.errors import GrammarError

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
