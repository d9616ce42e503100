"""Semantic backpropagation: what a part of an expression would have to be, and what comes near.

From the root downwards each operation is inverted, so that the values a part would need for the
whole to equal y are known at every row, with the weight that an error there has in the whole
(Pawlak, Wieloch & Krawiec 2015).  A library of expressions is then searched for the ones that come
nearest to them up to a + b g, which is one matrix product for all entries and many parts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bayesopt.regression.archive import Candidate, Fitted
from bayesopt.regression.library import Library
from bayesopt.regression.variation import replaced
from grammar.expressions.constants import Data
from grammar.expressions.forest import part_values
from grammar.expressions.programs import (
    ABS,
    ADD,
    ARITY,
    CONSTANT,
    COS,
    CUBE,
    DIV,
    EXP,
    LOG,
    MUL,
    POWER,
    SIN,
    SQRT,
    SQUARE,
    SUB,
    TANH,
    constant_places,
    ends,
)

Array = np.ndarray
SOURCE = "insertion"
_LEAST = 0.7
"""Share of the weight of the data at which a wanted value must exist."""
_MODES = ("replace", "add", "multiply", "divide")
_PREFIX = {
    "add": bytes([ADD]),
    "multiply": bytes([MUL]),
    "divide": bytes([DIV]),
}


def insertions(
    parents: Sequence[Fitted], library: Library, data: Data, rng: np.random.Generator
) -> list[Candidate]:
    """A part of each parent replaced, or joined by +, * or /, with what comes nearest to y."""
    contexts = []
    for parent in parents:
        place = int(rng.integers(len(parent.program)))
        mode = _MODES[int(rng.integers(len(_MODES)))]
        with np.errstate(all="ignore"):
            values = part_values(parent.program, parent.constants, data.x)
            wanted, weight = wanted_values(parent, place, data, values)
            wanted, weight = _hole(mode, wanted, weight, values[place])
            usable = np.isfinite(wanted) & np.isfinite(weight) & (np.abs(wanted) < 1e12)
        if (data.weights * usable).sum() < _LEAST:
            continue
        weight = np.where(usable, weight, 0.0)
        weight = np.minimum(weight, 1e3 * float(np.median(weight[usable])) + 1e-300)
        if weight.sum() > 0:
            contexts.append((parent, place, mode, np.where(usable, wanted, 0.0), weight))
    if not contexts:
        return []
    wanted = np.array([c[3] for c in contexts])
    weights = np.array([c[4] for c in contexts])
    weights /= weights.sum(axis=1, keepdims=True)
    scale = np.sqrt((wanted**2 * weights).sum(axis=1, keepdims=True)) + 1e-300
    found = []
    for (parent, place, mode, _, _), entries, h, w in zip(
        contexts, library.nearest(wanted / scale, weights), wanted, weights, strict=True
    ):
        for entry in entries:
            found.extend(_offspring(parent, place, mode, library, entry, h, w))
    return found


def _offspring(
    parent: Fitted, place: int, mode: str, library: Library, entry: int, h: Array, w: Array
) -> list[Candidate]:
    """The parent with a + b g in the hole, and with b g alone."""
    g = library.values[entry].astype(np.float64)
    mean_g, mean_h = w @ g, w @ h
    spread = w @ (g - mean_g) ** 2
    if not spread > 0:
        return []
    b = float(w @ ((g - mean_g) * (h - mean_h)) / spread)
    a = float(mean_h - b * mean_g)
    own = library.constants[entry]
    scaled = bytes([MUL, CONSTANT]) + library.programs[entry]
    parts = [(bytes([ADD, CONSTANT]) + scaled, (a, b, *own)), (scaled, (b, *own))]
    first = ends(parent.program)[place]
    old = parent.program[place:first]
    before = len(constant_places(parent.program[:place]))
    within = len(constant_places(old))
    own_constants = parent.constants[before : before + within]
    found = []
    for program, constants in parts:
        if mode != "replace":
            program = _PREFIX[mode] + old + program
            constants = (*own_constants, *constants)
        made = replaced(parent.program, parent.constants, place, program, constants)
        found.append(Candidate(*made, SOURCE))
    return found


def _hole(mode: str, h: Array, w: Array, current: Array) -> tuple[Array, Array]:
    """What g must be where the part becomes current + g, current * g or current / g."""
    if mode == "add":
        return h - current, w
    if mode == "multiply":
        return h / current, w * current**2
    if mode == "divide":
        g = current / h
        return g, w * (current / g**2) ** 2
    return h, w


def wanted_values(
    parent: Fitted, place: int, data: Data, values: Sequence[Array]
) -> tuple[Array, Array]:
    """Values [n] that the part at `place` needs for the whole to equal y, and their weights [n].

    NaN where there are none.  `values` are those of all parts (`part_values`).
    """
    program, stops = parent.program, ends(parent.program)
    h = (data.y - parent.intercept) / (parent.slope or 1.0)
    w = data.weights.copy()
    here = 0
    while here != place:
        rule, first = program[here], here + 1
        if ARITY[rule] == 1:
            power = parent.constants[len(constant_places(program[:here]))] if rule == POWER else 0.0
            h, w = _invert_unary(rule, power, h, w, values[first])
            here = first
        else:
            second = stops[first]
            left = place < second
            h, w = _invert_binary(rule, left, h, w, values[second if left else first])
            here = first if left else second
    return h, w


def _invert_unary(rule: int, power: float, t: Array, w: Array, x: Array) -> tuple[Array, Array]:
    if rule == SQUARE:
        h = np.sqrt(np.maximum(t, 0.0)) * np.where(x < 0, -1.0, 1.0)
        return h, w * 4 * h**2
    if rule == CUBE:
        h = np.cbrt(t)
        return h, w * 9 * h**4
    if rule == POWER:
        h = np.where(t > 0, t, np.nan) ** (1.0 / power)
        return h, w * (power * h ** (power - 1)) ** 2
    if rule == EXP:
        return np.log(np.where(t > 0, t, np.nan)), w * t**2
    if rule == LOG:
        h = np.exp(np.minimum(t, 300.0))
        return h, w / h**2
    if rule == SQRT:
        h = np.where(t > 0, t, 0.0) ** 2
        return h, w / (4 * h)
    if rule == ABS:
        return np.abs(t) * np.where(x < 0, -1.0, 1.0), w
    if rule == SIN:
        return _nearest_angle(t, x), w * (1.001 - np.clip(t, -1, 1) ** 2)
    if rule == COS:
        quarter = 0.5 * np.pi
        return _nearest_angle(t, x + quarter) - quarter, w * (1.001 - np.clip(t, -1, 1) ** 2)
    assert rule == TANH
    inside = np.clip(t, -0.9999, 0.9999)
    return np.arctanh(inside), w * (1 - inside**2) ** 2


def _nearest_angle(sine: Array, x: Array) -> Array:
    """Angles of given sines on the branches of the angles x."""
    angle, turn = np.arcsin(np.clip(sine, -1, 1)), np.rint(x / np.pi)
    near: Array = turn * np.pi + np.where(turn % 2 == 0, angle, -angle)
    return near


def _invert_binary(rule: int, left: bool, t: Array, w: Array, other: Array) -> tuple[Array, Array]:
    if rule == ADD:
        return t - other, w
    if rule == SUB:
        return (t + other if left else other - t), w
    if rule == MUL:
        return t / other, w * other**2
    if left:
        return t * other, w / other**2
    return other / t, w * (t**2 / other) ** 2
