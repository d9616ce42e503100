"""Values and derivatives of many programs at once: a forest of nodes, vectorised by rule.

All nodes of all programs lie in one array, sorted by height and rule, so each kind of operation is
a few NumPy calls for the whole batch.  Derivatives with respect to constants come from a reverse
sweep (adjoints) over the same order, through the nodes that depend on constants alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

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
    VARIABLES,
)

Array = np.ndarray
Unary = Callable[[Array], Array]
Slope = Callable[[Array, Array], Array]

_UNARY: dict[int, tuple[Unary, Slope]] = {
    SQUARE: (np.square, lambda x, v: 2.0 * x),
    CUBE: (lambda x: x * x * x, lambda x, v: 3.0 * x * x),
    EXP: (np.exp, lambda x, v: v),
    LOG: (np.log, lambda x, v: 1.0 / x),
    SQRT: (np.sqrt, lambda x, v: 0.5 / v),
    ABS: (np.abs, lambda x, v: np.sign(x)),
    SIN: (np.sin, lambda x, v: np.cos(x)),
    COS: (np.cos, lambda x, v: -np.sin(x)),
    TANH: (np.tanh, lambda x, v: 1.0 - v * v),
}
"""Value of a rule, and its derivative from operand and value."""
_BINARY: dict[int, Callable[..., Array]] = {
    ADD: np.add,
    SUB: np.subtract,
    MUL: np.multiply,
    DIV: np.true_divide,
}
_PAD = len(ARITY) - 1
_ARITY = np.array([*ARITY[:-1], -1], dtype=np.int64)
_VARIABLE = np.isin(np.arange(len(ARITY)), VARIABLES)
_OWN = np.isin(np.arange(len(ARITY)), (CONSTANT, POWER))


@dataclass(frozen=True)
class _Group:
    """Nodes of one rule and height, rows start to stop; which operands depend on constants."""

    rule: int
    start: int
    stop: int
    left: Array
    right: Array
    own: Array
    left_active: bool
    right_active: bool


class Forest:
    """Programs ready to be evaluated: N programs, C constants in all, listed by program.

    Examples
    --------
    >>> import numpy as np
    >>> from grammar.expressions.programs import parse
    >>> forest = Forest([parse("(c*x1)"), parse("(x1**2)")])
    >>> forest.values(np.array([[1.0], [3.0]]), np.array([0.5]))
    array([[0.5, 1.5],
           [1. , 9. ]])
    """

    def __init__(self, programs: Sequence[bytes]) -> None:
        self.n = len(programs)
        width = max(map(len, programs), default=1)
        joined = b"".join([program.ljust(width, bytes([_PAD])) for program in programs])
        rules = np.frombuffer(joined, np.uint8).reshape(self.n, width).astype(np.int64)
        left, right, height, active = self._link(rules)
        own = np.full(rules.shape, -1, dtype=np.int64)
        has = _OWN[rules]
        own[has] = np.arange(int(has.sum()))
        self.program, slots = np.nonzero(has)
        """Program of each constant [C]."""
        self.counts = has.sum(axis=1)
        """Constants of each program [N]."""
        self.slot = (np.cumsum(has, axis=1) - 1)[self.program, slots]
        """Number of each constant within its program [C]."""
        self._number(rules, left, right, height, active, own)

    def _link(self, rules: Array) -> tuple[Array, Array, Array, Array]:
        """Operands, heights and whether nodes depend on constants, each [N, T], right to left."""
        n, width = rules.shape
        rows, stack, top = np.arange(n), np.zeros((n, width + 2), np.int64), np.zeros(n, np.int64)
        left, right = np.full(rules.shape, -1), np.full(rules.shape, -1)
        height, active = np.zeros(rules.shape, np.int64), _OWN[rules]
        for t in range(width - 1, -1, -1):
            arity = _ARITY[rules[:, t]]
            for operands, linked in ((1, left), (2, right)):
                some = rows[arity >= operands]
                child = stack[some, top[some] - operands]
                linked[some, t] = child
                height[some, t] = np.maximum(height[some, t], height[some, child] + 1)
                active[some, t] |= active[some, child]
            real = arity >= 0
            top -= np.where(real, arity, 0)
            stack[rows[real], top[real]] = t
            top += real
        return left, right, height, active

    def _number(
        self, rules: Array, left: Array, right: Array, height: Array, active: Array, own: Array
    ) -> None:
        """Give every node a row: the variables' first, then the others by height and rule."""
        variables = len(VARIABLES)
        number = np.where(_VARIABLE[rules], rules - VARIABLES[0], -1)
        rows, places = np.nonzero((rules != _PAD) & ~_VARIABLE[rules])

        def of(linked: Array, what: Array) -> Array:
            child = linked[rows, places]
            return np.where(child >= 0, what[rows, np.maximum(child, 0)], 0)

        key = (height[rows, places] * 32 + rules[rows, places]) * 4
        key += 2 * of(left, active) + of(right, active)
        order = np.argsort(key, kind="stable")
        rows, places, key = rows[order], places[order], key[order]
        number[rows, places] = variables + np.arange(len(rows))
        lefts, rights = of(left, number), of(right, number)
        self._size = variables + len(rows)
        self._root = number[np.arange(self.n), 0]
        self._leaves = np.empty(len(self.program), np.int64)
        owned = own[rows, places]
        self._leaves[owned[owned >= 0]] = variables + np.flatnonzero(owned >= 0)
        cuts = [0, *(np.flatnonzero(np.diff(key)) + 1), len(key)] if len(key) else []
        self._groups = [
            _Group(
                int(key[a] // 4 % 32),
                variables + a,
                variables + b,
                lefts[a:b],
                rights[a:b],
                owned[a:b],
                bool(key[a] & 2),
                bool(key[a] & 1),
            )
            for a, b in pairwise(cuts)
        ]

    def values(self, x: Array, constants: Array) -> Array:
        """Values [N, n] at rows x [n, d] with constants [C]; not finite where undefined."""
        return self.nodes(x, constants)[self._root]

    def nodes(self, x: Array, constants: Array) -> Array:
        """Values of all nodes [nodes, n], for `derivatives`."""
        v = np.empty((self._size, len(x)))
        v[: x.shape[1]] = x.T
        with np.errstate(all="ignore"):
            for g in self._groups:
                out = v[g.start : g.stop]
                if g.rule == CONSTANT:
                    out[:] = constants[g.own, None]
                elif g.rule == POWER:
                    np.power(v[g.left], constants[g.own, None], out=out)
                elif g.rule in _BINARY:
                    _BINARY[g.rule](v[g.left], v[g.right], out=out)
                else:
                    out[:] = _UNARY[g.rule][0](v[g.left])
        return v

    def roots(self, nodes: Array) -> Array:
        """Values of the programs [N, n] of those of all nodes."""
        return nodes[self._root]

    def derivatives(self, v: Array, constants: Array) -> Array:
        """Derivatives [C, n] of each constant's program with respect to it, at nodes' values v."""
        a = np.empty_like(v)
        a[self._root] = 1.0
        found = np.empty((len(self.program), v.shape[1]))
        with np.errstate(all="ignore"):
            for g in reversed(self._groups):
                above = a[g.start : g.stop]
                if g.rule == CONSTANT:
                    found[g.own] = above
                    continue
                if g.rule == POWER:
                    base, own = v[g.left], v[g.start : g.stop]
                    found[g.own] = above * own * np.log(base)
                    if g.left_active:
                        a[g.left] = above * constants[g.own, None] * own / base
                    continue
                if g.left_active:
                    a[g.left] = self._to_left(g, v, above)
                if g.right_active:
                    a[g.right] = self._to_right(g, v, above)
        return found

    def _to_left(self, g: _Group, v: Array, above: Array) -> Array:
        if g.rule in (ADD, SUB):
            return above
        if g.rule == MUL:
            return above * v[g.right]
        if g.rule == DIV:
            return above / v[g.right]
        return above * _UNARY[g.rule][1](v[g.left], v[g.start : g.stop])

    def _to_right(self, g: _Group, v: Array, above: Array) -> Array:
        if g.rule == ADD:
            return above
        if g.rule == SUB:
            return -above
        if g.rule == MUL:
            return above * v[g.left]
        return -above * v[g.start : g.stop] / v[g.right]


def part_values(program: bytes, constants: Sequence[float], x: Array) -> list[Array]:
    """Values [n] of every part of one program, by the place where it starts."""
    values = list(constants)
    found: list[Array] = [x[:, 0]] * len(program)
    waiting: list[Array] = []
    with np.errstate(all="ignore"):
        for place in reversed(range(len(program))):
            rule = program[place]
            if rule == CONSTANT:
                value = np.full(len(x), values.pop())
            elif rule == POWER:
                value = np.power(waiting.pop(), values.pop())
            elif rule in _BINARY:
                value = _BINARY[rule](waiting.pop(), waiting.pop())
            elif rule in _UNARY:
                value = _UNARY[rule][0](waiting.pop())
            else:
                value = x[:, VARIABLES.index(rule)]
            waiting.append(value)
            found[place] = value
    return found
