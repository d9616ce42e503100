"""The terms of the penalty against the amount by which codes miss the prior."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gmae_tf.utils.plotting import BLUE, GREEN, INK, ORANGE, panels, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLES = {"ks": "KS term", "covariance": "covariance term", "sliced": "sliced term"}
Curves = Sequence[Mapping[str, Any]]
"""Each {"panel", "change", "amounts", term: {"mean", "low", "high"}}, of `loss_analysis.curve`."""


@styled
def curves_by_size(curves: Curves) -> Figure:
    """Rows: terms of the published loss; columns: change and panel; a line a batch size."""
    columns = list(dict.fromkeys((c["change"], c["panel"]) for c in curves))
    sizes = list(dict.fromkeys(c["batch_size"] for c in curves))
    colours = dict(zip(sizes, [BLUE, ORANGE, GREEN] * len(sizes), strict=False))
    figure, cells = panels(2 * len(columns), len(columns), height=1.7, sharey="row")
    for i, axes in enumerate(cells):
        term = ("ks", "covariance")[i // len(columns)]
        change, panel = columns[i % len(columns)]
        for c in curves:
            if (c["change"], c["panel"]) == (change, panel):
                n = c["batch_size"]
                _draw_line(axes, c["amounts"], c[term], colours[n], f"N = {n}")
        _finish(axes, change if i >= len(columns) else "", log_x=False)
        axes.set_title(panel if i < len(columns) else "")
        axes.set_ylabel("" if i % len(columns) else TITLES[term])
    return _with_legend(figure, cells[0])


@styled
def curves_by_change(curves: Curves, columns: int) -> Figure:
    """Rows: changes; columns: panels; a line a term; batch sizes on a logarithmic axis."""
    figure, cells = panels(len(curves), columns, height=1.7, sharey="row")
    for i, (axes, c) in enumerate(zip(cells, curves, strict=True)):
        for term, colour in zip(TITLES, (BLUE, ORANGE, GREEN), strict=True):
            _draw_line(axes, c["amounts"], c[term], colour, TITLES[term])
        _finish(axes, c["change"], log_x="batch" in c["change"])
        axes.set_title(c["panel"] if i < columns else "")
    return _with_legend(figure, cells[0])


def _draw_line(
    axes: Axes, x: list[float], band: dict[str, list[float]], colour: str, label: str
) -> None:
    axes.plot(x, band["mean"], color=colour, lw=1.4, label=label)
    axes.fill_between(x, band["low"], band["high"], color=colour, alpha=0.18, lw=0)


def _finish(axes: Axes, x_label: str, log_x: bool) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator

    axes.axhline(1.0, color=INK, lw=0.8, ls=(0, (4, 3)), label="samples of the prior")
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(numticks=6))
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 3, 5, 10]))
    if log_x:
        axes.set_xscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.minorticks_off()
    axes.set_xlabel(x_label)


def _with_legend(figure: Figure, axes: Axes) -> Figure:
    handles, names = axes.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower left", ncols=4)
    return figure
