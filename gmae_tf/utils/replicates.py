"""Several measurements of one thing as one value, with their spread, limits and contradictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gmae_tf.utils.numbers import Measurement
from gmae_tf.utils.rows import EXAMPLES


class Row(NamedTuple):
    """The line or record number of a measurement, which is None where there is no value."""

    place: int
    measured: Measurement | None


class Replicates(NamedTuple):
    """The measurements of one thing: mean, sample standard deviation, direction of a limit.

    `width` is the greatest less the least exact value, `contradictory` whether limits exclude each
    other or the exact values.
    """

    value: float
    deviation: float = np.nan
    censoring: int = 0
    width: float = 0.0
    contradictory: bool = False


@dataclass(frozen=True)
class Averages:
    """N things and their measurements.

    Attributes
    ----------
    values : [N] float64 means, NaN without a value.
    deviations : [N] float64 sample standard deviations, NaN where there are not two exact values.
    censoring : [N] int8, 1 where the value is only a lower limit (">10"), -1 an upper one, else 0.
    conflicts : the values in words, by index of a thing whose values contradict each other or are
        further apart than the standard deviation of all values.
    notes : how many replicates, conflicts and limits there are, in words.
    """

    values: NDArray[np.float64]
    deviations: NDArray[np.float64]
    censoring: NDArray[np.int8]
    conflicts: Mapping[int, str]
    notes: tuple[str, ...]


def average(groups: Sequence[Sequence[Row]], noun: str, unit: str = "line") -> Averages:
    """The measurements of each of N things as one.

    Parameters
    ----------
    noun, unit : what the things and the places of the rows are called, such as "molecules", "line".

    >>> twice = [Row(2, Measurement(1.0)), Row(5, Measurement(1.2))]
    >>> found = average([twice, [Row(3, Measurement(10.0, 1))]], "molecules")
    >>> found.values.tolist(), found.deviations.round(3).tolist(), found.censoring.tolist()
    ([1.1, 10.0], [0.141, nan], [0, 1])
    """
    found = [replicates([r.measured for r in rows if r.measured is not None]) for rows in groups]
    values = np.array([each.value for each in found], dtype=np.float64)
    deviations = np.array([each.deviation for each in found], dtype=np.float64)
    censoring = np.array([each.censoring for each in found], dtype=np.int8)
    spread = float(np.nanstd(values)) if np.isfinite(values).any() else np.inf
    conflicts = {
        i: " and ".join(map(str, (row.measured for row in groups[i] if row.measured)))
        for i, each in enumerate(found)
        if each.contradictory or each.width > spread
    }
    notes = []
    if (repeated := np.isfinite(deviations)).any():
        pooled = float(np.sqrt(np.mean(deviations[repeated] ** 2)))
        notes.append(
            f"{noun} measured more than once, of which the mean is taken: {repeated.sum():,} "
            f"(standard deviation of replicates {pooled:.3g})"
        )
    if conflicts:
        shown = [
            f"{unit}s {', '.join(str(row.place) for row in groups[i])}: {text}"
            for i, text in list(conflicts.items())[:EXAMPLES]
        ]
        more = ["..."] if len(conflicts) > EXAMPLES else []
        notes.append(
            f"{noun} in conflict, with values further apart than the standard deviation of all "
            f"({spread:.3g}): {len(conflicts):,} ({'; '.join([*shown, *more])})"
        )
    if censoring.any():
        above, below = int((censoring > 0).sum()), int((censoring < 0).sum())
        notes.append(
            "limits among the values, each of which counts as the limit itself: "
            f"{above + below:,} ({above:,} >, {below:,} <)"
        )
    return Averages(values, deviations, censoring, conflicts, tuple(notes))


def replicates(measured: Sequence[Measurement]) -> Replicates:
    """Measurements of one thing as one value.

    Limits say nothing more where there are exact values; of several the narrowest counts, and
    between a lower and an upper one the middle.
    """
    exact = [m.value for m in measured if not m.censoring]
    lower = max((m.value for m in measured if m.censoring > 0), default=-np.inf)
    upper = min((m.value for m in measured if m.censoring < 0), default=np.inf)
    if exact:
        mean = float(np.mean(exact))
        deviation = float(np.std(exact, ddof=1)) if len(exact) > 1 else np.nan
        return Replicates(mean, deviation, 0, max(exact) - min(exact), not lower <= mean <= upper)
    if np.isfinite(lower) and np.isfinite(upper):
        return Replicates((lower + upper) / 2, contradictory=lower > upper)
    if np.isfinite(lower):
        return Replicates(lower, censoring=1)
    return Replicates(upper, censoring=-1) if np.isfinite(upper) else Replicates(np.nan)
