"""Tables of the campaigns against faults, from their records."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.reliability import fuzz, kills, soak
from experiments.tables import markdown
from experiments.tables.markdown import NOTHING, grid, load


def kill_table() -> list[str]:
    """Kills of each command, what was lost, and whether results are equal."""
    return _grid(*kills.table(markdown.RESULTS / "reliability"))


def fuzz_table() -> list[str]:
    """Mutated inputs of each seed, read or refused."""
    return _grid(*fuzz.table(markdown.RESULTS / "reliability"))


def soak_table() -> list[str]:
    """Resident memory of each course."""
    folder = markdown.RESULTS / "reliability"
    found = [soak.summary(folder / f"soak_{what}.json") for what in soak.COURSES]
    return _grid(soak.TITLES, [row for row in found if row is not None])


def cluster_table() -> list[str]:
    """What became of evaluations whose workers were killed."""
    rows = load("cluster", "reliability").get("rows", [])
    titles = {
        "strings": "strings, scored at once",
        "search": "a search, the same as on one machine",
    }
    return _grid(
        ["on two worker processes", "evaluations", "workers killed", "lost", "counted twice",
         "made again", "values equal"],
        [
            [titles[row["what"]], f"{row['evaluations']:,}", row["kills"], row["lost"],
             row["counted_twice"], row["made_again"], "all" if row["equal"] else "no"]
            for row in rows
        ],
    )  # fmt: skip


def version_table() -> list[str]:
    """Commands and tests that ran in the environment of each Python and backend."""
    rows = load("versions", "reliability").get("rows", [])
    return _grid(
        ["Python", "backend", "commands of the installed wheel", "tests passed", "failed"],
        [
            [row["python"], row["backend"],
             f"{sum(row['commands'].values())} of {len(row['commands'])}",
             row["tests"].get("passed", NOTHING), row["tests"].get("failed", 0)]
            for row in rows
        ],
    )  # fmt: skip


def _grid(titles: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    return grid(titles, rows) if rows else [f"{NOTHING.capitalize()} yet."]
