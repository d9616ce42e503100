"""The report of a latent space of strings: tables, figures, and an HTML page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gmae_tf.utils.plotting import BLUE, LIGHT, Picture, panels, png, styled
from gmae_tf.utils.report import Section, Table, number, percent
from grammar.autoencoder.space import LEVELS, noisy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from grammar.autoencoder.model import GrammarAutoencoder

TERMS = {"ks": "KS term", "covariance": "covariance term", "sliced": "sliced term"}
SETS = {
    "data": "held-out strings",
    "prior": "prior samples",
    "ex_post": "ex-post Gaussian",
    "midpoints": "midpoints",
}
STEPS, SHOWN, MAPPED = 50, 5, 2_000
"""Codes of a walk, decodes at each noise, and codes of a map."""


def tables(found: Mapping[str, Any]) -> list[Table]:
    """All tables of `evaluate_space`."""
    exact = found["exact"]
    rows = [(f"{found['held_out_strings']:,} held-out strings", percent(exact["held_out"], 2))]
    if "short" in exact:
        title = f"{exact['short_strings']:,} random strings of at most 12 productions"
        rows.append((title, percent(exact["short"], 2)))
    made = [
        Table("Exact reconstruction (greedy)", ("strings", "exact"), rows),
        *terms_table(found["terms"]),
        _sets_table(found),
        _noise_table(found["noise"]),
    ]
    for values in found.get("gp", {}).values():
        made.append(gaussian_process_table({"score": values}))
    return made


def headline(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The most important numbers of `evaluate_space`."""
    rows = [("Reconstructed exactly", percent(found["exact"]["held_out"], 2))]
    for level in ("0.3", "0.6"):
        rows.append((f"Same string under noise {level}", percent(found["noise"][level]["same"])))
    if "score" in found["prior"]:
        means = (number(found[name].get("score"), 2) for name in ("prior", "data"))
        rows.append(("Mean score of prior samples, of held-out strings", ", ".join(means)))
    return rows


def terms_table(terms: Mapping[str, float]) -> list[Table]:
    """Held-out codes against the prior; none of a model without one."""
    rows = [(TERMS[name], number(value)) for name, value in terms.items()]
    title = "Held-out codes against the prior, 1 = prior samples"
    return [Table(title, ("term", "value"), rows)] if rows else []


def gaussian_process_table(scores: Mapping[str, Mapping[str, float]]) -> Table:
    """Gaussian processes on codes, a row for each property that could be tested."""
    rows = [
        (name, *(number(row[key]) for key in ("rmse", "std", "ll")), f"{row['training']:,}")
        for name, row in scores.items()
        if row
    ]
    return Table(
        "Gaussian process on held-out codes (exact, Matérn 5/2, one length scale)",
        ("property", "RMSE", "standard deviation", "log-likelihood", "training codes"),
        rows,
        "The standard deviation of the tested values is the RMSE of a constant; the log-likelihood "
        "is the mean in nats. Only results of equally many training codes compare.",
    )


def _sets_table(found: Mapping[str, Any]) -> Table:
    """Strings of the data beside those that codes decode to."""
    scored = "score" in found["data"]
    columns = ["strings", "complete", "distinct", "new", "mean length", "distance"]
    columns += ["mean score", "distance"] if scored else []
    rows = []
    for name, title in SETS.items():
        row, apart = found[name], found[name].get("wasserstein", {})
        cells = [title, *(percent(row.get(key)) for key in ("complete", "distinct", "new"))]
        for key in ("length", "score") if scored else ("length",):
            cells += [number(row.get(key), 2), number(apart.get(key))]
        rows.append(cells)
    note = (
        "The ex-post Gaussian is fitted to the codes; midpoints are of random pairs. New: not "
        "among the strings of the training, those that it held out included. Lengths in "
        "productions; distances are 1-Wasserstein, to the held-out strings."
    )
    if scored:
        note += " The score is log(1 + mean squared error) to the benchmark's target."
    return Table("Samples and midpoints", columns, rows, note)


def _noise_table(noise: Mapping[str, Mapping[str, float]]) -> Table:
    scored = any("change" in row for row in noise.values())
    columns = ["standard deviation", "same string", "edit distance"]
    columns += ["mean change of values", "median"] if scored else []
    rows = [
        [
            level,
            percent(row["same"]),
            number(row["edit_distance"]),
            *(number(row[key]) for key in ("change", "median_change") if scored),
        ]
        for level, row in noise.items()
    ]
    note = "Edit distance relative to the longer string."
    if scored:
        note += " Change of values: log(1 + mean squared difference) at 1,000 points."
    return Table("Noise on codes", columns, rows, note)


def sections(
    model: GrammarAutoencoder, held_out: Sequence[str], found: Mapping[str, Any], seed: int = 0
) -> list[Section]:
    """The parts of the page: tables, a walk, neighbours, lengths and a map of codes."""
    rng = np.random.default_rng(seed)
    chosen = [held_out[i] for i in rng.permutation(len(held_out))[:MAPPED]]
    rules = model.codec.encode(chosen)
    codes = np.asarray(model.network.encode(rules), np.float64)
    lengths = (rules != model.grammar.padding).sum(axis=1)
    drawn = model.decode_rules(model.network.sample_codes(len(codes), rng))
    spread = (drawn != model.grammar.padding).sum(axis=1)
    lengths_picture = Picture(
        "samples",
        "lengths",
        "Lengths of strings",
        "In productions: held-out strings beside decodes of prior samples.",
        png(length_histograms(lengths, spread)),
    )
    first, second = codes_given_back(model.decode(codes), model.codec.decode(rules))
    return [
        Section("Measures", tables(found), pictures=[lengths_picture]),
        Section(
            "Between and around strings",
            [
                _walk(model, codes[first], codes[second]),
                _neighbours(model, codes[first], model.codec.decode(rules[[first]])[0], rng),
            ],
            pictures=[map_picture(codes, lengths.astype(float), "length, productions")],
            printed=False,
        ),
    ]


def codes_given_back(decoded: Sequence[Any], strings: Sequence[Any]) -> tuple[int, int]:
    """Indices of two strings to walk between, the first two that decode to themselves if any."""
    whole = [i for i, (a, b) in enumerate(zip(decoded, strings, strict=True)) if a == b]
    others = [i for i in range(len(strings)) if i not in set(whole[:2])]
    first, second = [*whole[:2], *others][:2]
    return first, second


def walk_codes(first: NDArray[Any], second: NDArray[Any]) -> NDArray[Any]:
    """Codes [STEPS, D] on the straight line from one code to another."""
    share = np.linspace(0.0, 1.0, STEPS)[:, None]
    return (1 - share) * first + share * second


def _walk(model: GrammarAutoencoder, first: NDArray[Any], second: NDArray[Any]) -> Table:
    decoded = model.decode(walk_codes(first, second))
    shares = np.linspace(0, 100, STEPS).round().astype(int)
    rows = [
        (text or "not complete", f"{int(next(part)[1])} %")
        for text, part in groupby(zip(decoded, shares, strict=True), key=lambda pair: pair[0])
    ]
    return Table(
        "A walk between two held-out strings",
        ("decode", "from"),
        rows,
        "Decodes on the straight line between two codes, with the share of the way at which each "
        "begins.",
    )


def _neighbours(
    model: GrammarAutoencoder, code: NDArray[Any], text: str | None, rng: np.random.Generator
) -> Table:
    rows = []
    for level in LEVELS:
        moved = model.decode(noisy(np.repeat(code[None], SHOWN, axis=0), level, rng))
        rows += [(other or "not complete", str(level)) for other in moved]
    title = f"Decodes around {text}"
    return Table(title, ("decode", "noise"), rows, "Its code with noise of each deviation.")


@styled
def length_histograms(data: NDArray[Any], drawn: NDArray[Any]) -> Figure:
    """Shares of lengths of the data, as bars, and of prior samples, as a line of steps."""
    figure, [axes] = panels(1, 1, height=2.4)
    bins = [i + 0.5 for i in range(int(max(data.max(), drawn.max())) + 1)]
    axes.hist(data, bins, density=True, color=LIGHT, label="held-out strings")
    axes.hist(drawn, bins, density=True, color=BLUE, histtype="step", lw=1.4, label="prior samples")
    axes.set_xlabel("productions")
    axes.set_ylabel("share")
    axes.legend()
    return figure


def map_picture(codes: NDArray[Any], values: NDArray[Any], name: str) -> Picture:
    """Codes [N, D] in two planes, coloured by a property [N]."""
    return Picture(
        "space",
        "map",
        f"Held-out codes by {name.partition(',')[0]}",
        "Left the two principal components of the codes, which know nothing of the property. Right "
        "the plane that partial least squares finds for it on half of the codes, with the other "
        "half in it: a smooth change of colour says that the property can be read off the code.",
        png(code_map(codes, values, name)),
    )


@styled
def code_map(codes: NDArray[Any], values: NDArray[Any], name: str) -> Figure:
    """Two planes of codes [N, D], by principal components and by partial least squares."""
    from sklearn.cross_decomposition import PLSRegression
    from sklearn.decomposition import PCA

    kept = np.isfinite(values)
    codes, values = codes[kept], values[kept]
    flat = codes.shape[1] == 1
    codes = np.pad(codes, [(0, 0), (0, int(flat))])
    figure, cells = panels(2, 2, height=2.9)
    limits = dict(zip(("vmin", "vmax"), np.quantile(values, (0.02, 0.98)), strict=True))
    principal = PCA(2).fit(codes)
    share = principal.explained_variance_ratio_.sum()
    half = len(codes) // 2
    planes = [
        (principal.transform(codes), values, f"principal components, {share:.0%} of variance")
    ]
    if half >= 2 and np.ptp(values[:half]) and not flat:
        found = PLSRegression(2).fit(codes[:half], values[:half])
        planes.append((found.transform(codes[half:]), values[half:], "partial least squares"))
    else:
        cells[1].set_visible(False)
    for axes, (points, colours, title) in zip(cells, planes, strict=False):
        shown = axes.scatter(
            points[:, 0], points[:, 1], c=colours, s=5, lw=0, cmap="viridis", **limits
        )
        axes.set_title(title)
        axes.set_xticks([])
        axes.set_yticks([])
    figure.colorbar(shown, ax=cells, label=name, shrink=0.85)
    return figure
