"""The tables of the papers' own studies, from results/studies, for reproduction.py."""

from __future__ import annotations

from importlib import import_module

import tables
from image_tables import NOTHING, grid

FOLDER = tables.RESULTS
NAMES = ("dimensions", "little_data", "cluster_term", "neighbours")


def study_table(name: str) -> list[str]:
    """The table that `python -m gmae_tf.papers.NAME` prints."""
    path = FOLDER / "studies" / f"{name}.json"
    if not path.exists():
        return [f"{name}: {NOTHING}."]
    titles, rows = import_module(f"gmae_tf.papers.{name}").table(tables.read(path)["results"])
    return grid(titles, rows)
