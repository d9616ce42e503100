"""Scalarised objectives and bounds: arithmetic on names of properties, `0.5*qed - 0.1*sa`."""

from __future__ import annotations

import ast
import math
import operator
import sys
from collections.abc import Callable, Mapping
from typing import Any

from gmae_tf.errors import UserError
from molecules.chem.penalized import Mol, Normalisation
from molecules.chem.properties import Property, find

FUNCTIONS: dict[str, Callable[..., float]] = {
    "abs": abs,
    "min": min,
    "max": max,
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "clip": lambda value, low, high: min(max(value, low), high),
    "gauss": lambda value, mean, sd: math.exp(-0.5 * ((value - mean) / sd) ** 2),
}
"""`clip(x, low, high)`; `gauss(x, mean, sd)` is 1 at the mean, a desirability."""
_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
Compiled = Callable[[Mapping[str, float]], Any]
LONGEST = 2000
"""Characters of a formula."""
DEEPEST = 200
"""Operations inside one another."""
LARGEST = sys.float_info.max


def formula(
    text: str, to: str | None = None, normalisation: Normalisation | None = None
) -> Property:
    """The property that arithmetic on properties gives, in one number.

    Numbers, + - * / **, brackets, `FUNCTIONS` and the names that `find` knows are understood.

    Raises
    ------
    UserError: anything else, with its place.

    Examples
    --------
    >>> from molecules.chem.formula import formula
    >>> formula("heavy_atoms - 2 * rings")("c1ccccc1O")
    5.0
    """
    return _property(text, to, normalisation, bound=False)


def terms(text: str) -> list[str]:
    """The summands of a formula, signs included, or of one summand its factors.

    What a scalarisation weighs against each other: the more of each, the better.

    Examples
    --------
    >>> from molecules.chem.formula import terms
    >>> terms("0.5*qed - 0.1*sa + gauss(logp, 2, 1)")
    ['0.5 * qed', '-(0.1 * sa)', 'gauss(logp, 2, 1)']
    >>> terms("qed * similarity")
    ['qed', 'similarity']
    """
    tree = _tree(text)
    found = _split(tree, ast.Add, ast.Sub)
    return [ast.unparse(part) for part in (found if len(found) > 1 else _split(tree, ast.Mult))]


def _split(node: ast.expr, *operations: type[ast.operator]) -> list[ast.expr]:
    if not (isinstance(node, ast.BinOp) and isinstance(node.op, operations)):
        return [node]
    subtracted = isinstance(node.op, ast.Sub)
    right = [ast.UnaryOp(ast.USub(), node.right)] if subtracted else _split(node.right, *operations)
    return [*_split(node.left, *operations), *right]


def bound(text: str, to: str | None = None) -> Property:
    """Comparisons of such arithmetic joined by `and`, `1 <= logp <= 3`: 1 where all hold, else 0.

    Examples
    --------
    >>> from molecules.chem.formula import bound
    >>> bound("2 <= heavy_atoms <= 6")("CCO"), bound("heavy_atoms > 6")("CCO")
    (1.0, 0.0)
    """
    return _property(text, to, None, bound=True)


def _property(
    text: str, to: str | None, normalisation: Normalisation | None, *, bound: bool
) -> Property:
    tree = _tree(text)
    if isinstance(tree, ast.Compare | ast.BoolOp) != bound:
        wanted = "a comparison, such as logp <= 3" if bound else "arithmetic without a comparison"
        raise UserError(f"the formula {text!r} is not {wanted}.")
    parts: dict[str, Property] = {}

    def look_up(name: str) -> None:
        parts.setdefault(name, find(name, to, normalisation))

    value = _compiled(tree, text, look_up)

    def compute(mol: Mol) -> float:
        try:
            return float(value({name: part(mol) for name, part in parts.items()}))
        except (ArithmeticError, ValueError, TypeError) as error:
            raise UserError(f"the formula {text!r} has no value here: {error}.") from error

    return Property(text, "1", True, f"formula of {', '.join(parts) or 'no property'}", compute)


def _tree(text: str) -> ast.expr:
    """The syntax tree of a formula; `UserError` where there is none, or one too large."""
    try:
        if len(text) > LONGEST:
            raise ValueError(f"it is longer than {LONGEST:,} characters")
        tree = ast.parse(text.strip(), mode="eval").body
        if _depth(tree) > DEEPEST:
            raise ValueError(f"more than {DEEPEST} operations stand inside one another")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = getattr(error, "msg", str(error))
        raise UserError(f"the formula {text!r} is not understood: {reason}.") from error
    return tree


def _depth(tree: ast.expr) -> int:
    """Operations inside one another."""
    depth, level = 0, list[ast.AST]([tree])
    while level:
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        depth += 1
    return depth


def _compiled(node: ast.AST, text: str, look_up: Callable[[str], None]) -> Compiled:
    """Values of the properties -> value of a node."""
    match node:
        case ast.Constant(value=bool()):
            pass
        case ast.Constant(value=int() | float() as number) if abs(number) <= LARGEST:
            value = float(number)  # integers would grow without end: 9**9**9
            return lambda values: value
        case ast.Name(id=name):
            look_up(name)
            return lambda values: values[name]
        case ast.UnaryOp(op=op, operand=inner) if type(op) in _OPERATORS:
            return _applied(_OPERATORS[type(op)], [inner], text, look_up)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _applied(_OPERATORS[type(op)], [left, right], text, look_up)
        case ast.Call(func=ast.Name(id=name), args=inner, keywords=[]) if name in FUNCTIONS:
            return _applied(FUNCTIONS[name], inner, text, look_up)
        case ast.BoolOp(op=ast.And(), values=inner) if all(
            isinstance(part, ast.Compare) for part in inner
        ):
            parts = [_compiled(part, text, look_up) for part in inner]
            return lambda values: all(part(values) for part in parts)
        case ast.Compare(left=first, ops=ops, comparators=rest) if all(
            type(op) in _OPERATORS for op in ops
        ):
            tests = [_OPERATORS[type(op)] for op in ops]
            sides = [_compiled(side, text, look_up) for side in (first, *rest)]

            def holds(values: Mapping[str, float]) -> bool:
                found = [side(values) for side in sides]
                pairs = zip(tests, found[:-1], found[1:], strict=True)
                return all(test(a, b) for test, a, b in pairs)

            return holds
    where = ast.get_source_segment(text.strip(), node) if isinstance(node, ast.expr) else None
    raise UserError(
        f"the formula {text!r} is not understood at {where or text!r}: write numbers, names of "
        f"properties, + - * / **, brackets and {', '.join(FUNCTIONS)}."
    )


def _applied(
    function: Callable[..., float],
    inner: list[ast.expr],
    text: str,
    look_up: Callable[[str], None],
) -> Compiled:
    parts = [_compiled(part, text, look_up) for part in inner]
    return lambda values: function(*(part(values) for part in parts))
