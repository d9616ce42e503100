"""The papers' tables of models beside the same models here, and whether their order holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any, NamedTuple

from experiments.summary import Cell, samples_distance, summarise
from experiments.tables.image_tables import DATASETS, result
from experiments.tables.markdown import grid, number


class Measure(NamedTuple):
    """A column of the comparison: its key, how it is called, whether less is better."""

    key: str
    title: str
    lower: bool
    digits: int


MEASURES = {
    "samples": Measure("samples", "samples", True, 1),
    "ex-post mixture": Measure("fd_ex_post", "ex-post mixture", True, 1),
    "reconstructions": Measure("fd_reconstruction", "reconstructions", True, 1),
    "interpolations": Measure("fd_interpolation", "interpolations", True, 1),
    "precision": Measure("precision", "precision", False, 2),
    "recall": Measure("recall", "recall", False, 2),
    "NAC": Measure("nac", "NAC", True, 3),
}
SLIDES = {"VAE": "vae", "WAE": "wae-mmd", "CV-VAE": "cv-vae", "2-stage VAE": "2s-vae",
          "RAE": "rae", "GMAE": "gmae"}  # fmt: skip
FEW = 4


Compared = Mapping[str, Mapping[str, Mapping[str, Cell]]]
"""By data set, model and key of a column."""


def value(
    compared: Compared, data: str, model: str | list[str] | None, measure: Measure
) -> float | None:
    """What was measured here; samples of a model without a prior are those of its mixture.

    A model with a prior may come as a pair with what stands for its samples.
    """
    if isinstance(model, list):
        model, kind = model
        measure = MEASURES[kind] if measure.key == "samples" else measure
    cells = compared[data].get(model or "")
    if cells is None:
        return None
    if measure.key == "samples":
        found = samples_distance(cells)
        return found if found < float("inf") else None
    return cells[measure.key].mean


def order_tables(papers: Mapping[str, Any]) -> list[str]:
    """Every table of a paper that compares models of images."""
    compared = {data: summarise(result(f"compare_{data}").get("results", ())) for data in DATASETS}
    lines: list[str] = []
    for table in (_of_the_slides(papers["fid"]), *papers["comparisons"]):
        here = [(data, MEASURES[kind]) for data, kind in table["here"]]
        header = ["published", *table["columns"]]
        header += [f"here, {DATASETS[data]}: {measure.title}" for data, measure in here]
        rows = [
            [name, *("–" if v is None else f"{v:g}" for v in values)]
            + [
                number(value(compared, data, model, measure), measure.digits)
                for data, measure in here
            ]
            for name, model, *values in table["rows"]
        ]
        lines += [f"{table['title']}: {table['source']}.", "", *grid(header, rows), ""]
        if orders := list(_orders(table, here, compared)):
            lines += [*orders, ""]
    return lines[:-1]


def _of_the_slides(fid: Mapping[str, Any]) -> dict[str, Any]:
    """The FIDs that GMAE's authors print, on the data set that can be measured here."""
    return {
        "title": "FID on Fashion-MNIST",
        "source": fid["source"],
        "columns": fid["columns"],
        "rows": [[name, SLIDES[name], *row] for name, row in fid["fashion_mnist"].items()],
        "here": [["fashion_mnist", kind] for kind in fid["columns"]],
        "pairs": [[i, i] for i in range(len(fid["columns"]))],
    }


def _orders(
    table: Mapping[str, Any], here: list[tuple[str, Measure]], compared: Compared
) -> Iterator[str]:
    """Of each pair of columns, how many pairs of models are in the same order."""
    from scipy.stats import kendalltau

    for column, mine in table["pairs"]:
        data, measure = here[mine]
        both = {
            name: (values[column], found)
            for name, model, *values in table["rows"]
            if values[column] is not None
            and (found := value(compared, data, model, measure)) is not None
        }
        what = f"{table['columns'][column]}; here {DATASETS[data]}, {measure.title}"
        pairs = list(combinations(both, 2))
        if not pairs:
            yield f"- {what}: not measured."
            continue
        other = [
            pair if (both[pair[0]][0] < both[pair[1]][0]) == measure.lower else pair[::-1]
            for pair in pairs
            if (both[pair[0]][0] - both[pair[1]][0]) * (both[pair[0]][1] - both[pair[1]][1]) <= 0
        ]
        tau = kendalltau(*zip(*both.values(), strict=True))
        same = len(pairs) - len(other)
        text = f"- {what}: {same} of {len(pairs)} pairs of models in the same order"
        if len(both) > 2:
            text += f" (Kendall's tau {tau.statistic:.2f}, p {tau.pvalue:.2f})"
        if 0 < len(other) <= FEW:
            text += "; the reverse here: " + ", ".join(f"{a} before {b}" for a, b in other)
        yield text + "."
