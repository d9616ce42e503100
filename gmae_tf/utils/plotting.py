"""The look that all pictures share, and how a picture becomes a file.

Only matplotlib's object API is used, so nothing here touches a global figure or a display.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from gmae_tf.utils.files import write_atomic

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

P = ParamSpec("P")
R = TypeVar("R")

# Okabe and Ito (2008), distinct under every common colour vision.
BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"
GREY, LIGHT, INK = "#767676", "#C9C9C9", "#222222"
# Paul Tol's "muted" scheme, for classes; its pale grey is darkened so that points can be seen.
CLASSES = (
    "#332288", "#88CCEE", "#44AA99", "#117733", "#999933",
    "#DDCC77", "#CC6677", "#882255", "#AA4499", "#8C8C8C",
)  # fmt: skip
DPI = 240
"""Twice as many pixels as a page shows."""
WIDTH = 6.4
"""Inches; narrow, so that the labels stay readable on a telephone."""

STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "axes.titlesize": 8.5,
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.labelsize": 8.5,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "text.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


@dataclass(frozen=True)
class Picture:
    """A PNG with its words: `caption` says how to read it, `name` is its file name and anchor."""

    section: str
    """Part of the page in which it stands."""
    name: str
    title: str
    caption: str
    png: bytes

    def write(self, folder: Path) -> Path:
        """Write `folder`/name.png and return its path."""
        path = folder / f"{self.name}.png"
        write_atomic(path, self.png)
        return path


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Run a function that makes a figure in the common style."""

    @wraps(draw)
    def inside(*args: P.args, **kwargs: P.kwargs) -> R:
        import matplotlib

        with matplotlib.rc_context(STYLE):
            return draw(*args, **kwargs)

    return inside


def new_figure(width: float, height: float, **kwargs: Any) -> Figure:
    """An empty figure of so many inches that no display knows of."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI, **kwargs)
    FigureCanvasAgg(figure)
    return figure


def panels(n: int, columns: int, height: float, **kwargs: Any) -> tuple[Figure, list[Axes]]:
    """A figure of the common width with n axes in rows of `columns`; a row is `height` inches."""
    columns = min(n, columns)
    rows = -(-n // columns)
    figure = new_figure(WIDTH, height * rows, layout="constrained")
    cells = list(figure.subplots(rows, columns, squeeze=False, **kwargs).ravel())
    for axes in cells[n:]:
        axes.set_visible(False)
    return figure, cells[:n]


def png(figure: Figure) -> bytes:
    """The figure as a PNG file; the same figure gives the same bytes.

    Its words may be a user's, so a dollar in them begins no formula, and a letter that the font
    lacks is drawn as a box without a warning.
    """
    from matplotlib.text import Text

    buffer = io.BytesIO()
    for text in figure.findobj(Text):
        text.set_parse_math("\\mathdefault" in text.get_text() or "$" not in text.get_text())
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
