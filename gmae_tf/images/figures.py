"""Pictures of an image model: arrays in, matplotlib figures out.

Grids of images, in which every pixel is drawn as a square of whole pixels, so nothing blurs; codes
beside the prior; clusters beside classes; the training's log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gmae_tf.prior import GaussianMixture
from gmae_tf.utils.plotting import BLUE, CLASSES, DPI, INK, LIGHT, WIDTH, new_figure, panels, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
Images = NDArray[np.uint8]
GAP, BREAK = 1, 8
"""White pixels of an image's own scale between neighbours, and between groups."""
GOAL = 6 * DPI
"""Pixels of the finished picture's width that are aimed at."""
TEXT = DPI // 8
"""Pixels of a line of text with its air."""
MAX_POINTS = 3000
SHARES = (0.5, 0.9, 0.99)
"""Shares of the prior's mass that the contours enclose."""
FRAME = 80
"""Milliseconds of a frame of an animation; where a walk turns, it stands for ten of them."""
TITLES = {
    "reconstruction": "reconstruction",
    "ks": "KS term",
    "covariance": "covariance term",
    "sliced": "sliced term",
    "assignment": "guide by neighbours (nats)",
    "invariance": "invariance (nats)",
    "ambiguity": "ambiguity (nats)",
    "imbalance": "imbalance (nats)",
}


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


def animation(frames: Images, turns: Sequence[int], columns: int = 5) -> bytes:
    """Frames [T, N, H, W, C] of N images side by side, as an animated PNG that begins again.

    turns : frames that are shown for longer.
    """
    from io import BytesIO

    from PIL import Image

    mosaics = [compose(square(frame, min(columns, len(frame))))[0] for frame in frames]
    if frames.shape[-1] == 1:
        mosaics = [mosaic[..., 0] for mosaic in mosaics]
    zoom = max(1, round(GOAL / mosaics[0].shape[1]))
    large = [Image.fromarray(m.repeat(zoom, axis=0).repeat(zoom, axis=1)) for m in mosaics]
    durations = [10 * FRAME if t in turns else FRAME for t in range(len(large))]
    buffer = BytesIO()
    options: Any = {"save_all": True, "append_images": large[1:], "duration": durations, "loop": 0}
    large[0].save(buffer, format="PNG", **options)
    return buffer.getvalue()


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


def informative_pairs(prior: GaussianMixture, n: int = 6) -> list[tuple[int, int]]:
    """Pairs of coordinates in which the prior's components lie furthest apart, no more than n.

    Every coordinate is shown once before any is shown twice.
    """
    offset = prior.means - prior.mean()
    spread = np.round(prior.weights @ np.square(offset), 9)  # equal ones stay in order
    order = np.argsort(-spread, kind="stable")[: 2 * n].tolist()
    pairs = [(order[i], order[i + 1]) for i in range(0, len(order) - 1, 2)]
    others = [pair for pair in combinations(order, 2) if pair not in pairs]
    return [(min(pair), max(pair)) for pair in (pairs + others)[:n]]


@styled
def latent_pairs(
    codes: NDArray[Any],
    prior: GaussianMixture | None,
    pairs: Sequence[tuple[int, int]],
    labels: NDArray[np.int64] | None = None,
    class_names: Sequence[str] = (),
    shown: str = "codes",
) -> Figure:
    """Codes [N, D] in pairs of coordinates, coloured by label [N], over contours of the prior."""
    from matplotlib.ticker import MaxNLocator

    codes = np.asarray(codes[:MAX_POINTS], dtype=np.float64)
    labels = None if labels is None else labels[:MAX_POINTS]
    figure, cells = panels(len(pairs), 3, height=2.15)
    for axes, pair in zip(cells, pairs, strict=True):
        colours: Any = BLUE if labels is None else np.array(CLASSES)[labels % len(CLASSES)]
        axes.scatter(codes[:, pair[0]], codes[:, pair[1]], s=2.5, c=colours, lw=0, alpha=0.75)
        if prior is not None:
            _draw_contours(axes, codes[:, pair], marginal(prior, pair))
        axes.set_title(f"z{pair[0] + 1}, z{pair[1] + 1}")
        axes.set_aspect("equal", adjustable="datalim")
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    handles = _handles(labels, class_names, shown, prior is not None)
    columns = 6 if labels is not None else 2
    figure.legend(handles=handles, loc="outside lower left", ncols=columns, handletextpad=0.4)
    return figure


def marginal(prior: GaussianMixture, axes: Sequence[int]) -> GaussianMixture:
    """The mixture that the prior is in some coordinates."""
    kept = list(axes)
    covariances = prior.covariances[:, kept][:, :, kept]
    return GaussianMixture(prior.means[:, kept], covariances, prior.weights)


@styled
def marginal_histograms(
    codes: NDArray[Any], prior: GaussianMixture | None, n: int = 8, shown: str = "held-out codes"
) -> Figure:
    """Histograms of the first n coordinates of codes [N, D] beside the prior's densities."""
    codes = np.asarray(codes, dtype=np.float64)
    count = min(n, codes.shape[1])
    figure, cells = panels(count, 4, height=1.45)
    for j, axes in enumerate(cells):
        axes.hist(codes[:, j], bins=60, density=True, color=LIGHT, label=shown)
        if prior is not None:
            grid = np.linspace(*_limits(codes[:, [j]], marginal(prior, [j]))[0], 300)
            density = np.exp(marginal(prior, [j]).log_prob(grid[:, None]))
            axes.plot(grid, density, color=BLUE, lw=1.4, label="prior")
            axes.set_xlim(grid[0], grid[-1])
        axes.set_title(f"z{j + 1}")
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
    handles, names = cells[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower left", ncols=2)
    return figure


@styled
def confusion_matrix(
    counts: NDArray[np.int64], class_names: Sequence[str], columns: Sequence[str]
) -> Figure:
    """Counts [classes, clusters] as shares of each class; numbers where there is room for them."""
    from matplotlib.colors import LinearSegmentedColormap

    rows, width = counts.shape
    shares = 100 * counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    height = min(8.0, 0.8 + 0.3 * rows)
    figure = new_figure(WIDTH, height, layout="constrained")
    axes = figure.subplots()
    shades = LinearSegmentedColormap.from_list("shades", ["#FFFFFF", "#9ECAE1", "#2171B5"])
    axes.imshow(shares, cmap=shades, vmin=0, vmax=100, aspect="auto")
    if rows <= 20 and width <= 20:
        for r, c in np.ndindex(rows, width):
            colour = "white" if shares[r, c] > 60 else INK
            text = f"{shares[r, c]:.0f}" if shares[r, c] >= 0.5 else "·"
            axes.text(c, r, text, ha="center", va="center", color=colour, fontsize=8)
    axes.set_xticks(range(width), columns)
    axes.set_yticks(range(rows), class_names, parse_math=False)
    axes.set_xlabel("cluster")
    axes.set_ylabel("class")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


def _draw_contours(axes: Axes, points: Array, prior: GaussianMixture) -> None:
    """Lines of equal density that enclose `SHARES` of the prior's mass."""
    (left, right), (low, high) = _limits(points, prior)
    x, y = np.meshgrid(np.linspace(left, right, 120), np.linspace(low, high, 120))
    density = prior.log_prob(np.stack([x.ravel(), y.ravel()], axis=1)).reshape(x.shape)
    draws = prior.log_prob(prior.sample(20_000, np.random.default_rng(0)))
    levels = np.quantile(draws, sorted(1 - share for share in SHARES))
    axes.contour(x, y, density, levels=levels, colors=INK, linewidths=0.7, linestyles="solid")


def _limits(points: Array, prior: GaussianMixture) -> list[tuple[float, float]]:
    """Where both nearly all codes and the prior are, a (low, high) for each coordinate."""
    deviations = np.sqrt(np.diagonal(prior.covariances, axis1=1, axis2=2))
    low = np.minimum((prior.means - 3.6 * deviations).min(axis=0), np.quantile(points, 0.002, 0))
    high = np.maximum((prior.means + 3.6 * deviations).max(axis=0), np.quantile(points, 0.998, 0))
    return list(zip(low.tolist(), high.tolist(), strict=True))


def _handles(
    labels: NDArray[np.int64] | None, names: Sequence[str], shown: str, contours: bool
) -> list[Any]:
    from matplotlib.lines import Line2D

    def dot(colour: str, text: str) -> Line2D:
        return Line2D([], [], marker="o", ls="", ms=5, mew=0, color=colour, label=text)

    if labels is None:
        dots = [dot(BLUE, shown)]
    else:
        dots = [
            dot(CLASSES[c % len(CLASSES)], names[c] if c < len(names) else str(c))
            for c in np.unique(labels)
        ]
    line = Line2D([], [], color=INK, lw=0.9, label="prior (50, 90, 99 %)")
    return [*dots, *([line] if contours else [])]


@styled
def training_curves(history: Sequence[Mapping[str, float]]) -> Figure | None:
    """Each logged term against the epoch, in training and on held-out data; None without any."""
    names = [name for name in TITLES if any(name in row for row in history)]
    if not names:
        return None
    columns = 2 if len(names) in (2, 4) else 3
    figure, cells = panels(len(names), columns, height=1.9)
    for axes, name in zip(cells, names, strict=True):
        _draw_term(axes, history, name)
        axes.set_title(TITLES[name])
        axes.set_xlim(1, max(2, len(history)))
    for axes in cells[-columns:]:
        axes.set_xlabel("epoch")
    named: dict[str, Any] = {}
    for axes in cells:
        handles, texts = axes.get_legend_handles_labels()
        named.update(zip(texts, handles, strict=True))
    figure.legend(named.values(), named.keys(), loc="outside lower left", ncols=3)
    return figure


def _draw_term(axes: Axes, history: Sequence[Mapping[str, float]], name: str) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    epochs = np.arange(1, len(history) + 1)
    marker = "o" if len(history) < 3 else None
    for key, colour, text in ((name, LIGHT, "training"), (f"val_{name}", BLUE, "held out")):
        values = np.array([row.get(key, np.nan) for row in history])
        if np.isfinite(values).any():
            axes.plot(epochs, values, color=colour, lw=1.8, label=text, marker=marker, ms=3)
    seen = np.concatenate([line.get_ydata() for line in axes.lines])
    if name in ("ks", "covariance", "sliced"):
        axes.axhline(
            1.0, color=INK, lw=0.8, ls=(0, (4, 3)), label="a sample of the prior (the goal)"
        )
        seen = np.append(seen, 1.0)
    if np.nanmin(seen) > 0 and np.nanmax(seen) > 8 * np.nanmin(seen):
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
