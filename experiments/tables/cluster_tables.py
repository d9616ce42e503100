"""Tables of what a cluster with killed workers lost, and of the versions of Python."""

from __future__ import annotations

from experiments.tables.markdown import NOTHING, grid, load


def cluster_table() -> list[str]:
    """What became of evaluations whose workers were killed."""
    rows = load("cluster", "reliability").get("rows", [])
    titles = {
        "strings": "strings, scored at once",
        "search": "a search, the same as on one machine",
    }
    return grid(
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
    if not rows:
        return ["Not measured yet."]
    return grid(
        ["Python", "backend", "commands of the installed wheel", "tests passed", "failed"],
        [
            [row["python"], row["backend"],
             f"{sum(row['commands'].values())} of {len(row['commands'])}",
             row["tests"].get("passed", NOTHING), row["tests"].get("failed", 0)]
            for row in rows
        ],
    )  # fmt: skip
