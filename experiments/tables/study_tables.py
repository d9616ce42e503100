"""The tables of the papers' own studies, from results/studies, for reproduction.py."""

from __future__ import annotations

from importlib import import_module

from experiments.tables.markdown import NOTHING, grid, load

NAMES = ("dimensions", "little_data", "cluster_term", "neighbours")


def study_table(name: str) -> list[str]:
    """The table that `python -m experiments.papers.NAME` prints."""
    if not (results := load(name, "studies")):
        return [f"{name}: {NOTHING}."]
    return grid(*import_module(f"experiments.papers.{name}").table(results["results"]))
