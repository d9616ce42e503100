"""Grids of images in which every pixel is drawn as a square of whole pixels, so nothing blurs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gmae_tf.utils.plotting import DPI, INK, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Images = NDArray[np.uint8]
GAP, BREAK = 1, 8
"""White pixels of an image's own scale between neighbours, and between groups."""
GOAL = 1200
"""Pixels of the finished picture's width that are aimed at."""
TEXT = 24
"""Pixels of a line of text with its air."""


@styled
def image_grid(
    cells: Images,
    *,
    row_labels: Sequence[str] = (),
    headings: Sequence[tuple[int, str]] = (),
    row_breaks: Sequence[int] = (),
    column_breaks: Sequence[int] = (),
) -> Figure:
    """Images [R, C, H, W, 1 or 3] in R rows and C columns.

    Parameters
    ----------
    row_labels : a text left of each row ("" for none).
    headings : (column, text) above the left edge of a column.
    row_breaks, column_breaks : rows and columns before which there is a wider gap.
    """
    mosaic, tops, lefts = compose(cells, row_breaks, column_breaks)
    height, width = mosaic.shape[:2]
    zoom = max(1, round(GOAL / width))
    left = _label_width(row_labels)
    top = TEXT + 10 if headings else 0
    size = (left + zoom * width, top + zoom * height)
    figure = new_figure(size[0] / DPI, size[1] / DPI)
    axes = figure.add_axes((left / size[0], 0, 1 - left / size[0], 1 - top / size[1]))
    axes.imshow(mosaic, interpolation="nearest", aspect="auto")
    axes.set_axis_off()
    for y, text in zip(tops, row_labels, strict=False):
        middle = top + zoom * (y + cells.shape[2] / 2)
        _write(figure, size, left - 12, middle, text, ha="right", va="center")
    for column, text in headings:
        _write(figure, size, left + zoom * lefts[column], top - 10, text, ha="left", va="bottom")
    return figure


def compose(
    cells: Images, row_breaks: Sequence[int] = (), column_breaks: Sequence[int] = ()
) -> tuple[Images, list[int], list[int]]:
    """One RGB image of all cells [R, C, H, W, 1 or 3] on white, with the edges of rows and columns.

    Raises `ValueError` for arrays of another shape.
    """
    if cells.ndim != 5 or cells.shape[-1] not in (1, 3):
        raise ValueError(f"images must be [R, C, H, W, 1 or 3], not {cells.shape}")
    rows, columns, height, width, _ = cells.shape
    tops = _edges(rows, height, row_breaks)
    lefts = _edges(columns, width, column_breaks)
    mosaic = np.full((tops[-1] + height, lefts[-1] + width, 3), 255, dtype=np.uint8)
    for r, y in enumerate(tops):
        for c, x in enumerate(lefts):
            mosaic[y : y + height, x : x + width] = cells[r, c]  # grey is repeated over RGB
    return mosaic, tops, lefts


def square(images: Images, columns: int) -> Images:
    """The first images [N, H, W, C] that fill whole rows, as [R, columns, H, W, C]."""
    rows = len(images) // columns
    return images[: rows * columns].reshape(rows, columns, *images.shape[1:])


def side_by_side(left: Images, right: Images, names: tuple[str, str], columns: int = 8) -> Figure:
    """Two sets of images [N, H, W, C] beside each other, each under its name."""
    cells = np.concatenate([square(left, columns), square(right, columns)], axis=1)
    headings = [(0, names[0]), (columns, names[1])]
    return image_grid(cells, headings=headings, column_breaks=(columns,))


def reconstruction_pairs(images: Images, reconstructions: Images, columns: int = 10) -> Figure:
    """Rows of images [N, H, W, C], each with the row of their reconstructions below it."""
    above, below = square(images, columns), square(reconstructions, columns)
    rows = np.stack([above, below], axis=1).reshape(-1, *above.shape[1:])
    labels = ["image", "decoded"] * len(above)
    return image_grid(rows, row_labels=labels, row_breaks=range(2, len(rows), 2))


def interpolation_rows(steps: Images, start: Images, end: Images) -> Figure:
    """Decoded steps [N, S, H, W, C] between the originals `start` and `end` [N, H, W, C]."""
    cells = np.concatenate([start[:, None], steps, end[:, None]], axis=1)
    last = cells.shape[1] - 1
    headings = [(0, "image"), (1, "decoded on the line between the codes"), (last, "image")]
    return image_grid(cells, headings=headings, column_breaks=(1, last))


def neighbour_rows(samples: Images, by_pixel: Images, by_feature: Images | None) -> Figure:
    """Samples [N, H, W, C], and the nearest training images [N, M, H, W, C] by each distance."""
    groups = [("sample", samples[:, None]), ("nearest in pixels", by_pixel)]
    if by_feature is not None:
        groups.append(("nearest in features", by_feature))
    starts = np.cumsum([0, *(images.shape[1] for _, images in groups[:-1])]).tolist()
    headings = [(start, name) for start, (name, _) in zip(starts, groups, strict=True)]
    cells = np.concatenate([images for _, images in groups], axis=1)
    return image_grid(cells, headings=headings, column_breaks=starts[1:])


def _edges(count: int, size: int, breaks: Sequence[int]) -> list[int]:
    edges, at = [], 0
    for i in range(count):
        at += 0 if i == 0 else BREAK if i in breaks else GAP
        edges.append(at)
        at += size
    return edges


def _label_width(labels: Sequence[str]) -> int:
    """Pixels left of the grid: what the longest label takes."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    if not any(labels):
        return 0
    font = FontProperties(family="DejaVu Sans", size=8.5)
    points = max(TextPath((0, 0), text, prop=font).get_extents().x1 for text in labels if text)
    return round(points * DPI / 72) + 20


def _write(
    figure: Figure, size: tuple[int, int], x: float, y: float, text: str, **align: Any
) -> None:
    """Text at pixels from the left and top edges."""
    figure.text(x / size[0], 1 - y / size[1], text, color=INK, parse_math=False, **align)
