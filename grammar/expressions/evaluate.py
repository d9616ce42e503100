"""Values and scores of expressions in x, vectorised and without eval; the benchmark's target.

A string is scored by the ordinary precedence of its operators, as its reader would, not by the
derivation tree (the benchmark grammar has no precedence).
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from grammar.errors import GrammarError, ParseError

Values = np.ndarray | np.float64
CLIP = 1000.0
"""Largest squared error that a single point may contribute."""
WORST_SCORE = math.log(1.0 + CLIP)
TARGET_X = np.linspace(-10.0, 10.0, 1000)
TARGET_X.setflags(write=False)
_HUGE = 1e6
_PROBES = 3.0 * np.sin(2.3 * np.arange(1, 17))
"""Points where expressions are compared; of no target, and small, for exp grows."""

FUNCTIONS: dict[str, Callable[..., Values]] = {
    name: getattr(np, name) for name in ("sin", "cos", "tan", "exp", "log", "sqrt", "tanh", "abs")
}
CONSTANTS = {"pi": math.pi, "e": math.e}
_BINARY: dict[type[ast.operator], Callable[..., Values]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.true_divide,
    ast.Pow: np.power,
}
_UNARY: dict[type[ast.unaryop], Callable[..., Values]] = {
    ast.USub: np.negative,
    ast.UAdd: np.positive,
}
_SHAPE = re.compile(
    r"(?:\s*(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.])|[A-Za-z_]\w*|[-+*/()]))*\s*", re.ASCII
)


def target(x: np.ndarray) -> np.ndarray:
    """The benchmark's hidden function 1/3 + x + sin(x * x) (Kusner et al. 2017, section 4.2)."""
    return 1.0 / 3.0 + x + np.sin(x * x)


def evaluate(expression: str, x: np.ndarray) -> np.ndarray:
    """Values float64 [n] of `expression` at the points x [n]; inf or nan where it is undefined.

    Numbers, x, pi, e, + - * / **, brackets and the functions of FUNCTIONS are understood; constants
    are broadcast. Raises ParseError with a caret under anything else.
    """
    x = np.asarray(x, dtype=np.float64)
    text = " ".join(expression.split())
    try:
        tree = _parse(text)
        with np.errstate(all="ignore"):
            value = _value(tree, x)
    except _NotUnderstood as problem:
        raise ParseError.at(text, problem.position, problem.text) from None
    except (RecursionError, MemoryError):
        raise ParseError("the expression is nested too deeply; use a shorter one") from None
    return np.array(np.broadcast_to(value, x.shape), dtype=np.float64)


def syntax_tree(expression: str) -> ast.expr:
    """The tree of an expression that `evaluate` understands, by the precedence of operators.

    Raises ParseError with a caret under anything else.
    """
    evaluate(expression, TARGET_X[:1])
    return _parse(" ".join(expression.split()))


def is_expression(text: str) -> bool:
    """Whether `evaluate` understands a string; its value may still be undefined."""
    try:
        evaluate(text, TARGET_X[:1])
    except ParseError:
        return False
    return True


def fit_errors(expressions: Sequence[str | None], x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Scores float64 [N]: log(1 + mean_i min((f(x_i) - y_i)^2, 1000)); lower is better.

    log(1001) for None, for a string that cannot be read, and where any value is not finite
    (division by zero, overflow, NaN). Kusner et al. 2017, section 4.2.
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape or not x.size or not np.isfinite([x, y]).all():
        raise GrammarError(
            f"x and y must be finite vectors of one length; got shapes {x.shape} and {y.shape}"
        )
    return np.array([_fit_error(expression, x, y) for expression in expressions], dtype=np.float64)


def values_of(expressions: Sequence[str], x: np.ndarray) -> np.ndarray:
    """Values of expressions at points x [n], float64 [N, n]; NaN for what cannot be read."""
    return np.array([_values_or_nan(text, x) for text in expressions]).reshape(-1, len(x))


def behaviour(values: np.ndarray) -> np.ndarray:
    """asinh of clipped values: features of an expression as a function, for distances and kernels.

    The inverse hyperbolic sine tells small values apart and holds large ones down.
    """
    return np.arcsinh(held_down(values))


def held_down(values: np.ndarray) -> np.ndarray:
    """Values clipped to [-1e6, 1e6], of any shape; undefined ones become 1e6."""
    return np.clip(np.where(np.isfinite(values), values, _HUGE), -_HUGE, _HUGE)


def _values_or_nan(text: str, x: np.ndarray) -> np.ndarray:
    try:
        return evaluate(text, x)
    except ParseError:
        return np.full(len(x), np.nan)


def function_keys(expressions: Sequence[str]) -> list[bytes]:
    """Keys that are equal for expressions of the same function of x, as far as 16 points tell.

    `2+x` and `x+(1+1)` are; a search need not evaluate both.
    """
    return [_function_key(text) for text in expressions]


def _function_key(text: str) -> bytes:
    try:
        values = evaluate(text, _PROBES)
    except ParseError:
        return text.encode()
    # Ten digits: the order of operations changes the last of sixteen.
    with np.errstate(all="ignore"):
        scale = 10.0 ** (9 - np.floor(np.log10(np.where(values == 0, 1.0, np.abs(values)))))
        rounded = np.rint(values * scale) / scale + 0.0  # no negative zero
        return np.where(np.isfinite(values), rounded, np.nan).tobytes()


def _fit_error(expression: str | None, x: np.ndarray, y: np.ndarray) -> float:
    if expression is None or not np.isfinite(values := _values_or_nan(expression, x)).all():
        return WORST_SCORE
    with np.errstate(over="ignore"):
        squared = np.minimum((values - y) ** 2, CLIP)
    return float(np.log1p(squared.mean()))


class _NotUnderstood(Exception):
    def __init__(self, position: int, text: str) -> None:
        self.position, self.text = position, text


@lru_cache(maxsize=2048)
def _parse(text: str) -> ast.expr:
    """Syntax tree by Python's own parser, once every character is known to be harmless.

    Cached: a search scores a string, compares it and takes its features, one after the other.
    """
    shape = _SHAPE.match(text)
    position = shape.end() if shape else 0
    if position < len(text):
        raise _NotUnderstood(position, "this does not belong in an expression in x")
    if not text:
        raise _NotUnderstood(0, "the expression is empty")
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError as error:  # offset 0: the text ended too early
        place = min(error.offset or len(text) + 1, len(text) + 1) - 1
        raise _NotUnderstood(place, "this cannot be read as an expression in x") from None


def _value(node: ast.expr, x: np.ndarray) -> Values:
    """Recursive whitelist walk over Python's syntax tree."""
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        return _BINARY[type(node.op)](_value(node.left, x), _value(node.right, x))
    if isinstance(node, ast.Name):
        return _named(node, x)
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return _number(node)
    if isinstance(node, ast.Call):
        return _called(node, x)
    if isinstance(node, ast.UnaryOp) and type(node.op) in _UNARY:
        return _UNARY[type(node.op)](_value(node.operand, x))
    problem = "only numbers, x, + - * / ** and functions of x are understood here"
    raise _NotUnderstood(node.col_offset, problem)


def _number(node: ast.Constant) -> np.float64:
    try:
        return np.float64(float(node.value))  # type: ignore[arg-type]
    except OverflowError:
        return np.float64(np.inf)


def _named(node: ast.Name, x: np.ndarray) -> Values:
    if node.id == "x":
        return x
    if node.id in CONSTANTS:
        return np.float64(CONSTANTS[node.id])
    raise _NotUnderstood(node.col_offset, f"{node.id!r} is not known; the variable is called x")


def _called(node: ast.Call, x: np.ndarray) -> Values:
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name not in FUNCTIONS or len(node.args) != 1 or node.keywords:
        problem = f"only functions of one argument are known here ({', '.join(FUNCTIONS)})"
        raise _NotUnderstood(node.col_offset, problem)
    return FUNCTIONS[name](_value(node.args[0], x))
