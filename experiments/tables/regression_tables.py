"""Tables of `experiments.regression`: how often each method solves a target, and how well."""

from __future__ import annotations

from experiments.regression.summary import GROUPS, Rows, medians, solved
from experiments.tables.markdown import grid, joined, load, number

NAMES = {
    "ours": "ours",
    "ours_latent": "ours, with the latent space",
    "gplearn": "gplearn",
    "pyoperon": "pyoperon",
}


def regression_tables() -> list[str]:
    """Targets solved, then 1 - R2 of each target."""
    rows: Rows = load("regression", "expressions").get("rows", [])
    if not rows:
        return ["Not measured yet."]
    methods = [name for name in NAMES if any(row["method"] == name for row in rows)]
    header = ["method", *GROUPS, "seconds", "processor seconds", "expressions computed"]
    budget = ", ".join(f"{value:g}" for value in sorted({row["budget"] for row in rows}))
    counts = [
        [
            NAMES[method],
            *(f"{good} of {all_}" for good, all_ in solved(rows, method)),
            *(number(value, digits) for value, digits in zip(_means(rows, method), (1, 1, 0),
                                                             strict=True)),
        ]
        for method in methods
    ]  # fmt: skip
    each = [
        [target, *("–" if error is None else f"{error:.0e}" for error in errors)]
        for target, errors in medians(rows, methods).items()
    ]
    seeds = len({row["seed"] for row in rows})
    return joined(
        [f"{budget} seconds each, {seeds} seed{'s' if seeds > 1 else ''}; solved targets:"],
        grid(header, counts),
        grid(["1 - R2 on held-out rows", *(NAMES[method] for method in methods)], each),
    )


def _means(rows: Rows, method: str) -> list[float]:
    own = [row for row in rows if row["method"] == method]
    keys = ("seconds", "processor_seconds", "expressions")
    return [sum(row[key] for row in own) / len(own) for key in keys]
