"""Means over seeds, ranks, and whether the spread of the seeds supports them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any

NOTE = (
    "Means over the seeds ± standard deviation; in brackets the rank, and * where the model beats "
    "the next one by more than the spread of the seeds explains (Welch's t-test, 5 %)."
)


@dataclass(frozen=True)
class Column:
    """A measure: its key in a result, its title, whether less is better (None: neither)."""

    key: str
    title: str
    lower: bool | None = None
    decimals: int = 1
    scale: float = 1.0


COLUMNS = (
    Column("fd_prior", "prior", True),
    Column("fd_ex_post", "ex-post", True),
    Column("fd_reconstruction", "rec.", True),
    Column("fd_interpolation", "interp.", True),
    Column("precision", "precision", False, 3),
    Column("recall", "recall", False, 3),
    Column("accuracy", "accuracy %", False, 1, 100.0),
    Column("nmi", "NMI", False, 3),
    Column("mse", "MSE x 1000", True, 2, 1000.0),
    Column("nac", "NAC", None, 3),
    Column("active", "active", None, 0),
    Column("parameters", "parameters", None, 0),
    Column("seconds", "seconds", None, 0),
)


@dataclass(frozen=True)
class Cell:
    """Mean and standard deviation over `n` seeds, and the rank among the models.

    rank : 1 is best, equal means share one; None where there is no better, or nothing was measured.
    supported : whether the difference to the model one rank lower is larger than the seeds make
        it: Welch's t-test at the level of 5 %, one-sided.  None with fewer than two seeds.
    """

    mean: float | None
    std: float | None
    n: int
    rank: int | None = None
    supported: bool | None = None


def text(cell: Cell, column: Column) -> str:
    """12.3 ± 0.4 (2*)."""
    if cell.mean is None:
        return "–"
    value = f"{column.scale * cell.mean:,.{column.decimals}f}"
    if cell.std is not None:
        value += f" ± {column.scale * cell.std:,.{column.decimals}f}"
    if cell.rank is not None:
        value += f" ({cell.rank}{'*' if cell.supported else ''})"
    return value


def summarise(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[Column] = COLUMNS
) -> dict[str, dict[str, Cell]]:
    """Results of runs, one a model and seed -> model -> key of a column -> cell.

    Models come in the order of their best distance of samples, if they have one.
    """
    values: dict[str, dict[str, list[float]]] = {}
    for row in rows:
        kept = values.setdefault(row["model"], {})
        for column in columns:
            if row.get(column.key) is not None:
                kept.setdefault(column.key, []).append(float(row[column.key]))
    cells = {model: {c.key: _cell(found.get(c.key, [])) for c in columns} for model, found in
             values.items()}  # fmt: skip
    for column in columns:
        if column.lower is not None:
            _rank(cells, values, column)
    return dict(sorted(cells.items(), key=lambda item: samples_distance(item[1])))


def samples_distance(cells: Mapping[str, Cell]) -> float:
    """Distance of prior samples, or of ex-post samples of a model without a prior."""
    for key in ("fd_prior", "fd_ex_post"):
        cell = cells.get(key)
        if cell is not None and cell.mean is not None:
            return cell.mean
    return float("inf")


def _cell(found: Sequence[float]) -> Cell:
    if not found:
        return Cell(None, None, 0)
    return Cell(mean(found), stdev(found) if len(found) > 1 else None, len(found))


def _rank(
    cells: dict[str, dict[str, Cell]],
    values: Mapping[str, Mapping[str, list[float]]],
    column: Column,
) -> None:
    """Write rank and support into the cells of one column."""
    sign = 1.0 if column.lower else -1.0
    measured = {m: c[column.key].mean for m, c in cells.items() if c[column.key].mean is not None}
    order = sorted(measured, key=lambda model: sign * (measured[model] or 0.0))
    for place, model in enumerate(order):
        own = values[model][column.key]
        after = values[order[place + 1]][column.key] if place + 1 < len(order) else None
        cell = cells[model][column.key]
        rank = 1 + sum(sign * (m or 0.0) < sign * (cell.mean or 0.0) for m in measured.values())
        supported = None if after is None else better(own, after, bool(column.lower))
        cells[model][column.key] = Cell(cell.mean, cell.std, cell.n, rank, supported)


def better(own: Sequence[float], other: Sequence[float], lower: bool) -> bool | None:
    """Whether `own` beats `other` by more than chance; None with fewer than two of either."""
    from scipy.stats import ttest_ind

    if min(len(own), len(other)) < 2:
        return None
    if stdev(own) == stdev(other) == 0:
        return mean(own) < mean(other) if lower else mean(own) > mean(other)
    side = "less" if lower else "greater"
    return bool(ttest_ind(own, other, equal_var=False, alternative=side).pvalue < 0.05)
