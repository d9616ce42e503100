"""python -m experiments.images.loss_analysis: terms of the penalty on codes off the prior.

The loss analysis of Saseendran et al. 2021 (appendix A.1, figures 1 and 2) and beyond it: codes
are drawn from a changed prior, and each term is measured against the amount of the change.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from experiments.runner import print_table
from gmae_tf.errors import UserError
from gmae_tf.utils.cli import console, run_command

if TYPE_CHECKING:
    from gmae_tf.prior import GaussianMixture

Array = NDArray[np.float64]
Draw = Callable[[int, np.random.Generator], Array]
TERMS = ("ks", "covariance", "sliced")
BATCH = 100
"""Codes of a batch where the batch size is not what varies; that of the paper."""
SCALES = (1, 3, 10)
"""Lengths of the one-hot means: of the paper, and two further apart."""
DIRECTIONS = 32


@dataclass(frozen=True)
class AnalysisConfig:
    """Options of `python -m experiments.images.loss_analysis`."""

    out: Path = Path("runs/loss-analysis")
    """Folder for loss_analysis.json and the figures."""
    repeats: int = 100
    """Batches that are drawn for each point of a curve."""
    batch_sizes: tuple[int, ...] = (50, 100, 500)
    """Codes of a batch; one line each."""
    points: int = 13
    """Points of a curve."""
    seed: int = 0
    """Seed of the codes."""


def analyse(config: AnalysisConfig) -> None:
    """Measure, print the table, and write numbers and figures."""
    if config.repeats < 2 or config.points < 2 or min(config.batch_sizes, default=0) < 2:
        raise UserError("--repeats, --points and every one of --batch-sizes must be at least 2")
    from experiments.images.loss_curves import curves_by_change, curves_by_size
    from gmae_tf.utils.devices import select_device
    from gmae_tf.utils.files import write_atomic
    from gmae_tf.utils.json import write_json
    from gmae_tf.utils.plotting import png
    from gmae_tf.utils.run_dir import versions

    select_device("cpu")  # many small sums: nothing for a GPU
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # each prior is traced once, on purpose
    rng = np.random.default_rng(config.seed)
    table = blind_spots(4 * config.repeats, rng)
    results: dict[str, Any] = {
        "settings": {**asdict(config), "out": None, "batch": BATCH, "directions": DIRECTIONS},
        "versions": versions(("numpy", "keras", "tensorflow")),
        "blind_spots": table,
    }
    _print_table(table)
    for name, measure, draw in (
        ("unimodal", unimodal, curves_by_size),
        ("multimodal", multimodal, curves_by_size),
        ("structure", structure, partial(curves_by_change, columns=len(SCALES))),
    ):
        results[name] = list(measure(config, rng))
        picture = config.out / f"loss_analysis_{name}.png"
        write_atomic(picture, png(draw(results[name])))
        console().print(f"{picture}", soft_wrap=True)
    write_json(config.out / "loss_analysis.json", results, indent=None)


def terms(
    prior: GaussianMixture,
    draws: Sequence[Draw],
    n: int,
    repeats: int,
    rng: np.random.Generator,
    sliced: bool = True,
) -> dict[str, Array]:
    """Each term of `repeats` batches of n codes of each draw: name -> [draws, repeats].

    A term is 1 on average for samples of the prior.  The sliced term takes new random directions
    for each batch.
    """
    from keras import ops

    from gmae_tf.penalties import (
        covariance_distance,
        expected_covariance_distance,
        expected_ks_distance,
        ks_distance,
        sliced_distance,
    )

    codes = np.concatenate([draw(repeats * n, rng) for draw in draws]).reshape(-1, n, prior.dim)
    directions = rng.standard_normal((len(codes), DIRECTIONS if sliced else 0, prior.dim))
    directions /= np.linalg.norm(directions, axis=2, keepdims=True)
    rows = np.concatenate([codes, directions], axis=1).astype(np.float32)

    def all_terms(batch: Any) -> Any:
        z, w = batch[:n], ops.transpose(batch[n:])
        found = [ks_distance(z, prior), covariance_distance(z, prior)]
        return ops.stack([*found, *([sliced_distance(z, prior, w)] if sliced else [])])

    values = ops.convert_to_numpy(ops.vectorized_map(all_terms, ops.convert_to_tensor(rows)))
    cdf, spread = expected_ks_distance(n), expected_covariance_distance(prior, n)
    by_term = values.T.reshape(-1, len(draws), repeats)
    return dict(
        zip(
            TERMS,
            by_term / np.reshape([cdf, spread, cdf][: len(by_term)], (-1, 1, 1)),
            strict=False,
        )
    )


def shifted(prior: GaussianMixture, by: float) -> GaussianMixture:
    """All means moved by so much along every axis."""
    return _mixture(prior, prior.means + by, prior.covariances)


def scaled_means(prior: GaussianMixture, factor: float) -> GaussianMixture:
    """The paper's alpha: means times a factor."""
    return _mixture(prior, factor * prior.means, prior.covariances)


def scaled_covariances(prior: GaussianMixture, factor: float) -> GaussianMixture:
    """The paper's beta: covariances times a factor."""
    return _mixture(prior, prior.means, factor * prior.covariances)


def scaled_deviations(prior: GaussianMixture, factor: float) -> GaussianMixture:
    """Standard deviations times a factor."""
    return scaled_covariances(prior, factor**2)


def rotated(prior: GaussianMixture, degrees: float) -> GaussianMixture:
    """Means turned in the plane of the first two axes about the mean of all."""
    angle = np.deg2rad(degrees)
    turn = np.eye(prior.dim)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    offset = prior.means - prior.mean()
    return _mixture(prior, prior.mean() + offset @ turn.T, prior.covariances)


def merged(prior: GaussianMixture, share: float) -> GaussianMixture:
    """Means drawn together at a constant covariance of the whole: at 1 it is a single Gaussian."""
    offset = prior.means - prior.mean()
    between = np.einsum("k,ki,kj->ij", prior.weights, offset, offset)
    wider = prior.covariances + (1 - (1 - share) ** 2) * between
    return _mixture(prior, prior.mean() + (1 - share) * offset, wider)


def independent(prior: GaussianMixture) -> Draw:
    """Codes whose coordinates have the prior's marginals and know nothing of each other."""
    return lambda n, rng: rng.permuted(prior.sample(n, rng), axis=0)


def blind_spots(repeats: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Codes that share statistics with a prior: means of the terms, and how often each notices.

    The priors: K = D = 10 with one-hot means of three lengths, each against a Gaussian of its mean
    and covariance, and against coordinates that know nothing of each other; (3, 3) and (-3, -3)
    against (3, -3) and (-3, 3); the corners of {-4, 4}^3 whose product is positive against those
    where it is negative, which have the same marginals and covariances.
    `noticed`: share of batches whose term is above 95 % of those of prior samples.
    """
    from gmae_tf.prior import GaussianMixture

    groups: list[tuple[str, GaussianMixture, dict[str, Draw]]] = []
    for scale in SCALES:
        prior = GaussianMixture.one_hot(10, 10, scale)
        others = {
            "one Gaussian": merged(prior, 1.0).sample,
            "independent": independent(prior),
        }
        groups.append((f"one-hot x{scale}", prior, others))
    two = GaussianMixture([[3, 3], [-3, -3]])
    groups.append(("(3,3), (-3,-3)", two, {"modes flipped": rotated(two, 90).sample}))
    even = GaussianMixture(4.0 * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]))
    odd = scaled_means(even, -1.0)
    groups.append(("even corners", even, {"odd corners": odd.sample}))
    table: list[dict[str, Any]] = []
    for name, prior, others in groups:
        draws = {"the prior": prior.sample, **others}
        found = terms(prior, list(draws.values()), BATCH, repeats, rng)
        for i, codes in enumerate(draws):
            row: dict[str, Any] = {"prior": name, "codes": codes}
            for term, values in found.items():
                noticed = float((values[i] > np.quantile(values[0], 0.95)).mean())
                row[term] = {"mean": _short(values[i].mean()), "noticed": round(noticed, 3)}
            table.append(row)
    return table


def unimodal(config: AnalysisConfig, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    """Figure 1 of the appendix: one standard normal in one and two dimensions."""
    from gmae_tf.prior import GaussianMixture

    for dim in (1, 2):
        prior = GaussianMixture.standard_normal(dim)
        for title, change, amounts in (
            ("means moved by", shifted, np.linspace(0, 3, config.points)),
            ("deviations times", scaled_deviations, _factors(0.25, 3.25, config.points)),
        ):
            for n in config.batch_sizes:
                yield curve(f"D = {dim}", title, prior, change, amounts, n, config.repeats, rng)


def multimodal(config: AnalysisConfig, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    """Figure 2 of the appendix: two spherical components at one-hot vectors, D = 2 and 3."""
    from gmae_tf.prior import GaussianMixture

    for dim in (2, 3):
        prior = GaussianMixture.one_hot(2, dim)
        for title, change, amounts in (
            ("means times α", scaled_means, _factors(0, 6, config.points)),
            ("covariances times β", scaled_covariances, _factors(0.25, 6.25, config.points)),
        ):
            for n in config.batch_sizes:
                yield curve(f"D = {dim}", title, prior, change, amounts, n, config.repeats, rng)


def structure(config: AnalysisConfig, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    """Two components turned about their centre, and merged into one Gaussian; by mean scale."""
    from gmae_tf.prior import GaussianMixture

    for title, change, last in (("degrees turned", rotated, 90.0), ("share merged", merged, 1.0)):
        for scale in SCALES:
            prior, name = GaussianMixture.one_hot(2, 2, scale), f"one-hot x{scale}"
            amounts = np.linspace(0, last, config.points)
            yield curve(
                name, title, prior, change, amounts, BATCH, config.repeats, rng, sliced=True
            )
    sizes = np.geomspace(25, 1600, config.points // 2 + 1).round()
    for scale in SCALES:
        prior = GaussianMixture.one_hot(2, 2, scale)
        one = [merged(prior, 1.0).sample]
        found = [terms(prior, one, int(n), config.repeats, rng) for n in sizes]
        together = {term: np.concatenate([at[term] for at in found]) for term in TERMS}
        yield _record(f"one-hot x{scale}", "codes of a batch, all merged", sizes, together)


def curve(
    panel: str,
    change_name: str,
    prior: GaussianMixture,
    change: Callable[[GaussianMixture, float], GaussianMixture],
    amounts: Array,
    n: int,
    repeats: int,
    rng: np.random.Generator,
    sliced: bool = False,
) -> dict[str, Any]:
    """Each term against the amount of a change: mean and 5th and 95th percentile of the batches."""
    draws = [change(prior, float(amount)).sample for amount in amounts]
    found = terms(prior, draws, n, repeats, rng, sliced)
    return {**_record(panel, change_name, amounts, found), "batch_size": n}


def _record(panel: str, change: str, amounts: Array, found: dict[str, Array]) -> dict[str, Any]:
    shown: dict[str, dict[str, list[float]]] = {}
    for term, values in found.items():
        low, high = np.quantile(values, [0.05, 0.95], axis=1)
        band = {"mean": values.mean(axis=1), "low": low, "high": high}
        shown[term] = {name: [_short(v) for v in row] for name, row in band.items()}
    return {"panel": panel, "change": change, "amounts": [_short(a) for a in amounts], **shown}


def _mixture(prior: GaussianMixture, means: Array, covariances: Array) -> GaussianMixture:
    return type(prior)(means, covariances, prior.weights)


def _factors(first: float, last: float, points: int) -> Array:
    """Equal steps, and 1, where nothing is changed."""
    return np.union1d(np.linspace(first, last, points), [1.0])


def _short(value: Any) -> float:
    return float(f"{float(value):.4g}")


def _print_table(table: Sequence[dict[str, Any]]) -> None:
    lines = [
        [row["prior"], row["codes"]]
        + [f"{row[term]['mean']:.2f} ({row[term]['noticed']:.0%})" for term in TERMS]
        for row in table
    ]
    title = f"mean over batches of {BATCH} (share of batches in which it is noticed)"
    print_table(["prior", "codes", "KS", "covariance", "sliced"], lines, title)


def main() -> None:
    """The command."""
    run_command(
        analyse,
        AnalysisConfig,
        prog="python -m experiments.images.loss_analysis",
        description="Measure what the terms of the penalty see of codes that miss the prior.",
        continues=False,
    )


if __name__ == "__main__":
    main()
