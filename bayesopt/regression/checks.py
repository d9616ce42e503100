"""What a user gives to symbolic regression: parameters, arrays and data frames, checked."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np

from gmae_tf.errors import UserError
from grammar.expressions.programs import MAX_VARIABLES

_SQUARED = (1e-140, 1e140)
"""Largest values whose squares, also those of differences, are floating point numbers."""


def positive(name: str, value: Any, *, whole: bool = False) -> float:
    """A parameter that is a number above 0, a whole one if asked; else `UserError`."""
    good = isinstance(value, Integral if whole else Real) and not isinstance(value, bool)
    if not (good and value > 0):
        kind = "a whole number" if whole else "a number"
        raise UserError(f"{name} is {value!r}: give {kind} above 0")
    return float(value)


def seed_of(value: Any) -> int:
    """A seed, a whole number of 0 or more; else `UserError`."""
    if not isinstance(value, Integral) or value < 0:
        raise UserError(f"seed is {value!r}: give a whole number of 0 or more")
    return int(value)


def columns_of(table: Any) -> tuple[list[str], np.ndarray]:
    """Names and values [n, d] of an array or data frame; one column may be a vector."""
    names = [str(name) for name in table.columns] if hasattr(table, "columns") else []
    x = _numbers("X", table)
    x = x[:, None] if x.ndim == 1 else x
    if x.ndim != 2 or not 1 <= x.shape[1] <= MAX_VARIABLES:
        raise UserError(
            f"X has the shape {x.shape}, but a formula is of 1 to {MAX_VARIABLES} columns: give "
            "the ones that matter"
        )
    return names or [f"x{i + 1}" for i in range(x.shape[1])], x


def by_name(table: Any, names: list[str]) -> Any:
    """The columns of a data frame that have these names, in this order; else as it is."""
    columns = [str(name) for name in getattr(table, "columns", [])]
    if any(columns.count(name) != 1 for name in names):
        return table
    order = [columns.index(name) for name in names]
    return table.iloc[:, order] if hasattr(table, "iloc") else table[:, order]


def _numbers(name: str, values: Any) -> np.ndarray:
    """Values as floating point numbers; `UserError` for text, dates and complex numbers."""
    try:
        raw = np.asarray(values)
        kinds = list(values.dtypes) if hasattr(values, "columns") else [raw.dtype]
        dates = any(getattr(kind, "kind", "other") in "mM" for kind in kinds)
        if dates or raw.dtype.kind == "c":
            kind = "dates: give the time since a start" if dates else "complex: give real numbers"
            raise UserError(f"{name} has values that are {kind}")
        return raw.astype(np.float64)
    except (TypeError, ValueError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{name} must be numbers: {error}") from error


def _vector(name: str, values: Any) -> np.ndarray:
    """One column of numbers as a vector."""
    column = _numbers(name, values)
    if column.ndim > 1 and column.size != len(column):
        raise UserError(f"{name} has the shape {column.shape}: give one column")
    return column.reshape(-1)


def checked(x: np.ndarray, y: Any, weights: Any) -> tuple[np.ndarray, np.ndarray | None]:
    """An output [n] and weights [n] that go with the inputs x [n, d]; else `UserError`."""
    target = _vector("y", y)
    if len(x) < 2 or len(target) != len(x):
        raise UserError(f"X has {len(x)} rows and y {len(target)}: give the same, at least 2")
    given = None if weights is None else _vector("sample_weight", weights)
    for name, values in (("X", x), ("y", target), ("sample_weight", given)):
        if values is not None and not np.isfinite(values).all():
            raise UserError(f"{name} has values that are not finite: leave those rows out")
        if values is not None and not squares(values):
            raise UserError(
                f"{name} has values up to {np.abs(values).max():.3g}, whose squares are beyond "
                "floating point numbers: choose another unit"
            )
    if given is not None and (len(given) != len(x) or (given < 0).any() or not given.sum() > 0):
        raise UserError("sample_weight must be one number of 0 or more for each row, not all 0")
    return target, given


def squares(values: np.ndarray) -> bool:
    """Whether the largest value, unless it is 0, can be squared in floating point numbers."""
    largest = float(np.abs(values).max())
    return largest == 0 or _SQUARED[0] <= largest <= _SQUARED[1]
