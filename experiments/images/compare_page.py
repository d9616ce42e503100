"""The comparison for people: a table on the terminal, and one HTML page with pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.images.measure import Shown
from experiments.summary import COLUMNS, Cell, Column, summarise
from gmae_tf.models import MODELS
from gmae_tf.utils.plotting import CLASSES, Picture, panels, png, styled

if TYPE_CHECKING:
    from rich.console import Console

TEMPLATES = Path(__file__).parents[1] / "templates"
NOTE = (
    "Means over the seeds ± standard deviation; in brackets the rank, and * where the model beats "
    "the next one by more than the spread of the seeds explains (Welch's t-test, 5 %)."
)
TERMINAL = ("fd_prior", "fd_ex_post", "fd_reconstruction", "accuracy", "nmi", "mse")
SAMPLES = {
    "fixed": "a prior fixed before training",
    "learnt": "a prior learnt in training",
    "ex-post": "a density fitted afterwards",
}


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


def print_table(results: Mapping[str, Any], console: Console) -> None:
    """The most telling columns, a line a model; all of them are on the page."""
    from rich.table import Table

    columns = [column for column in COLUMNS if column.key in TERMINAL]
    table = Table(title=f"{results['dataset']}, test images", box=None, padding=(0, 1))
    for name in ("model", *(column.title for column in columns)):
        table.add_column(name, justify="left" if name == "model" else "right", no_wrap=True)
    for model, cells in summarise(results["results"]).items():
        table.add_row(model, *(short(cells[c.key], c) for c in columns))
    for name, value in results["anchors"].items():
        table.add_row(name, f"{value:.1f}", style="dim")
    console.print(table)


def short(cell: Cell, column: Column) -> str:
    """The mean alone, for a narrow terminal."""
    return "–" if cell.mean is None else f"{column.scale * cell.mean:,.{column.decimals}f}"


def write_page(results: Mapping[str, Any], shown: Mapping[str, Shown], folder: Path) -> Path:
    """Write compare.html and its figures into a folder; returns the page's path."""
    from gmae_tf.utils.html import page_environment
    from gmae_tf.utils.run_dir import write_atomic

    summary = summarise(results["results"])
    pictures = list(draw({model: shown[model] for model in summary if model in shown}))
    for picture in pictures:
        picture.write(folder / "figures")
    html = page_environment(TEMPLATES).get_template("comparison.html.j2").render(
        results=results,
        columns=COLUMNS,
        rows=[
            {
                "name": model,
                "entry": MODELS[model],
                "samples": SAMPLES[MODELS[model].samples],
                "cells": [text(cells[column.key], column) for column in COLUMNS],
            }
            for model, cells in summary.items()
        ],
        note=NOTE,
        pictures=pictures,
        seeds=sorted({row["seed"] for row in results["results"]}),
    )  # fmt: skip
    write_atomic(folder / "compare.html", html)
    return folder / "compare.html"


def draw(shown: Mapping[str, Shown]) -> list[Picture]:
    """Samples, reconstructions, interpolations and maps of codes, a row or panel a model."""
    from gmae_tf.images.figures.images import image_grid

    names = list(shown)
    made = []
    for attribute, title, caption in (
        ("samples", "Samples", "Of the prior, or of the ex-post mixture of a model without one."),
        ("interpolated", "Interpolations", "Decoded between the codes of two test images."),
    ):
        cells = np.stack([getattr(one, attribute) for one in shown.values()])
        figure = image_grid(cells, row_labels=names)
        made.append(Picture("figures", attribute, title, caption, png(figure)))
    pairs = next(iter(shown.values())).reconstructed
    rows = np.stack([pairs[:, 0], *(one.reconstructed[:, 1] for one in shown.values())])
    figure = image_grid(rows, row_labels=["test image", *names], row_breaks=(1,))
    caption = "The same test images, encoded and decoded by each model."
    made.append(Picture("figures", "reconstructed", "Reconstructions", caption, png(figure)))
    caption = "Test codes by their two principal coordinates, coloured by class."
    made.append(Picture("figures", "maps", "Maps of codes", caption, maps(shown)))
    return made


def maps(shown: Mapping[str, Shown]) -> bytes:
    """A scatter plot a model: a PNG."""

    def paint() -> bytes:
        figure, cells = panels(len(shown), 4, height=1.7)
        for axes, (name, one) in zip(cells, shown.items(), strict=True):
            colours = [CLASSES[label % len(CLASSES)] for label in one.labels]
            axes.scatter(one.codes[:, 0], one.codes[:, 1], c=colours, s=1.5, linewidths=0)
            axes.set(title=name, xticks=[], yticks=[])
        return png(figure)

    return styled(paint)()
