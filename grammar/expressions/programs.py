"""Expressions of the grammar `scientific` as programs in prefix (Polish) notation.

A program is the leftmost derivation of an expression, as bytes: one rule of the grammar for each
node, an operator before its operands.  So a subtree is a run of bytes, and parsing is not needed
where programs are made, varied or evaluated.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from grammar.cfg.grammar import Grammar
from grammar.library import load_grammar

GRAMMAR = "scientific"
MAX_VARIABLES = 9


def _grammar() -> Grammar:
    return load_grammar(GRAMMAR).grammar


RULES = {
    "".join(symbol.name for symbol in rule.rhs if symbol.terminal): number
    for number, rule in enumerate(_grammar().rules[:-1])
}
"""Rules by the text around their operands, such as `(+)` and `sin()`."""
ARITY = tuple(int((row >= 0).sum()) for row in _grammar().rhs_nonterminals)
"""Operands of each rule."""
CONSTANT, ADD, SUB, MUL, DIV = (RULES[name] for name in ("c", "(+)", "(-)", "(*)", "(/)"))
SQUARE, CUBE, POWER = (RULES[name] for name in ("(**2)", "(**3)", "(**c)"))
EXP, LOG, SQRT, ABS = (RULES[name] for name in ("exp()", "log()", "sqrt()", "abs()"))
SIN, COS, TANH = (RULES[name] for name in ("sin()", "cos()", "tanh()"))
VARIABLES = tuple(RULES[f"x{i}"] for i in range(1, MAX_VARIABLES + 1))
BINARY, UNARY = (ADD, SUB, MUL, DIV), tuple(r for r in RULES.values() if ARITY[r] == 1)
COMMUTATIVE = (ADD, MUL)


def parse(text: str) -> bytes:
    """The program of an expression of the grammar; `ParseError` for another string."""
    return load_grammar(GRAMMAR).parse(text)


def write(program: bytes, names: Sequence[str] = (), constants: Sequence[float] = ()) -> str:
    """The expression of a program, its variables named and its constants filled in, if given.

    >>> write(parse("(c*exp((x1/c)))"), ["time"], [850.0, -7.3])
    '(850*exp((time/-7.3)))'
    """
    rules = _grammar().rules
    texts = [f"{value:.15g}" for value in constants]
    order = constant_places(program)
    waiting: list[str] = []
    for place in range(len(program) - 1, -1, -1):
        rule = program[place]
        own = texts[order.index(place)] if texts and rule in (CONSTANT, POWER) else "c"
        out = []
        for symbol in rules[rule].rhs:
            if not symbol.terminal:
                out.append(waiting.pop())
            elif rule == CONSTANT:
                out.append(own)
            elif rule == POWER and symbol.name == "**c)":
                out.append(f"**{own})")
            elif rule in VARIABLES and names:
                out.append(names[VARIABLES.index(rule)])
            else:
                out.append(symbol.name)
        waiting.append("".join(out))
    return waiting.pop()


def constant_places(program: bytes) -> list[int]:
    """Places of the rules that have a constant: the order in which constants are listed."""
    return [place for place, rule in enumerate(program) if rule in (CONSTANT, POWER)]


def ends(program: bytes) -> list[int]:
    """For each place, where the subtree that starts there ends."""
    found = [0] * len(program)
    for start in range(len(program) - 1, -1, -1):
        end = start + 1
        for _ in range(ARITY[program[start]]):
            end = found[end]
        found[start] = end
    return found


def random_program(
    size: int,
    variables: Sequence[int],
    rng: np.random.Generator,
    functions: Sequence[int] = UNARY,
) -> bytes:
    """A random expression of so many nodes in the given rules of variables and functions.

    No function of constants alone, and straight in a function none but a square where it is there.
    """
    return _random(size, variables, rng, functions, functions)


def _random(
    size: int,
    variables: Sequence[int],
    rng: np.random.Generator,
    functions: Sequence[int],
    allowed: Sequence[int],
) -> bytes:
    if size == 1 or (size == 2 and not functions):
        return bytes([variables[int(rng.integers(len(variables)))]])
    if size == 2 or (allowed and rng.random() < 0.3):
        choice = allowed or [rule for rule in functions if rule == SQUARE] or functions
        rule = choice[int(rng.integers(len(choice)))]
        return bytes([rule]) + _random(size - 1, variables, rng, functions, ())
    rule = BINARY[int(rng.integers(len(BINARY)))]
    first = int(rng.integers(1, size - 1))
    sizes = (first, size - 1 - first)
    parts = [_random(part, variables, rng, functions, functions) for part in sizes]
    place = int(rng.integers(2))
    if len(parts[place]) == 1 and (parts[0] == parts[1] or rng.random() < 0.45):
        parts[place] = bytes([CONSTANT])
    return bytes([rule]) + b"".join(parts)
