"""Code of the documentation with less work in it, for tests that it runs."""

from __future__ import annotations

import ast


class Shorter(ast.NodeTransformer):
    """Give each call of a function its keywords, in the place of those that it has.

    >>> less = Shorter({"model.fit": {"epochs": 2}})
    >>> ast.unparse(less.visit(ast.parse("model.fit(x, epochs=80, verbose=0)")))
    'model.fit(x, verbose=0, epochs=2)'
    """

    def __init__(self, less: dict[str, dict[str, int]]) -> None:
        self.less = less

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """With the keywords, if the function is named."""
        given = self.less.get(ast.unparse(node.func), {})
        node.keywords = [keyword for keyword in node.keywords if keyword.arg not in given]
        node.keywords += [ast.keyword(name, ast.Constant(value)) for name, value in given.items()]
        return ast.fix_missing_locations(self.generic_visit(node))
