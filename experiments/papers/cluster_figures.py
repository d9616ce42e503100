"""Figures of the GM-VAE study: the cluster term, maps of codes, and what the clusters decode to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from numpy.typing import NDArray

from experiments.papers.cluster_trace import read_trace
from experiments.runner import Row
from gmae_tf.models.gm_vae import StyledMixture
from gmae_tf.utils.plotting import BLUE, CLASSES, GREY, INK, ORANGE, panels, png, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gmae_tf.autoencoder import Autoencoder

SHOWN, TRACE = "shown.npz", "trace.json"
SIDE = 28
COLOURS = (ORANGE, BLUE, *CLASSES)
Named = Sequence[tuple[Row, Path]]
"""Rows with the folders of their trainings."""


def save_shown(
    folder: Path,
    model: Autoencoder,
    codes: NDArray[np.float32],
    labels: NDArray[np.int64],
    styles: int,
    seed: int,
) -> None:
    """Two principal coordinates of codes; of GM-VAE also every cluster [K, styles, E], decoded.

    Decoded are the means of p(z|w, c), at the same values of w for all clusters.
    """
    from sklearn.decomposition import PCA

    from gmae_tf.utils.files import atomic_path

    shown = {"codes": PCA(2, random_state=0).fit_transform(codes), "labels": labels}
    if isinstance(method := model.method, StyledMixture):
        w = np.random.default_rng(seed).normal(size=(styles, method.style_dim)).astype(np.float32)
        centres = keras.ops.convert_to_numpy(method.clusters(w)[0]).swapaxes(0, 1)
        decoded = model.decode(centres.reshape(-1, centres.shape[-1]))
        shown["clusters"] = decoded.reshape(*centres.shape[:2], -1)
    with atomic_path(folder / SHOWN) as path:
        np.savez_compressed(path, **shown)


def all_figures(named: Named) -> dict[str, bytes]:
    """PNG files by name; maps and samples are of the first seed and the largest threshold."""
    seed = named[0][0]["seed"]
    first = [(row, folder) for row, folder in named if row["seed"] == seed]
    top = max(row["threshold"] or 0.0 for row, _ in first)
    chosen = [(row, folder) for row, folder in first if row["threshold"] in (None, top)]
    figures = {"cluster_term": png(draw_terms(named)), "cluster_maps": png(draw_maps(chosen))}
    for row, folder in chosen:
        if row["model"] == "gm-vae":
            draw = draw_curves if row["data"] == "synthetic" else draw_digits
            figures[f"cluster_samples_{row['data']}"] = png(draw(_shown(folder)["clusters"]))
    return figures


@styled
def draw_terms(named: Named) -> Figure:
    """The cluster term against steps, a panel a data set and a line a threshold and seed."""
    kept = [(row, folder) for row, folder in named if row["model"] == "gm-vae"]
    thresholds = sorted({row["threshold"] for row, _ in kept})
    names = list(dict.fromkeys(row["data"] for row, _ in kept))
    figure, cells = panels(len(names), 2, height=2.6, sharey=True)
    for axes, name in zip(cells, names, strict=True):
        for threshold, colour in zip(thresholds, COLOURS, strict=False):
            label: str | None = f"threshold {threshold:g}"
            for row, folder in kept:
                if (row["data"], row["threshold"]) == (name, threshold):
                    line = np.array(read_trace(folder / TRACE))
                    axes.plot(*line.T, color=colour, lw=1.0, label=label)
                    label = None
            axes.axhline(threshold, color=colour, lw=0.7, ls=":")
        axes.axhline(np.log(10), color=GREY, lw=0.7, ls="--")
        axes.set(title=name, xlabel="training step, on a logarithmic scale")
        axes.set_xscale("log")
        axes.set_xticks((10, 30, 100, 300, 1000), ("10", "30", "100", "300", "1000"))
    cells[0].set_ylabel("cluster term, nats")
    handles, labels = cells[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower left", ncols=4)
    return figure


@styled
def draw_maps(chosen: Named) -> Figure:
    """Test codes in two principal coordinates, coloured by their true class; a row a data set."""
    figure, cells = panels(len(chosen), 3, height=2.1)
    for axes, (row, folder) in zip(cells, chosen, strict=True):
        shown = _shown(folder)
        colours = np.array(CLASSES)[shown["labels"]]
        first, second = shown["codes"].T
        axes.scatter(first, second, s=2, c=colours, lw=0)
        title = {"ae": "AE", "vae": "VAE", "gm-vae": "GM-VAE"}[row["model"]]
        axes.set(title=f"{row['data']}, {title}", xticks=[], yticks=[])
    return figure


@styled
def draw_curves(clusters: NDArray[Any]) -> Figure:
    """Decoded curves [K, styles, E]: a panel a cluster and a line a value of w."""
    figure, cells = panels(len(clusters), 5, height=1.2, sharex=True, sharey=True)
    for number, (axes, curves) in enumerate(zip(cells, clusters, strict=True)):
        axes.plot(curves.T, color=INK, lw=0.5, alpha=0.6)
        axes.set(title=f"cluster {number}", xticks=[], yticks=[])
    return figure


@styled
def draw_digits(clusters: NDArray[Any]) -> Figure:
    """Decoded digits [K, styles, E]: a row a cluster and a column a value of w."""
    from gmae_tf.images.figures import image_grid

    images = np.rint(255 * clusters).astype(np.uint8).reshape(*clusters.shape[:2], SIDE, SIDE, 1)
    return image_grid(images, row_labels=[f"cluster {number}" for number in range(len(images))])


def _shown(folder: Path) -> dict[str, NDArray[Any]]:
    with np.load(folder / SHOWN) as file:
        return {name: file[name] for name in file.files}
