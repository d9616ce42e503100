"""The pictures of a report, each as one image that an HTML page can hold within itself.

Every function returns a `Plot`, or None when the record has nothing to draw (no trials, no
held-out data).
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from sklearn.decomposition import PCA

from bayesopt.report import summary as results
from bayesopt.report.summary import Array, SearchRecord, short, with_error
from gmae_tf.utils.plotting import BLUE, GREEN, GREY, INK, LIGHT, ORANGE, panels
from gmae_tf.utils.plotting import STYLE as SHARED_STYLE

PURPLE = "#CC79A7"
MAX_PANELS = 6
BASELINE_COLOURS = (GREY, GREEN, PURPLE)
SHADES = LinearSegmentedColormap.from_list("shades", ["#C6DBEF", "#4292C6", "#08306B"])
STYLE: Any = {
    **SHARED_STYLE,
    "svg.fonttype": "path",
    "svg.hashsalt": "report",  # the same record gives the same bytes
}


@dataclass(frozen=True)
class Plot:
    """A picture with its words: `image` is a data URI, `caption` one sentence on how to read it."""

    title: str
    caption: str
    image: str


def standard_plots(record: SearchRecord) -> list[Plot]:
    """The pictures that every task has; those without data are left out."""
    plots = (
        score_trace(record),
        surrogate_predictions(record),
        latent_map(record),
        calibration_by_batch(record),
    )
    return [plot for plot in plots if plot is not None]


def top_fits(
    x: Array,
    target: Array,
    predictions: Mapping[str, Array],
    scores: Mapping[str, float],
) -> Plot | None:
    """Fits of the best strings over the target: x [n], target [n], predictions of string -> [n].

    One panel per string in the order of `predictions`; values that are not finite leave a gap.
    """
    if not predictions or not len(x):
        return None
    with matplotlib.rc_context(STYLE):
        figure, cells = panels(len(predictions), 1, height=1.55, sharex=True, sharey=True)
        for axes, (string, values) in zip(cells, predictions.items(), strict=True):
            _draw_fit(axes, np.asarray(x), np.asarray(target), np.asarray(values, dtype=float))
            score = scores.get(string)
            suffix = "" if score is None else f"   score {short(score)}"
            axes.set_title(_clip(string, 60) + suffix, parse_math=False)  # it may hold $, ^ or _
        cells[0].legend(loc="upper left", ncols=2)
        cells[-1].set_xlabel("x")
        image = data_uri(figure)
    return Plot(
        "The best fits over the target",
        "Each panel draws one found string (blue) over the target (grey); where the grey shows "
        "beside the blue, the fit is off.",
        image,
    )


def _draw_fit(axes: Axes, x: Array, target: Array, values: Array) -> None:
    order = np.argsort(x)
    fit = np.where(np.isfinite(values), values, np.nan)
    few = len(x) < 80
    axes.plot(
        x[order],
        target[order],
        "o" if few else "-",
        color=LIGHT,
        lw=3.2,
        ms=5,
        label="target",
    )
    axes.plot(
        x[order],
        np.broadcast_to(fit, x.shape)[order],
        color=BLUE,
        lw=1.0,
        label="found",
    )
    low, high = float(np.min(target)), float(np.max(target))
    margin = 0.15 * (high - low) or 1.0
    axes.set_ylim(low - margin, high + 2 * margin)


def score_trace(record: SearchRecord) -> Plot | None:
    """Best score so far against evaluations: every seed, their median, the baselines' medians."""
    shown = record.shown
    traces = results.running_best(record.trials)
    others = {name: results.running_best(trials) for name, trials in record.baselines.items()}
    everything = [
        *traces.values(),
        *(t for runs in others.values() for t in runs.values()),
    ]
    if not any(np.isfinite(trace).any() for trace in everything):
        return None
    with matplotlib.rc_context(STYLE):
        figure, (axes,) = panels(1, 1, height=3.3)
        for trace in traces.values():
            _draw_steps(axes, shown(trace), color=BLUE, lw=0.7, alpha=0.35)
        for i, (name, runs) in enumerate(others.items()):
            style = {
                "color": BASELINE_COLOURS[i % len(BASELINE_COLOURS)],
                "ls": ("--", ":")[i % 2],
            }
            trace = shown(results.median_trace(runs.values()))
            _draw_steps(axes, trace, lw=1.7, label=name, **style)
        median = shown(results.median_trace(traces.values()))
        count = f"median of {len(traces)} seeds" if len(traces) > 1 else "one seed"
        _draw_steps(axes, median, color=BLUE, lw=2.4, label=f"{record.strategy}, {count}")
        # What is maximised has no best value that a logarithmic axis could come near to.
        logarithmic = not record.maximize and score_axis(axes, np.concatenate(everything))
        axes.set_xlim(left=0)
        axes.set_xlabel("evaluations")
        axes.set_ylabel(f"best {record.score_name} so far")
        axes.legend(loc="lower right" if record.maximize else "upper right")
        image = data_uri(figure)
    return Plot(
        f"Best {record.score_name} against evaluations",
        "Thin lines are single seeds and thick lines medians: the "
        + ("higher" if record.maximize else "lower")
        + " and the further left a line "
        + ("rises" if record.maximize else "falls")
        + ", the better the search"
        + ("; the axis is logarithmic down to its first tick above 0." if logarithmic else "."),
        image,
    )


def _draw_steps(axes: Axes, trace: Array, **style: Any) -> None:
    if np.isfinite(trace).any():
        values = np.where(np.isfinite(trace), trace, np.nan)
        axes.step(np.arange(1, len(trace) + 1), values, where="post", **style)


def surrogate_predictions(record: SearchRecord) -> Plot | None:
    """Held-out truth against the surrogate's mean, all seeds pooled, as a density."""
    fits = [fit for fit in record.fits if len(fit.truth)]
    if not fits:
        return None
    truth = record.shown(np.concatenate([np.ravel(fit.truth) for fit in fits]))
    mean = record.shown(np.concatenate([np.ravel(fit.mean) for fit in fits]))
    numbers = results.surrogate(fits)
    with matplotlib.rc_context(STYLE):
        figure, (axes,) = panels(1, 1, height=4.3)
        if len(truth) > 400:
            density = axes.hexbin(
                truth,
                mean,
                gridsize=55,
                bins="log",
                mincnt=1,
                cmap=SHADES,
                linewidths=0.1,
            )
            figure.colorbar(density, ax=axes, label="test points per cell", shrink=0.8, pad=0.02)
        else:
            axes.scatter(truth, mean, s=10, color=BLUE, alpha=0.6, lw=0)
        identity_line(axes, truth)
        axes.set_title(
            f"RMSE {with_error(numbers, 'rmse')},  "
            f"log-likelihood {with_error(numbers, 'log_likelihood')}"
        )
        axes.set_xlabel(f"true {record.score_name}")
        axes.set_ylabel(f"predicted {record.score_name}")
        image = data_uri(figure)
    return Plot(
        "The Gaussian process on held-out data",
        "Points on the dashed line are predicted exactly; a cloud flatter than the line means that "
        "the model falls back to the average.",
        image,
    )


def latent_map(record: SearchRecord) -> Plot | None:
    """First two principal components of the training codes, with the path of the best seed."""
    codes = np.asarray(record.training_codes, dtype=float)
    if codes.ndim != 2 or len(codes) < 3 or codes.shape[1] < 2:
        return None
    pca = PCA(n_components=2, svd_solver="full").fit(codes)
    path, proposals = _search_path(record)
    with matplotlib.rc_context(STYLE):
        figure, (axes,) = panels(1, 1, height=4.6)
        first, second = pca.transform(codes).T
        scores = np.asarray(record.training_scores, dtype=float)
        order = np.argsort(-scores)  # the best strings are drawn last, on top
        points = axes.scatter(
            first[order],
            second[order],
            c=record.shown(scores[order]),
            s=6,
            lw=0,
            cmap=SHADES if record.maximize else SHADES.reversed(),
            rasterized=True,
        )
        label = f"{record.score_name} of training {record.noun}"
        figure.colorbar(points, ax=axes, label=label, shrink=0.8, pad=0.02)
        _draw_path(axes, pca, path, proposals)
        _mark_top(axes, pca, results.top_trials(record.trials))
        shares = 100 * pca.explained_variance_ratio_
        axes.set_xlabel(f"first principal component ({shares[0]:.0f} % of the variance)")
        axes.set_ylabel(f"second ({shares[1]:.0f} %)")
        if axes.get_legend_handles_labels()[0]:
            axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
        image = data_uri(figure)
    return Plot(
        "Where the search went in the latent space",
        f"Dots are training {record.noun}s, coloured by {record.score_name}; crosses are the "
        "proposals of the best seed, the line joins its successive best finds, and numbered discs "
        f"are the top {record.noun}s of all seeds.",
        image,
    )


def _search_path(record: SearchRecord) -> tuple[Array, Array]:
    """Codes of the successive best finds [k, D] and of all proposals [n, D] of the best seed."""
    best = results.top_trials(record.trials, 1)
    if not best:
        return np.zeros((0, 0)), np.zeros((0, 0))
    group = [t for t in results.by_seed(record.trials)[best[0].seed] if _has_code(t.code)]
    lowest, path = math.inf, []
    for trial in results.valid_trials(group):
        if results.score_of(trial) < lowest:
            lowest = results.score_of(trial)
            path.append(trial.code)
    return np.array(path), np.array([trial.code for trial in group])


def _has_code(code: Any) -> bool:
    return code is not None and np.size(code) > 0 and bool(np.isfinite(code).all())


def _draw_path(axes: Axes, pca: PCA, path: Array, proposals: Array) -> None:
    if len(proposals):
        axes.plot(
            *pca.transform(proposals).T,
            "x",
            ms=4,
            mew=0.9,
            color=ORANGE,
            alpha=0.7,
            label="proposals",
        )
    if len(path):
        axes.plot(*pca.transform(path).T, color="white", lw=3.4, solid_joinstyle="round")
        axes.plot(*pca.transform(path).T, "-o", ms=3.5, lw=1.6, color=INK, label="best so far")


def _mark_top(axes: Axes, pca: PCA, trials: Sequence[Any]) -> None:
    marked = [(i, t) for i, t in enumerate(trials, start=1) if _has_code(t.code)]
    for rank, trial in reversed(marked):
        spot = pca.transform(np.asarray(trial.code)[None])[0]
        axes.plot(*spot, "o", ms=12, color=ORANGE, mec="white", mew=1.2, zorder=5)
        label = axes.annotate(str(rank), spot, ha="center", va="center_baseline", zorder=6)
        label.set(color="white", fontweight="bold", fontsize=8)


def calibration_by_batch(record: SearchRecord) -> Plot | None:
    """Predicted mean and 90 % interval of every proposal against its true score, batch by batch."""
    pairs = results.predicted(record.trials)
    if not pairs:
        return None
    batches = sorted({trial.batch for trial in pairs})
    groups = np.array_split(np.array(batches), min(len(batches), MAX_PANELS))
    with matplotlib.rc_context(STYLE):
        figure, cells = panels(len(groups), 3, height=2.1)
        for axes, group in zip(cells, groups, strict=True):
            inside = _draw_intervals(axes, record, [t for t in pairs if t.batch in group])
            name = f"{group[0]}" if len(group) == 1 else f"{group[0]} to {group[-1]}"
            axes.set_title(f"batch {name}: {100 * inside:.0f} %")
            axes.xaxis.set_major_locator(MaxNLocator(4))
            axes.yaxis.set_major_locator(MaxNLocator(4))
        figure.supxlabel(f"true {record.score_name}", fontsize=9)
        figure.supylabel(f"predicted {record.score_name}", fontsize=9)
        image = data_uri(figure)
    return Plot(
        "Did the proposals score as predicted?",
        "Bars are 90 % intervals given before the evaluation; blue ones hold the true score (they "
        "cross the dashed line), orange ones miss it, and the share that holds should be near "
        "90 %.",
        image,
    )


def _draw_intervals(axes: Axes, record: SearchRecord, trials: Sequence[Any]) -> float:
    """One panel; returns the share of intervals that hold the truth."""
    truth, mean, half, inside = results.prediction_arrays(trials)
    truth, mean = record.shown(truth), record.shown(mean)
    for kept, colour in ((inside, BLUE), (~inside, ORANGE)):
        bars = axes.errorbar(
            truth[kept],
            mean[kept],
            half[kept],
            fmt="o",
            ms=2,
            lw=0.6,
            color=colour,
            alpha=0.5,
        )
        for artist in bars.get_children():
            artist.set_rasterized(len(truth) > 100)
    identity_line(axes, truth)
    return float(inside.mean())


def _clip(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


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
