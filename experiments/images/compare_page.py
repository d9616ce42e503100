"""The comparison for people: a table on the terminal, and one HTML page with pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from experiments.images.measure import Shown
from experiments.images.rows import ROWS
from experiments.runner import print_table
from experiments.summary import COLUMNS, NOTE, Cell, summarise, text
from gmae_tf.utils.plotting import CLASSES, Picture, panels, png, styled

TEMPLATES = Path(__file__).parent / "templates"
TERMINAL = ("fd_prior", "fd_ex_post", "fd_reconstruction", "accuracy", "nmi", "mse")
SAMPLES = {
    "fixed": "a prior fixed before training",
    "learnt": "a prior learnt in training",
    "ex-post": "a density fitted afterwards",
}


def print_models(results: Mapping[str, Any]) -> None:
    """The most telling columns, a line a model; all of them are on the page."""
    columns = [column for column in COLUMNS if column.key in TERMINAL]
    lines = [
        [model, *(text(Cell(cells[c.key].mean, None, 1), c) for c in columns)]
        for model, cells in summarise(results["results"]).items()
    ]
    lines += [[name, f"{value:.1f}"] for name, value in results["anchors"].items()]
    titles = ["model", *(column.title for column in columns)]
    print_table(titles, lines, f"{results['dataset']}, test images")


def write_page(results: Mapping[str, Any], shown: Mapping[str, Shown], folder: Path) -> Path:
    """Write compare.html and its figures into a folder; returns the page's path."""
    from gmae_tf.utils.files import write_atomic
    from gmae_tf.utils.html import page_environment

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
                "entry": ROWS[model],
                "samples": SAMPLES[ROWS[model].samples],
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
    from gmae_tf.images.figures import image_grid

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
