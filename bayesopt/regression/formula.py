"""Formulas for people: a fitted expression in the user's units, with readable constants."""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gmae_tf.errors import UserError
from grammar.expressions.constants import Data
from grammar.expressions.forest import part_values
from grammar.expressions.programs import (
    ADD,
    ARITY,
    BINARY,
    CONSTANT,
    CUBE,
    DIV,
    MUL,
    POWER,
    RULES,
    SQUARE,
    SUB,
    VARIABLES,
    constant_places,
    ends,
)
from grammar.expressions.simplify import tidy

if TYPE_CHECKING:
    import sympy

Array = np.ndarray
_ROUNDING = 1e-3
"""Share by which readable constants may raise the mean squared error."""
_EXACT = 1e-24
"""Mean squared error, as a share of the variance of y, that rounding may always leave."""
_LONG, _SHORTER = 6, 4
"""Significant digits of a factor of which the reciprocal is tried, and how many it must save."""
_CHECKED = 2_000
"""Rows on which rounding is judged."""
_TEXT = {rule: text.rstrip("()") for text, rule in RULES.items() if text.endswith("()")}
_SIGNS = {ADD: " + ", SUB: " - ", MUL: "*", DIV: "/"}
_SUM, _PRODUCT, _SIGNED, _POWER, _ATOM = range(5)


@dataclass(frozen=True)
class Formula:
    """A formula of columns, with what it costs and how well it fits.

    Attributes
    ----------
    program, constants : the whole of it, scaling of the output included.
    names : of the columns, in the order of the variables.
    complexity : operators, functions, variables and constants, without the scaling a + b f.
    r2, rmse : on the (weighted) data; `exact` if only rounding is left.
    source : who proposed it.
    """

    program: bytes
    constants: tuple[float, ...]
    names: tuple[str, ...]
    complexity: int
    r2: float
    rmse: float
    exact: bool
    source: str

    @property
    def symbols(self) -> list[str]:
        """Names of the columns as Python allows them: `time_s` for "time (s)".

        A column called as a function or a word of Python gets a `_`: `lambda_`.
        """
        cleaned = [re.sub(r"\W+", "_", name).strip("_") for name in self.names]
        cleaned = [f"{n}_" if n in _TEXT.values() or keyword.iskeyword(n) else n for n in cleaned]
        good = [name.isidentifier() and cleaned.count(name) == 1 for name in cleaned]
        taken = {name for name, kept in zip(cleaned, good, strict=True) if kept}
        return [
            name if kept else f"x{i + 1}" + "_" * (f"x{i + 1}" in taken)
            for i, (name, kept) in enumerate(zip(cleaned, good, strict=True))
        ]

    def __str__(self) -> str:
        return text_of(self.program, self.symbols, self.constants)

    def predict(self, x: Array) -> Array:
        """Values [n] at rows x [n, d] of all columns."""
        return part_values(self.program, self.constants, np.asarray(x, dtype=np.float64))[0]

    def sympy(self) -> sympy.Expr:
        """The formula in SymPy, one symbol for each column.

        Raises
        ------
        UserError: SymPy is not installed.
        """
        sp = _sympy()
        values = [_number(sp, value) for value in self.constants]
        waiting: list[Any] = []
        for rule in reversed(self.program):
            parts = [waiting.pop() for _ in range(ARITY[rule])]
            own = values.pop() if rule in (CONSTANT, POWER) else None
            waiting.append(_expression(sp, rule, parts, own, self.symbols))
        return waiting[0]

    def latex(self) -> str:
        """The formula in LaTeX, by SymPy."""
        return str(_sympy().latex(self.sympy()))


def make_formula(
    program: bytes,
    constants: Sequence[float],
    data: Data,
    names: Sequence[str],
    complexity: int,
    source: str,
) -> Formula:
    """A formula with constants of as few digits as the data can tell apart.

    `program` is the whole, scaling included; `data` are in the user's units.
    """
    few = data
    if len(data.y) > _CHECKED:
        rows = np.random.default_rng(0).choice(len(data.y), _CHECKED, replace=False)
        few = data.take(rows)
    values = _readable(program, constants, few)
    program, tidied = _with_divisors(*tidy(program, values))
    made = Formula(program, tuple(tidied), tuple(names), complexity, 0.0, 0.0, False, source)
    error = _error(program, tidied, data)
    variance = float(data.weights @ (data.y - data.weights @ data.y) ** 2)
    scale = float(data.weights @ data.y**2)
    exact = error <= _EXACT * 1e2 * max(variance, 1e-6 * scale) or error == 0.0
    r2 = 1.0 - error / variance if variance > 0 else float(exact)
    return replace(made, r2=r2, rmse=float(np.sqrt(error)), exact=exact)


def _error(program: bytes, constants: Sequence[float], data: Data) -> float:
    with np.errstate(all="ignore"):
        values = part_values(program, constants, data.x)[0]
        return float(data.weights @ (values - data.y) ** 2)


def _readable(program: bytes, constants: Sequence[float], data: Data) -> list[float]:
    """Whole numbers where they do, then as few significant digits as do."""
    values = list(map(float, constants))
    variance = float(data.weights @ (data.y - data.weights @ data.y) ** 2)
    limit = max(_error(program, values, data) * (1 + _ROUNDING), _EXACT * variance)
    for place in range(len(values)):
        whole = float(np.rint(values[place]))
        if abs(whole) < 1e6:
            tried = [*values[:place], whole, *values[place + 1 :]]
            if _error(program, tried, data) <= limit:
                values = tried
    for digits in range(2, 16):
        tried = [float(f"{value:.{digits}g}") for value in values]
        if _error(program, tried, data) <= limit:
            return tried
    return values


def _with_divisors(program: bytes, constants: Sequence[float]) -> tuple[bytes, list[float]]:
    """Factors whose reciprocals have far fewer digits as divisors: x/7.3 for 0.136986301*x."""
    values = list(constants)
    for order, place in reversed(list(enumerate(constant_places(program)))):
        digits = _digits(values[order])
        if digits < _LONG or place == 0 or program[place - 1] != MUL or program[place] != CONSTANT:
            continue
        divisor = float(f"{1 / values[order]:.9g}")
        if _digits(divisor) > digits - _SHORTER:
            continue
        if abs(values[order] * divisor - 1.0) > 10.0 ** (1 - digits):
            continue  # another number
        stop = ends(program)[place + 1]
        inside = len(constant_places(program[place + 1 : stop]))
        values[order : order + inside + 1] = [*values[order + 1 : order + inside + 1], divisor]
        part = bytes([DIV]) + program[place + 1 : stop] + bytes([CONSTANT])
        program = program[: place - 1] + part + program[stop:]
    return program, values


def _digits(value: float) -> int:
    """Significant digits of a number."""
    return len(f"{abs(value):.14e}".partition("e")[0].replace(".", "").rstrip("0"))


def text_of(program: bytes, names: Sequence[str], constants: Sequence[float]) -> str:
    """The expression in Python's notation, with as few brackets as it needs.

    >>> from grammar.expressions.programs import parse
    >>> text_of(parse("(c+(c*exp((c*x1))))"), ["time"], [0.5, 850.0, -0.137])
    '850*exp(-0.137*time) + 0.5'
    """
    values = list(constants)
    waiting: list[tuple[str, int]] = []
    for rule in reversed(program):
        parts = [waiting.pop() for _ in range(ARITY[rule])]
        if rule == CONSTANT:
            text = f"{values.pop():.15g}"
            waiting.append((text, _SIGNED if text.startswith("-") else _ATOM))
        elif rule in BINARY:
            waiting.append(_joined(rule, *parts))
        elif rule in (SQUARE, CUBE, POWER):
            power = {SQUARE: "2", CUBE: "3"}.get(rule) or f"{values.pop():.15g}"
            base = _bracketed(parts[0], _ATOM)
            waiting.append((f"{base}**{f'({power})' if power[0] == '-' else power}", _POWER))
        elif rule in VARIABLES:
            waiting.append((names[VARIABLES.index(rule)], _ATOM))
        else:
            waiting.append((f"{_TEXT[rule]}({parts[0][0]})", _ATOM))
    return waiting[0][0]


def _bracketed(part: tuple[str, int], least: int) -> str:
    return part[0] if part[1] >= least else f"({part[0]})"


def _joined(rule: int, a: tuple[str, int], b: tuple[str, int]) -> tuple[str, int]:
    if rule == ADD and re.fullmatch(r"-?[\d.]+(e[-+]?\d+)?", a[0]):
        a, b = b, a  # constants last
    if rule in (ADD, SUB):
        first, second = a[0], _bracketed(b, _SUM if rule == ADD else _PRODUCT)
        if second.startswith("-"):
            return first + _SIGNS[SUB if rule == ADD else ADD] + second[1:], _SUM
        return first + _SIGNS[rule] + second, _SUM
    if rule == MUL and a[0] == "-1":
        return "-" + _bracketed(b, _PRODUCT), _PRODUCT
    if b[1] == _SIGNED and not a[0].startswith("-"):
        a, b = (f"-{_bracketed(a, _PRODUCT)}", _PRODUCT), (b[0][1:], _ATOM)
    second = _bracketed(b, _POWER if rule == DIV or b[1] == _SIGNED else _PRODUCT)
    second = f"({second})" if second.startswith("-") else second
    return _bracketed(a, _PRODUCT) + _SIGNS[rule] + second, _PRODUCT


def _expression(sp: Any, rule: int, parts: Sequence[Any], own: Any, names: Sequence[str]) -> Any:
    if rule == CONSTANT:
        return own
    if rule in VARIABLES:
        return sp.Symbol(names[VARIABLES.index(rule)])
    if rule in BINARY:
        a, b = parts
        return {ADD: a + b, SUB: a - b, MUL: a * b, DIV: a / b}[rule]
    if rule in (SQUARE, CUBE, POWER):
        return parts[0] ** (own if rule == POWER else 2 if rule == SQUARE else 3)
    name = _TEXT[rule]
    return (sp.Abs if name == "abs" else getattr(sp, name))(parts[0])


def _number(sp: Any, value: float) -> Any:
    return sp.Integer(int(value)) if value == int(value) else sp.Float(f"{value:.15g}")


def _sympy() -> Any:
    try:
        import sympy as sp
    except ImportError as error:
        raise UserError(
            "SymPy is not installed, which writes formulas as SymPy and LaTeX: pip install sympy"
        ) from error
    return sp
