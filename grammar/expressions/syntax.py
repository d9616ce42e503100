"""Counts of the parts of the syntax trees of expressions: what a kernel compares them by.

The tree is that of the ordinary precedence of operators, as a reader sees an expression and as it
is scored.  Derivations of the benchmark grammar, which has no precedence, are other trees: theirs
of `x+1*sin(x)` has `x+1` as a factor.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence

from grammar.errors import ParseError
from grammar.expressions.evaluate import syntax_tree

Tree = tuple[Hashable, ...]
"""A label and the trees below it."""
Counts = Callable[[Sequence[str]], list[Counter[Hashable]]]
_ONE = (1.0,)
_SIGNS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**", ast.USub: "-"}


def syntax_counts() -> dict[str, Counts]:
    """By name, functions of expressions [N] -> N counts of the parts of their syntax trees.

    "terms" are those of the sum that an expression is; "subtrees" are whole; "pairs" are of an
    operator or function and what it is applied to; "symbols" are operators, functions, variables
    and numbers.  Brackets, the order of terms and of factors, and factors of 1 make no difference.
    What is no expression has no parts.

    Examples
    --------
    >>> from grammar.expressions.syntax import syntax_counts
    >>> terms = syntax_counts()["terms"]
    >>> terms(["x*1+sin(3)"]) == terms(["sin(3)+(x)"])
    True
    """
    return {
        "terms": _counting(_terms),
        "subtrees": _counting(_subtrees),
        "pairs": _counting(_pairs),
        "symbols": _counting(_symbols),
    }


def _counting(parts: Callable[[Tree], Iterator[Hashable]]) -> Counts:
    def count(expressions: Sequence[str]) -> list[Counter[Hashable]]:
        found: list[Counter[Hashable]] = []
        for text in expressions:
            try:
                found.append(Counter(parts(_ordered(syntax_tree(text)))))
            except ParseError:
                found.append(Counter())
        return found

    return count


def _ordered(node: ast.expr) -> Tree:
    """The tree without brackets, sums and products flat and their operands in one order."""
    if isinstance(node, ast.Constant):
        return (float(node.value),)  # type: ignore[arg-type]
    if isinstance(node, ast.Name):
        return (node.id,)
    if isinstance(node, ast.Call):
        return (node.func.id, *map(_ordered, node.args))  # type: ignore[attr-defined]
    if isinstance(node, ast.UnaryOp):
        below = _ordered(node.operand)
        return ("-", below) if isinstance(node.op, ast.USub) else below
    assert isinstance(node, ast.BinOp)
    sign, left, right = _SIGNS[type(node.op)], _ordered(node.left), _ordered(node.right)
    if sign == "-":
        sign, right = "+", ("-", right)
    if sign in "+*":
        operands = [*_operands(left, sign), *_operands(right, sign)]
        if sign == "*":
            operands = [operand for operand in operands if operand != _ONE] or [_ONE]
        return operands[0] if len(operands) == 1 else (sign, *sorted(operands, key=repr))
    return left if right == _ONE else (sign, left, right)


def _operands(tree: Tree, sign: str) -> Sequence[Tree]:
    return tree[1:] if tree[0] == sign else (tree,)  # type: ignore[return-value]


def _terms(tree: Tree) -> Iterator[Hashable]:
    yield from _operands(tree, "+")


def _subtrees(tree: Tree) -> Iterator[Hashable]:
    yield tree
    for below in tree[1:]:
        yield from _subtrees(below)  # type: ignore[arg-type]


def _pairs(tree: Tree) -> Iterator[Hashable]:
    for below in tree[1:]:
        yield tree[0], below[0]  # type: ignore[index]
        yield from _pairs(below)  # type: ignore[arg-type]


def _symbols(tree: Tree) -> Iterator[Hashable]:
    for below in _subtrees(tree):
        yield below[0]  # type: ignore[index]
