"""A library of short expressions with their values: what may take the place of a part."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from grammar.expressions.constants import Data
from grammar.expressions.forest import Forest
from grammar.expressions.programs import (
    ABS,
    ADD,
    BINARY,
    COMMUTATIVE,
    CONSTANT,
    COS,
    DIV,
    EXP,
    LOG,
    MUL,
    POWER,
    SIN,
    SQRT,
    SQUARE,
    TANH,
    UNARY,
)

Array = np.ndarray
VALUES = 6_000_000
"""Values, expressions times points, that a library holds at most."""
_TAKEN = 8
"""Library entries of each wanted part that are proposed, at most."""
_BEST = 200
"""Entries of each size, and of all, that are fitted as they are."""
_SCALES = (0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.5, 6.0, 9.0, 14.0, 20.0)


@dataclass(frozen=True)
class Library:
    """Expressions of one program and its constants each, smallest first, and values [K, n].

    No two have the same values up to a + b f.
    """

    programs: list[bytes]
    constants: list[tuple[float, ...]]
    values: Array
    squares: Array
    keys: Array
    """Fingerprints [K] of the values."""

    @classmethod
    def build(
        cls,
        data: Data,
        variables: Sequence[int],
        rng: np.random.Generator,
        functions: Sequence[int] = UNARY,
    ) -> Library:
        """All expressions without constants up to a size, some of the next, and families.

        Those are functions of one variable with a constant on a grid, such as exp(c*x).
        """
        room = max(500, min(25_000, VALUES // len(data.y)))
        programs, constants = _with_constants(data, variables, functions)
        shortest = _enumerate(data, variables, room, rng, [f for f in functions if f != POWER])
        programs = [*shortest, *programs]
        constants = [*[()] * len(shortest), *constants]
        order = sorted(range(len(programs)), key=lambda i: len(programs[i]))
        flat = np.array([c for i in order for c in constants[i]])
        programs = [programs[i] for i in order]
        values = Forest(programs).values(data.x, flat)
        keys = fingerprints(values, data.weights)
        kept = distinct(keys)
        deviations = values[kept] - (values[kept] @ data.weights)[:, None]
        deviations /= np.sqrt(deviations**2 @ data.weights)[:, None]
        narrow = _narrow(deviations)
        return cls(
            [programs[i] for i in kept],
            [constants[order[i]] for i in kept],
            narrow,
            narrow**2,
            keys[kept],
        )

    def best(self, data: Data) -> list[int]:
        """Entries that fit y best by a + b f: of all, and of each size."""
        y = (data.y - data.weights @ data.y) * data.weights
        gain = np.square(self.values @ y.astype(np.float32))
        sizes = np.array([len(program) for program in self.programs])
        found: dict[int, None] = {}
        for part in (np.arange(len(gain)), *(np.flatnonzero(sizes == s) for s in np.unique(sizes))):
            found.update(dict.fromkeys(part[np.argsort(-gain[part])][:_BEST].tolist()))
        return sorted(found)

    def nearest(self, wanted: Array, weights: Array) -> list[list[int]]:
        """Entries that fit each wanted part [B, n] best by a + b f, weighted [B, n] (sums of 1).

        For each part a few, each better than all smaller ones among them.
        """
        w, h = _narrow(weights), _narrow(wanted)
        mean = (w * h).sum(axis=1)
        first = self.values @ w.T
        with np.errstate(all="ignore"):
            along = self.values @ (w * (h - mean[:, None])).T
            spread = self.squares @ w.T - first**2
            gain = np.where(spread > 1e-6, along**2 / spread, 0.0)
        found = []
        for column in np.nan_to_num(gain).T:
            top = np.argpartition(-column, min(3 * _TAKEN, len(column) - 1))[: 3 * _TAKEN]
            best = top[np.argsort(-column[top])][: _TAKEN // 2]
            record = np.maximum.accumulate(column)  # smaller entries come first
            rising = np.flatnonzero(np.diff(record, prepend=-1.0) > 0)[-_TAKEN // 2 :]
            found.append(list(dict.fromkeys([*best.tolist(), *rising.tolist()])))
        return found


def _narrow(values: Array) -> Array:
    """As float32, in which a square is still finite."""
    return np.clip(values, -1e15, 1e15).astype(np.float32)


def fingerprints(values: Array, weights: Array) -> Array:
    """Keys int64 [N] that are equal for values [N, n] equal up to a + b f; 0 for undefined ones.

    Projections of standardised values, rounded.
    """
    with np.errstate(all="ignore"):
        mean = values @ weights
        centred = values - mean[:, None]
        norm = np.sqrt(centred**2 @ weights)
        defined = np.isfinite(norm) & (norm > 1e-7 * np.abs(mean)) & (norm > 1e-12)
        rng = np.random.default_rng(7)
        vectors = rng.normal(size=(values.shape[1], 3)) * np.sqrt(weights)[:, None]
        seen = np.where(defined[:, None], centred, 0.0) * np.sqrt(weights) @ vectors
        seen /= np.where(defined, norm, 1.0)[:, None]
    seen *= np.sign(seen[:, :1])
    digits = np.rint(seen * 1e6).astype(np.int64)
    keys = digits[:, 0] * 1_000_003 + digits[:, 1] * 7_919 + digits[:, 2] + 1
    return np.where(defined, np.where(keys == 0, 1, keys), 0)


def distinct(keys: Array) -> Array:
    """Rows whose key is not 0 and differs from those of all rows before."""
    _, first = np.unique(keys, return_index=True)
    return np.sort(first[keys[first] != 0])


def _enumerate(
    data: Data,
    variables: Sequence[int],
    room: int,
    rng: np.random.Generator,
    functions: Sequence[int],
) -> list[bytes]:
    """Programs without constants by size, one for each function, at most `room`."""
    levels: list[list[bytes]] = [[], [bytes([v]) for v in variables]]
    seen = set(fingerprints(Forest(levels[1]).values(data.x, np.zeros(0)), data.weights).tolist())
    total = len(levels[1])
    for size in range(2, 8):
        fresh: list[bytes] = [
            bytes([rule]) + part for rule in functions for part in levels[size - 1]
        ]
        for first in range(1, size - 1):
            for rule in BINARY:
                if rule in COMMUTATIVE and first > size - 1 - first:
                    continue
                pairs = _pairs(levels[first], levels[size - 1 - first], room, rng)
                fresh.extend(bytes([rule]) + a + b for a, b in pairs)
        if len(fresh) > 2 * (room - total):
            picked = rng.permutation(len(fresh))[: 2 * (room - total)]
            fresh = [fresh[i] for i in picked]
        levels.append([])
        for begin in range(0, len(fresh), 2000):
            some = fresh[begin : begin + 2000]
            keys = fingerprints(Forest(some).values(data.x, np.zeros(0)), data.weights)
            for program, key in zip(some, keys.tolist(), strict=True):
                if key and key not in seen:
                    seen.add(key)
                    levels[size].append(program)
        total += len(levels[size])
        if total >= room or not levels[size]:
            break
    return [program for level in levels for program in level][:room]


def _pairs(
    ones: list[bytes], others: list[bytes], most: int, rng: np.random.Generator
) -> Iterable[tuple[bytes, bytes]]:
    """All pairs, or `most` random ones of very many."""
    if len(ones) * len(others) <= 2 * most:
        return product(ones, others)
    first, second = rng.integers(len(ones), size=most), rng.integers(len(others), size=most)
    return [(ones[i], others[j]) for i, j in zip(first, second, strict=True)]


def _with_constants(
    data: Data, variables: Sequence[int], functions: Sequence[int]
) -> tuple[list[bytes], list[tuple[float, ...]]]:
    """Families of one variable with a constant on a grid: exp(c*x), sin(c*x), 1/(c+x), x**c, ..."""
    programs: list[bytes] = []
    constants: list[tuple[float, ...]] = []
    c = bytes([CONSTANT])
    for number, variable in enumerate(variables):
        x = bytes([variable])
        column = data.x[:, number]
        size = float(np.sqrt(column**2 @ data.weights)) or 1.0
        middle = float(column @ data.weights)
        width = float(np.sqrt((column - middle) ** 2 @ data.weights)) or 1.0
        for scale in _SCALES:
            for sign in (1.0, -1.0):
                for rule in (EXP, SIN, COS, TANH):
                    if rule in functions and (sign > 0 or rule == EXP):
                        programs.append(bytes([rule, MUL]) + c + x)
                        constants.append((sign * scale / width,))
                if SQUARE in functions and EXP in functions and sign < 0:
                    programs.append(bytes([EXP, MUL]) + c + bytes([SQUARE]) + x)
                    constants.append((-scale / size**2,))
                shift = sign * scale * size
                programs.append(bytes([DIV, CONSTANT, ADD]) + c + x)
                constants.append((1.0, shift))
                for rule in (LOG, SQRT, ABS, SQUARE):
                    if rule in functions:
                        programs.append(bytes([rule, ADD]) + c + x)
                        constants.append((shift,))
        if POWER in functions:
            for power in (-2.5, -1.5, -0.75, -0.25, 0.25, 0.75, 1.25, 1.5, 2.5, 3.5):
                programs.append(bytes([POWER]) + x)
                constants.append((power,))
    return programs, constants
