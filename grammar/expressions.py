"""Exact, vectorised scores of expressions in x, without eval; and the benchmark's target.

A string is scored by the ordinary precedence of its operators, as its reader would, not by the
derivation tree (the benchmark grammar has no precedence).
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Sequence

import numpy as np

from grammar.errors import GrammarError, ParseError

CLIP = 1000.0
"""Largest squared error that a single point may contribute."""
WORST_SCORE = math.log(1.0 + CLIP)
TARGET_X = np.linspace(-10.0, 10.0, 1000)
TARGET_X.setflags(write=False)

FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    name: getattr(np, name) for name in ("sin", "cos", "tan", "exp", "log", "sqrt", "tanh", "abs")
}
CONSTANTS = {"pi": math.pi, "e": math.e}
_BINARY: dict[type[ast.operator], Callable[..., np.ndarray]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.true_divide,
    ast.Pow: np.power,
}
_UNARY: dict[type[ast.unaryop], Callable[..., np.ndarray]] = {
    ast.USub: np.negative,
    ast.UAdd: np.positive,
}
_LONGEST = 10_000  # characters; far beyond any decoded string, far below Python's parser limits


def target(x: np.ndarray) -> np.ndarray:
    """The benchmark's hidden function 1/3 + x + sin(x * x) (Kusner et al. 2017, section 4.2)."""
    return 1.0 / 3.0 + x + np.sin(x * x)


def evaluate(expression: str, x: np.ndarray) -> np.ndarray:
    """Values float64 [n] of `expression` at the points x [n]; inf or nan where it is undefined.

    Numbers, x, pi, e, + - * / **, brackets and the functions of FUNCTIONS are understood; constants
    are broadcast. Raises ParseError with a caret under anything else.
    """
    x = np.asarray(x, dtype=np.float64)
    tree = _parse(expression)
    with np.errstate(all="ignore"):
        try:
            value = _value(tree, x)
        except _NotUnderstood as problem:
            raise ParseError.at(expression, problem.position, problem.text) from None
    return np.broadcast_to(np.asarray(value, dtype=np.float64), x.shape)


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


def _fit_error(expression: str | None, x: np.ndarray, y: np.ndarray) -> float:
    if expression is None:
        return WORST_SCORE
    try:
        values = evaluate(expression, x)
    except ParseError:
        return WORST_SCORE
    if not np.isfinite(values).all():
        return WORST_SCORE
    with np.errstate(over="ignore"):
        squared = np.minimum((values - y) ** 2, CLIP)
    return float(np.log1p(squared.mean()))


class _NotUnderstood(Exception):
    def __init__(self, node: ast.expr, text: str) -> None:
        self.position, self.text = node.col_offset, text


def _parse(expression: str) -> ast.expr:
    text = expression.strip()
    if not text:
        raise ParseError.at(expression, 0, "the expression is empty")
    if len(text) > _LONGEST or not expression.isascii() or "\n" in text:
        raise ParseError(
            f"an expression is one line of at most {_LONGEST} plain characters; got {text[:60]!r}"
        )
    # Blanks keep the columns of the syntax tree equal to those of the string.
    lead = len(expression) - len(expression.lstrip())
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, RecursionError, MemoryError, ValueError) as error:
        column = (getattr(error, "offset", None) or 1) - 1 + lead
        problem = "this cannot be read as an expression in x"
        raise ParseError.at(expression, min(column, len(expression)), problem) from None
    return tree


def _value(node: ast.expr, x: np.ndarray) -> np.ndarray:
    """Recursive whitelist walk over Python's syntax tree."""
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        return _BINARY[type(node.op)](_value(node.left, x), _value(node.right, x))
    if isinstance(node, ast.Name):
        return _named(node, x)
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return np.float64(node.value)  # type: ignore[arg-type, return-value]
    if isinstance(node, ast.Call):
        return _called(node, x)
    if isinstance(node, ast.UnaryOp) and type(node.op) in _UNARY:
        return _UNARY[type(node.op)](_value(node.operand, x))
    raise _NotUnderstood(node, "only numbers, x, + - * / ** and functions of x are understood here")


def _named(node: ast.Name, x: np.ndarray) -> np.ndarray:
    if node.id == "x":
        return x
    if node.id in CONSTANTS:
        return np.float64(CONSTANTS[node.id])  # type: ignore[return-value]
    raise _NotUnderstood(node, f"{node.id!r} is not known; the variable is called x")


def _called(node: ast.Call, x: np.ndarray) -> np.ndarray:
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name not in FUNCTIONS or len(node.args) != 1 or node.keywords:
        known = ", ".join(FUNCTIONS)
        raise _NotUnderstood(node, f"only functions of one argument are known here ({known})")
    return FUNCTIONS[name](_value(node.args[0], x))
