"""The pictures that every report has, each None where the record has nothing to draw."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from sklearn.decomposition import PCA

from bayesopt.report.summary import (
    HALF_WIDTH,
    SearchRecord,
    predicted,
    running_best,
    top,
    valid,
)
from bayesopt.storage import Array
from gmae_tf.utils.plotting import BLUE, GREEN, GREY, INK, ORANGE, Picture, panels, png, styled

BASELINES = ((GREY, "--"), (GREEN, ":"), ("#CC79A7", "--"))
"""Colours and lines of the strategies run beside the search."""
SHADES = LinearSegmentedColormap.from_list("shades", ["#C6DBEF", "#4292C6", "#08306B"])
MAX_PANELS = 6
MAPPED = 4_000
"""Training strings on the map, drawn at random."""


def standard_pictures(record: SearchRecord) -> list[Picture]:
    """The pictures that every task has; those without data are left out."""
    drawings = (score_trace, surrogate_predictions, latent_map, calibration_by_batch)
    pictures = [draw(record) for draw in drawings]
    return [picture for picture in pictures if picture is not None]


@styled
def score_trace(record: SearchRecord) -> Picture | None:
    """Best score so far against evaluations: every seed, their median, the baselines' medians."""
    if not len(valid(record.trials)):
        return None
    task = record.task
    styles: list[dict[str, Any]] = [
        {"color": BLUE, "lw": 2.4},
        *({"color": c, "ls": ls} for c, ls in BASELINES),
    ]
    figure, (axes,) = panels(1, 1, height=3.3)
    drawn = []
    for name, style in zip([record.strategy, *record.baselines], styles, strict=False):
        traces = running_best(record.of(name), task.maximize)
        if traces.empty:
            continue
        if name == record.strategy:
            axes.step(traces.index, traces, where="post", color=BLUE, lw=0.7, alpha=0.35)
            count = f"median of {traces.shape[1]} seeds" if traces.shape[1] > 1 else "one seed"
            name = f"{name}, {count}"
        # A seed that found nothing yet counts as worst.
        worst = -np.inf if task.maximize else np.inf
        median = traces.fillna(worst).median(axis="columns").replace(worst, np.nan)
        axes.step(median.index, median, where="post", label=name, **{"lw": 1.7, **style})
        drawn.append(traces.to_numpy().ravel())
    values = np.concatenate(drawn)
    # What is maximised has no best value that a logarithmic axis could come near to.
    logarithmic = not task.maximize and score_axis(axes, values)
    axes.set_xlim(left=0)
    axes.set_xlabel("evaluations")
    axes.set_ylabel(f"best {task.score_name} so far")
    axes.legend(loc="lower right" if task.maximize else "upper right")
    better, moves = ("higher", "rises") if task.maximize else ("lower", "falls")
    return Picture(
        "figures",
        "trace",
        f"Best {task.score_name} against evaluations",
        f"Thin lines are single seeds and thick lines medians: the {better} and the further left a "
        f"line {moves}, the better the search"
        + ("; the axis is logarithmic down to its first tick above 0." if logarithmic else "."),
        png(figure),
    )


@styled
def surrogate_predictions(record: SearchRecord) -> Picture | None:
    """Held-out truth against the surrogate's mean, all seeds pooled, as a density."""
    fits = [fit for fit in record.fits if len(fit.truth)]
    if not fits:
        return None
    sign = -1.0 if record.task.maximize else 1.0
    truth = sign * np.concatenate([fit.truth for fit in fits])
    mean = sign * np.concatenate([fit.mean for fit in fits])
    figure, (axes,) = panels(1, 1, height=4.3)
    if len(truth) > 400:
        density = axes.hexbin(
            truth, mean, gridsize=55, bins="log", mincnt=1, cmap=SHADES, linewidths=0.1
        )
        figure.colorbar(density, ax=axes, label="test points per cell", shrink=0.8, pad=0.02)
    else:
        axes.scatter(truth, mean, s=10, color=BLUE, alpha=0.6, lw=0)
    identity_line(axes, truth)
    axes.set_xlabel(f"true {record.task.score_name}")
    axes.set_ylabel(f"predicted {record.task.score_name}")
    return Picture(
        "figures",
        "held-out",
        "The Gaussian process on held-out data",
        "Points on the dashed line are predicted exactly; a cloud flatter than the line means that "
        "the model falls back to the average.",
        png(figure),
    )


@styled
def latent_map(record: SearchRecord) -> Picture | None:
    """First two principal components of the training codes, with the path of the best seed."""
    task, data = record.task, record.task.dataset
    rows = np.random.default_rng(0).permutation(len(data))[:MAPPED]
    if data.codes is None or len(rows) < 3 or data.codes.shape[1] < 2:
        return None
    codes, scores = data.codes[rows], data.values[rows]
    pca = PCA(n_components=2, svd_solver="full").fit(codes)
    figure, (axes,) = panels(1, 1, height=4.6)
    order = np.argsort(scores if task.maximize else -scores)  # the best are drawn last, on top
    first, second = pca.transform(codes[order]).T
    points = axes.scatter(
        first,
        second,
        c=scores[order],
        s=6,
        lw=0,
        cmap=SHADES if task.maximize else SHADES.reversed(),
    )
    label = f"{task.score_name} of training {task.noun}s"
    figure.colorbar(points, ax=axes, label=label, shrink=0.8, pad=0.02)
    best = top(record.own, task.maximize)
    if len(best):
        _draw_search(axes, pca, record, best)
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    shares = 100 * pca.explained_variance_ratio_
    axes.set_xlabel(f"first principal component ({shares[0]:.0f} % of the variance)")
    axes.set_ylabel(f"second ({shares[1]:.0f} %)")
    return Picture(
        "figures",
        "map",
        "Where the search went in the latent space",
        f"Dots are training {task.noun}s, coloured by {task.score_name}; crosses are the proposals "
        f"of the best seed, the line joins its successive best finds, and numbered discs are the "
        f"top {task.noun}s of all seeds.",
        png(figure),
    )


def _draw_search(axes: Axes, pca: PCA, record: SearchRecord, best: pd.DataFrame) -> None:
    """All proposals of the best seed, the path of its successive best finds, the best of all."""

    def places(trials: pd.DataFrame) -> Array:
        found: Array = pca.transform(np.stack(trials.code.to_list())).T
        return found

    maximize = record.task.maximize
    proposals = record.own[record.own.seed == best.seed.iloc[0]]
    axes.plot(*places(proposals), "x", ms=4, mew=0.9, color=ORANGE, alpha=0.7, label="proposals")
    found = valid(proposals)
    before = (found.score.cummax() if maximize else found.score.cummin()).shift()
    better = (found.score > before) if maximize else (found.score < before)
    path = places(found[better | before.isna()])
    axes.plot(*path, color="white", lw=3.4, solid_joinstyle="round")
    axes.plot(*path, "-o", ms=3.5, lw=1.6, color=INK, label="best so far")
    discs = list(enumerate(places(record.own.loc[best.index]).T, start=1))
    for rank, spot in reversed(discs):
        axes.plot(*spot, "o", ms=12, color=ORANGE, mec="white", mew=1.2, zorder=5)
        text = axes.annotate(str(rank), spot, ha="center", va="center_baseline", zorder=6)
        text.set(color="white", fontweight="bold", fontsize=8)


@styled
def calibration_by_batch(record: SearchRecord) -> Picture | None:
    """Predicted mean and 90 % interval of every proposal against its true score, batch by batch."""
    pairs, name = predicted(record.own), record.task.score_name
    if not len(pairs):
        return None
    batches = np.sort(pairs.batch.unique())
    groups = np.array_split(batches, min(len(batches), MAX_PANELS))
    figure, cells = panels(len(groups), 3, height=2.1)
    for axes, group in zip(cells, groups, strict=True):
        part = pairs[pairs.batch.isin(group)]
        for inside, colour in ((True, BLUE), (False, ORANGE)):
            some = part[part.inside == inside]
            half = HALF_WIDTH * some.predicted_sd
            axes.errorbar(
                some.score,
                some.predicted_mean,
                half,
                fmt="o",
                ms=2,
                lw=0.6,
                color=colour,
                alpha=0.5,
            )
        identity_line(axes, part.score.to_numpy())
        numbers = f"{group[0]}" if len(group) == 1 else f"{group[0]} to {group[-1]}"
        axes.set_title(f"batch {numbers}: {100 * part.inside.mean():.0f} %")
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.yaxis.set_major_locator(MaxNLocator(4))
    figure.supxlabel(f"true {name}", fontsize=9)
    figure.supylabel(f"predicted {name}", fontsize=9)
    return Picture(
        "figures",
        "calibration",
        "Did the proposals score as predicted?",
        "Bars are 90 % intervals given before the evaluation; blue ones hold the true score (they "
        "cross the dashed line), orange ones miss it, and the share that holds should be near "
        "90 %.",
        png(figure),
    )


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
