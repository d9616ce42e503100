"""Normal forms of programs: constants folded, operands in order, what the scaling makes idle gone.

An expression f stands for all a + b f, so a constant that only scales or shifts the output is left
out.  Rewriting keeps the set of functions that a program can be fitted to.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from grammar.expressions.programs import (
    ABS,
    ADD,
    ARITY,
    BINARY,
    COMMUTATIVE,
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
)

_FUNCTIONS = {
    SQUARE: lambda x: x * x,
    CUBE: lambda x: x * x * x,
    EXP: math.exp,
    LOG: math.log,
    SQRT: math.sqrt,
    ABS: abs,
    SIN: math.sin,
    COS: math.cos,
    TANH: math.tanh,
}
_SIGNED = (SQUARE, CUBE, ABS)
"""Functions out of which a factor of either sign can be taken."""
_POSITIVE = (SQRT, POWER)
"""Those out of which only a positive factor can be taken."""
_POWERS = {0.5: SQRT, 1.0: POWER, 2.0: SQUARE, 3.0: CUBE}
_NEUTRAL = {ADD: 0.0, SUB: 0.0, MUL: 1.0, DIV: 1.0}
_PLAIN, _SHIFT, _SCALE, _SCALE_POSITIVE, _AFFINE = range(5)
"""What does not matter where a node stands: nothing, an added constant, a factor, both."""


class Node(NamedTuple):
    """A subtree: its rule, its constant (of `c` and powers), its operands, its bytes."""

    rule: int
    value: float
    parts: tuple[Node, ...]
    code: bytes


class NoValueError(ArithmeticError):
    """A constant part has no finite value."""


def normal_form(
    program: bytes, constants: Sequence[float], *, scaled: bool = True
) -> tuple[bytes, list[float]] | None:
    """A shorter or equal program of the same functions, with its constants; None if undefined.

    With `scaled`, of the same functions up to a + b f.

    >>> from grammar.expressions.programs import parse, write
    >>> program, constants = normal_form(parse("(c+(c*(x1+(x2/c))))"), [1.0, 3.0, 2.0])
    >>> write(program), constants
    ('(x1+(c*x2))', [0.5])
    """
    values = list(constants)
    waiting: list[Node] = []
    try:
        for rule in reversed(program):
            parts = tuple(waiting.pop() for _ in range(ARITY[rule]))
            own = values.pop() if rule in (CONSTANT, POWER) else math.nan
            waiting.append(_make(rule, own, parts))
        node = waiting.pop()
        if scaled:
            node = _free(node, _AFFINE)
    except (ArithmeticError, ValueError):
        return None
    found: list[float] = []
    _collect(node, found)
    return node.code, found


def tidy(program: bytes, constants: Sequence[float]) -> tuple[bytes, list[float]]:
    """The same function in normal form, without + 0, * 1 and powers that have a rule of their own.

    >>> from grammar.expressions.programs import parse, write
    >>> write(*tidy(parse("(c+(c*(x1**c)))"), [0.0, 1.0, 2.0])[:1])
    '(x1**2)'
    """
    values = list(constants)
    waiting: list[Node] = []
    for rule in reversed(program):
        parts = tuple(waiting.pop() for _ in range(ARITY[rule]))
        own = values.pop() if rule in (CONSTANT, POWER) else math.nan
        if rule == POWER and own in _POWERS:
            waiting.append(parts[0] if own == 1 else _make(_POWERS[own], math.nan, parts))
        elif rule in _NEUTRAL and parts[1].value == _NEUTRAL[rule]:
            waiting.append(parts[0])
        elif rule in COMMUTATIVE and parts[0].value == _NEUTRAL[rule]:
            waiting.append(parts[1])
        else:
            waiting.append(_make(rule, own, parts))
    found: list[float] = []
    _collect(waiting[0], found)
    return waiting[0].code, found


def _collect(node: Node, found: list[float]) -> None:
    if node.rule in (CONSTANT, POWER):
        found.append(node.value)
    for part in node.parts:
        _collect(part, found)


def _number(value: float) -> Node:
    if not math.isfinite(value):
        raise NoValueError
    return Node(CONSTANT, value, (), bytes([CONSTANT]))


def _make(rule: int, value: float, parts: tuple[Node, ...]) -> Node:
    """A node, rewritten if one of the rules below applies; its operands are in normal form."""
    if rule == CONSTANT:
        return _number(value)
    if len(parts) == 2:
        return _binary(rule, *parts)
    if parts:
        return _unary(rule, value, parts[0])
    return Node(rule, value, (), bytes([rule]))


def _unary(rule: int, value: float, part: Node) -> Node:
    if part.rule == CONSTANT:
        x = part.value
        if rule == POWER:
            if x <= 0:
                raise NoValueError
            return _number(x**value)
        return _number(_FUNCTIONS[rule](x))
    if (rule, part.rule) in ((EXP, LOG), (LOG, EXP)):
        return part.parts[0]
    if (rule, part.rule) == (SQUARE, SQRT):
        return part.parts[0]
    if rule == ABS and part.rule in (SQUARE, SQRT, ABS, EXP):
        return part
    if part.rule == ABS and rule in (SQUARE, COS):
        return _unary(rule, math.nan, part.parts[0])
    if (rule, part.rule) == (SQRT, SQUARE):
        return _unary(ABS, math.nan, part.parts[0])
    if (rule, part.rule) == (POWER, POWER):
        return _unary(POWER, value * part.value, part.parts[0])
    if (rule, part.rule) == (POWER, EXP):
        return _unary(EXP, math.nan, _binary(MUL, _number(value), part.parts[0]))
    return Node(rule, value, (part,), bytes([rule]) + part.code)


def _binary(rule: int, a: Node, b: Node) -> Node:
    if a.rule == CONSTANT and b.rule == CONSTANT:
        return _number(_calculate(rule, a.value, b.value))
    if b.rule == CONSTANT and rule == SUB:
        return _binary(ADD, b._replace(value=-b.value), a)
    if b.rule == CONSTANT and rule == DIV:
        return _binary(MUL, b._replace(value=1.0 / b.value), a)
    if rule in (SUB, DIV) and a.code == b.code and CONSTANT not in a.code and POWER not in a.code:
        return _number(0.0 if rule == SUB else 1.0)
    if rule == SUB and b.rule == MUL and _negative(b):
        return _binary(ADD, a, _opposite(b))
    if rule == ADD and b.rule == MUL and _negative(b) and a.rule != CONSTANT:
        return _binary(SUB, a, _opposite(b))
    if rule == ADD and a.rule == MUL and _negative(a) and b.rule != CONSTANT:
        return _binary(SUB, b, _opposite(a))
    if rule in COMMUTATIVE:
        if (len(b.code), b.code) < (len(a.code), a.code) or b.rule == CONSTANT:
            a, b = b, a
        if a.rule != CONSTANT and b.rule == CONSTANT:
            a, b = b, a
        if rule == MUL and a.code == b.code and _fixed(a):
            return _unary(SQUARE, math.nan, a)
        if a.rule == CONSTANT and b.rule == rule and b.parts[0].rule == CONSTANT:
            merged = _calculate(rule, a.value, b.parts[0].value)
            return _binary(rule, _number(merged), b.parts[1])
        if a.rule == CONSTANT and rule == ADD and b.rule == SUB and b.parts[0].rule == CONSTANT:
            return _binary(SUB, _number(a.value + b.parts[0].value), b.parts[1])
        if a.rule == CONSTANT and rule == MUL and b.rule == DIV and b.parts[0].rule == CONSTANT:
            return _binary(DIV, _number(a.value * b.parts[0].value), b.parts[1])
    return Node(rule, math.nan, (a, b), bytes([rule]) + a.code + b.code)


def _negative(product: Node) -> bool:
    """Whether a product has a negative constant as a factor."""
    return product.parts[0].rule == CONSTANT and product.parts[0].value < 0


def _opposite(product: Node) -> Node:
    first, second = product.parts
    return _binary(MUL, _number(-first.value), second)


def _fixed(node: Node) -> bool:
    return CONSTANT not in node.code and POWER not in node.code


def _calculate(rule: int, a: float, b: float) -> float:
    if rule == ADD:
        return a + b
    if rule == SUB:
        return a - b
    return a * b if rule == MUL else a / b


def _free(node: Node, idle: int) -> Node:
    """The node without constants that do not matter where it stands."""
    rule, parts = node.rule, node.parts
    shift, scale = idle in (_SHIFT, _AFFINE), idle in (_SCALE, _SCALE_POSITIVE, _AFFINE)
    if rule in BINARY:
        a, b = parts
        if a.rule == CONSTANT:
            if shift and rule == ADD:
                return _free(b, idle)
            if idle == _AFFINE and rule == SUB:
                return _free(b, idle)
            if scale and rule == MUL and (a.value > 0 or idle != _SCALE_POSITIVE) and a.value:
                return _free(b, idle)
            if scale and rule == DIV and a.value and idle != _SCALE_POSITIVE:
                one = _number(1.0)
                return _again(node, (one, _free(b, _SCALE)))
        if scale and rule in (ADD, SUB) and _factor(b) and (_factor(a) or a.rule == CONSTANT):
            return _with_one_factor_less(node, idle)
        if scale and rule in (MUL, DIV):
            inner = _SCALE if idle == _AFFINE else idle
            return _again(node, (_free(a, inner), _free(b, inner)))
        return node
    if rule == EXP and scale:
        return _again(node, (_free(parts[0], _SHIFT),))
    if rule == LOG and shift:
        return _again(node, (_free(parts[0], _SCALE_POSITIVE),))
    if scale and rule in _SIGNED:
        return _again(node, (_free(parts[0], _SCALE),))
    if scale and rule in _POSITIVE:
        return _again(node, (_free(parts[0], _SCALE_POSITIVE),))
    return node


def _factor(node: Node) -> float:
    """The constant of a product with one, else 0."""
    if node.rule == MUL and node.parts[0].rule == CONSTANT:
        return node.parts[0].value
    return 0.0


def _with_one_factor_less(node: Node, idle: int) -> Node:
    """c1 A + c2 B, or c1 + c2 B, divided by the constant c2 where a factor does not matter."""
    a, b = node.parts
    by = _factor(b)
    if by < 0 and idle == _SCALE_POSITIVE:
        return node
    if a.rule == CONSTANT:
        return _binary(node.rule, _number(a.value / by), b.parts[1])
    return _binary(node.rule, _binary(MUL, _number(_factor(a) / by), a.parts[1]), b.parts[1])


def _again(node: Node, parts: tuple[Node, ...]) -> Node:
    """The node with other operands, in normal form."""
    if all(a is b for a, b in zip(parts, node.parts, strict=True)):
        return node
    made = _make(node.rule, node.value, parts)
    return made
