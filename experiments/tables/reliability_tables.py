"""Tables of the campaigns against faults, from their records."""

from __future__ import annotations

from experiments.reliability import kills, soak
from experiments.tables.markdown import RESULTS, grid

RECORDS = RESULTS / "reliability"


def kill_table() -> list[str]:
    """Kills of each command, what was lost, and whether results are equal."""
    return grid(*kills.table(RECORDS))


def soak_table() -> list[str]:
    """Resident memory of each course."""
    found = [soak.summary(RECORDS / f"soak_{what}.json") for what in soak.COURSES]
    return grid(soak.TITLES, [row for row in found if row is not None])
