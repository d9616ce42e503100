"""Checks of numbers and arrays that users give: each returns the value or raises a `UserError`."""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Real
from operator import index
from types import UnionType
from typing import Any, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gmae_tf.errors import UserError


def check_codes(codes: ArrayLike, dim: int) -> NDArray[np.float32]:
    """Finite codes as float32 [N, dim]."""
    array = check_rows(codes, dim).astype(np.float32)
    if not np.isfinite(array).all():
        row = int(np.flatnonzero(~np.isfinite(array).all(axis=1))[0])
        raise UserError(f"codes[{row}] is not finite: give finite numbers")
    return array


def check_rows(codes: ArrayLike, dim: int) -> NDArray[np.float64]:
    """Codes as float64 [N, dim]."""
    array = check_array(codes, "codes")
    if array.ndim != 2 or array.shape[1] != dim:
        raise UserError(f"codes have the shape {list(array.shape)}: give [N, {dim}]")
    return array


def check_examples(x: Any, shape: tuple[int | None, ...]) -> Any:
    """Data [N, *shape], None being any size; a sequence becomes an array."""
    x = x if hasattr(x, "shape") else check_array(x, "the data")
    sizes = tuple(x.shape[1:])
    if (
        not len(x.shape)
        or len(sizes) != len(shape)
        or any(size not in (None, own) for size, own in zip(shape, sizes, strict=True))
    ):
        reads = ", ".join(str(size or "any") for size in shape)
        raise UserError(f"the data have the shape {list(x.shape)}: give [N, {reads}]")
    return x


def check_array(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """Numbers as a new float64 array."""
    try:
        if values is None:
            raise TypeError("None")
        return np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UserError(f"{name} are not numbers ({error}): give an array of numbers") from error


def check_choice(value: Any, name: str, known: Iterable[str]) -> None:
    """One of the known names."""
    names = list(known)
    if value not in names:
        raise UserError(f"{name} is {value!r}: choose {', '.join(names)}")


def check_int(value: Any, name: str, least: int = 0) -> int:
    """A whole number, `least` or more."""
    try:
        number = index(value)
    except TypeError:
        number = least - 1
    if number < least or isinstance(value, bool):
        raise UserError(f"{name} is {value!r}: give a whole number, {least} or more")
    return number


def check_number(
    value: Any, name: str, least: float = -math.inf, *, positive: bool = False
) -> float:
    """A finite number, `least` or more, or greater than 0."""
    if isinstance(value, Real) and not isinstance(value, bool):
        number = float(value)
        if math.isfinite(number) and number >= least and (number > 0 or not positive):
            return number
    more = f", {least:g} or more" if least > -math.inf else ""
    more = " greater than 0" if positive else more
    raise UserError(f"{name} is {value!r}: give a finite number{more}")


def check_rng(rng: Any) -> np.random.Generator:
    """A generator of random numbers, or that of a seed."""
    try:
        if rng is None:
            raise TypeError("None")
        return np.random.default_rng(rng)
    except (TypeError, ValueError) as error:
        raise UserError(f"{rng!r} is no seed: give a whole number or a numpy Generator") from error


def check_kind(value: Any, kind: type | UnionType, name: str) -> None:
    """Refuse an object of another class; `kind` may be `Class | None`."""
    if not isinstance(value, kind):
        wanted = getattr(kind, "__name__", None) or get_args(kind)[0].__name__
        raise UserError(f"{name} is {value!r:.80}: give a {wanted}")
