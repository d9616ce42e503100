"""Codes beside the prior: two coordinates at a time, one at a time, and clusters beside classes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gmae_tf.prior import GaussianMixture
from gmae_tf.utils.plotting import BLUE, CLASSES, INK, LIGHT, panels, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
MAX_POINTS = 3000
SHARES = (0.5, 0.9, 0.99)
"""Shares of the prior's mass that the contours enclose."""


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
        _draw_codes(axes, codes[:, pair], labels)
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

    from gmae_tf.utils.plotting import WIDTH, new_figure

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


def _draw_codes(axes: Axes, points: Array, labels: NDArray[np.int64] | None) -> None:
    colours: Any = BLUE if labels is None else np.array(CLASSES)[labels % len(CLASSES)]
    axes.scatter(points[:, 0], points[:, 1], s=2.5, c=colours, lw=0, alpha=0.75)


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
