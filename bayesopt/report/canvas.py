"""What the pictures of a search add to the look that all pictures share: scores, SVG."""

from __future__ import annotations

import base64
import io
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from bayesopt.report.summary import Array
from gmae_tf.utils import plotting as style
from gmae_tf.utils.plotting import GREEN, GREY, INK

PURPLE = "#CC79A7"
BASELINE_COLOURS = (GREY, GREEN, PURPLE)
SHADES = LinearSegmentedColormap.from_list("shades", ["#C6DBEF", "#4292C6", "#08306B"])
STYLE: Any = {
    **style.STYLE,
    "svg.fonttype": "path",
    "svg.hashsalt": "report",  # the same record gives the same bytes
}


@dataclass(frozen=True)
class Plot:
    """A picture with its words: `image` is a data URI, `caption` one sentence on how to read it."""

    title: str
    caption: str
    image: str


def score_axis(axes: Axes, values: Array) -> bool:
    """Logarithmic (True) with a linear foot that holds 0; linear when scores can be negative."""
    finite = values[np.isfinite(values)]
    positive = finite[finite > 1e-9]
    if finite.min() < 0 or not positive.size or positive.max() < 10 * positive.min():
        return False
    foot = max(10.0 ** math.floor(math.log10(positive.min())), positive.max() * 1e-6)
    decades = range(math.floor(math.log10(foot)), math.ceil(math.log10(positive.max())) + 1)
    steps = (1, 2, 5) if len(decades) <= 4 else (1,)
    ticks = [0.0, *(step * 10.0**decade for decade in decades for step in steps)]
    axes.set_yscale("symlog", linthresh=foot, linscale=0.35)
    axes.yaxis.set_major_locator(FixedLocator([t for t in ticks if t == 0 or t >= foot * 0.999]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_ylim(-0.15 * foot, positive.max() * 1.15)
    return True


def identity_line(axes: Axes, truth: Array) -> None:
    """Draw where a prediction equals the truth [n]."""
    middle = float(np.mean(truth))
    axes.axline((middle, middle), slope=1, color=INK, lw=0.9, ls=(0, (4, 3)))


def data_uri(figure: Figure) -> str:
    """The figure as an SVG data URI; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    metadata = {"Date": None, "Creator": None}
    figure.savefig(buffer, format="svg", dpi=160, transparent=True, metadata=metadata)
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
