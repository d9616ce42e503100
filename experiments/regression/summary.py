"""Rows of the comparison, counted."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from experiments.regression.targets import MULTIVARIATE, TARGETS, UNIVARIATE

Rows = list[dict[str, Any]]
GROUPS = {
    "one variable": [target.name for target in UNIVARIATE],
    "several variables": [target.name for target in MULTIVARIATE],
    "all": list(TARGETS),
}
NONE = 9.0
"""1 - R2 of a prediction that is not finite, or worse than this."""


def solved(rows: Rows, method: str) -> list[tuple[int, int]]:
    """For each group of targets, how many runs of a method solved theirs, and all."""
    own = [row for row in rows if row["method"] == method]
    groups = [[row["solved"] for row in own if row["target"] in names] for names in GROUPS.values()]
    return [(sum(group), len(group)) for group in groups]


def medians(rows: Rows, methods: Sequence[str]) -> dict[str, list[float | None]]:
    """1 - R2 of each target by method, the median of the seeds; None if not measured."""
    found: dict[str, list[float | None]] = {}
    for target in dict.fromkeys(row["target"] for row in rows):
        errors = [
            [_error(row) for row in rows if (row["target"], row["method"]) == (target, method)]
            for method in methods
        ]
        found[target] = [statistics.median(values) if values else None for values in errors]
    return found


def _error(row: dict[str, Any]) -> float:
    return NONE if row["r2"] is None else min(NONE, 1.0 - float(row["r2"]))
