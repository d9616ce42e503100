"""The tables of the papers' own studies, from results/studies, for reproduction.py."""

from __future__ import annotations

from importlib import import_module

from experiments.tables import pages as tables
from experiments.tables.image_tables import NOTHING, grid

FOLDER = tables.RESULTS
NAMES = ("dimensions", "little_data", "cluster_term", "neighbours")


def study_table(name: str) -> list[str]:
    """The table that `python -m experiments.papers.NAME` prints."""
    path = FOLDER / "studies" / f"{name}.json"
    if not path.exists():
        return [f"{name}: {NOTHING}."]
    titles, rows = import_module(f"experiments.papers.{name}").table(tables.read(path)["results"])
    return grid(titles, rows)
