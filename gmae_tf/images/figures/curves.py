"""What the training logged, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gmae_tf.utils.plotting import BLUE, INK, LIGHT, panels, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLES = {
    "reconstruction": "reconstruction",
    "ks": "KS term",
    "covariance": "covariance term",
    "sliced": "sliced term",
    "assignment": "guide (nats)",
}

GOAL_ONE = ("ks", "covariance", "sliced")
GOAL = "a sample of the prior (the goal)"


@styled
def training_curves(history: Sequence[Mapping[str, float]]) -> Figure | None:
    """Each logged term against the epoch, in training and on held-out data; None without any."""
    names = [name for name in TITLES if any(name in row for row in history)]
    if not names:
        return None
    columns = 2 if len(names) in (2, 4) else 3
    figure, cells = panels(len(names), columns, height=1.9)
    epochs = np.arange(1, len(history) + 1)
    for axes, name in zip(cells, names, strict=True):
        _draw_term(axes, epochs, history, name)
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


def _draw_term(
    axes: Axes, epochs: np.ndarray, history: Sequence[Mapping[str, float]], name: str
) -> None:
    from matplotlib.ticker import MaxNLocator

    seen = []
    for key, colour, text in ((name, LIGHT, "training"), (f"val_{name}", BLUE, "held out")):
        values = np.array([row.get(key, np.nan) for row in history])
        if np.isfinite(values).any():
            marker = "o" if len(history) < 3 else None
            axes.plot(epochs, values, color=colour, lw=1.8, label=text, marker=marker, ms=3)
            seen.append(values[np.isfinite(values)])
    everything = np.concatenate(seen)
    if name in GOAL_ONE:
        axes.axhline(
            1.0, color=INK, lw=0.8, ls=(0, (4, 3)), label="a sample of the prior (the goal)"
        )
        everything = np.append(everything, 1.0)
    if everything.min() > 0 and everything.max() > 8 * everything.min():
        _log_axis(axes)
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))


def _log_axis(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
