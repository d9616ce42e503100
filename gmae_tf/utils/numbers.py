"""Numbers as people write them: decimal commas, groups of thousands, limits such as ">10"."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import NamedTuple

MISSING = frozenset(
    (
        *("", "-", "--", "—", "–", ".", "?", "*", "na", "n/a", "n.a.", "#n/a", "nan", "nd", "n.d."),
        *("none", "null", "missing", "unknown", "not determined", "not_determined"),
    )
)
"""Cells, in lower case, that say that there is no value."""
_SIGNS = str.maketrans({"\u2212": "-", "\u2013": "-", "\u00a0": " ", "\u202f": " ", "\u2009": " "})
_EXPONENT = r"(?:[eEdD][+-]?\d+)?"
_NUMBER = re.compile(rf"[+-]?(?:\d+\.?\d*|\.\d+){_EXPONENT}", re.ASCII)
_LIMIT = re.compile(r"\s*(<<?=?|>>?=?|=|≤|≥|~|≈|ca\.)\s*(.+)", re.DOTALL)
_DEVIATION = re.compile(r"\S+\s*(?:±|\+/?-)\s*\S+")
_WITH_UNIT = re.compile(r"[+-]?[\d.,]+(?:[eE][+-]?\d+)?\s*(?:%|[^\W\d_].*)")
_GROUPED = {
    mark: re.compile(
        rf"[+-]?[1-9]\d{{0,2}}(?:[{other}' ]\d{{3}})+(?:\{mark}\d*)?{_EXPONENT}", re.ASCII
    )
    for mark, other in ((".", ","), (",", r"\."))
}
_GROUPS = {".": re.compile(r"[,' ]"), ",": re.compile(r"[.' ]")}
_COMMA = re.compile(rf"[+-]?\d*,\d+{_EXPONENT}|[+-]?\d{{1,3}}(?:\.\d{{3}})+,\d*", re.ASCII)
_POINT = re.compile(
    rf"[+-]?(?:\d*\.\d+|\d+\.){_EXPONENT}|[+-]?\d{{1,3}}(?:,\d{{3}})+\.\d*", re.ASCII
)
_GROUPS_ONLY = re.compile(r"[+-]?\d{1,3}(?:,\d{3}){2,}", re.ASCII)
_UNCLEAR = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}", re.ASCII)


class Measurement(NamedTuple):
    """A value, and whether it is censored: 1, the true one is above; -1, below; 0, it is exact."""

    value: float
    censoring: int = 0


def parse_number(text: str, decimal: str = ".") -> float:
    """A finite number with this decimal mark; the other mark, ' and blanks may group thousands.

    Raises
    ------
    ValueError: why the text is none; "no value" for an empty cell, NA, n/a, - and the like.

    >>> parse_number("1,234.5"), parse_number("1.234,5", ","), parse_number("−2e3")
    (1234.5, 1234.5, -2000.0)
    """
    plain = text.strip().translate(_SIGNS)
    if plain.lower() in MISSING:
        raise ValueError("no value")
    if _GROUPED[decimal].fullmatch(plain):
        plain = _GROUPS[decimal].sub("", plain)
    if decimal == ",":
        plain = plain.replace(".", "?").replace(",", ".")
    if not _NUMBER.fullmatch(plain):
        raise ValueError(f"not a number: {text.strip()[:40]!r}{_hint(text.strip(), decimal)}")
    value = float(re.sub("[dD]", "e", plain))
    if not math.isfinite(value):
        raise ValueError(f"not a number: {text.strip()[:40]!r} is too large")
    return value


def parse_measurement(text: str, decimal: str = ".") -> Measurement:
    """A number, or a limit such as ">10" or "<= 0.5"; "~3", about 3, counts as exact.

    Raises
    ------
    ValueError: as `parse_number`.

    >>> parse_measurement("> 10"), parse_measurement("0.5")
    (Measurement(value=10.0, censoring=1), Measurement(value=0.5, censoring=0))
    """
    match = _LIMIT.fullmatch(text)
    if match is None:
        return Measurement(parse_number(text, decimal))
    try:
        value = parse_number(match[2], decimal)
    except ValueError as error:
        raise ValueError(f"not a number: {text.strip()[:40]!r}") from error
    return Measurement(value, {"<": -1, "≤": -1, ">": 1, "≥": 1}.get(match[1][0], 0))


def is_number(text: str) -> bool:
    """Whether a cell holds a number or limit with either decimal mark."""
    match = _LIMIT.fullmatch(text)
    plain = (match[2] if match else text).strip().translate(_SIGNS)
    return any(form.fullmatch(plain) for form in (_NUMBER, _COMMA, *_GROUPED.values()))


def decimal_mark(cells: Iterable[str]) -> str | None:
    """What the numbers among the cells have as decimal mark, "." or ","; None: nothing tells.

    "1,234" alone tells nothing: a comma may group thousands.

    >>> decimal_mark(["0,5", "1,25"]), decimal_mark(["1.5", "1,234.5"]), decimal_mark(["1,234"])
    (',', '.', None)
    """
    comma = point = unclear = False
    for cell in cells:
        if "," not in cell and "." not in cell:
            continue
        text = cell.lstrip("<>=≤≥~≈ ").rstrip().translate(_SIGNS)
        if _UNCLEAR.fullmatch(text):
            unclear = unclear or "," in text
        elif _COMMA.fullmatch(text):
            comma = True
        elif _POINT.fullmatch(text) or _GROUPS_ONLY.fullmatch(text):
            point = True
    if comma and not point:
        return ","
    return None if unclear and not point else "."


def _hint(text: str, decimal: str) -> str:
    if _DEVIATION.fullmatch(text):
        return " (write the deviation into another column)"
    if decimal == "." and _COMMA.fullmatch(text):
        return " (a decimal comma, where others have points)"
    if _WITH_UNIT.fullmatch(text):
        return " (write the unit into the column's name)"
    return ""
