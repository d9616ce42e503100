"""python -m experiments.images.study: scale of the prior, sliced term and guide, side by side.

Every combination is trained on the same images from the same initial weights, beside an
autoencoder without a penalty, and measured on the test images.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from experiments.runner import (
    PLACES,
    Row,
    StudyOptions,
    Table,
    Trial,
    open_study,
    print_table,
    run_trials,
    timed,
    write_results,
)
from gmae_tf.errors import UserError
from gmae_tf.train import TrainConfig, load, with_preset
from gmae_tf.utils.cli import parse_seeds, run_command
from gmae_tf.utils.json import to_json
from gmae_tf.utils.locks import lock_run

if TYPE_CHECKING:
    from gmae_tf.density import LatentDensity
    from gmae_tf.images.datasets import ImageData
    from gmae_tf.images.features.extractors import Extractor
    from gmae_tf.images.model import ImageAutoencoder

COLUMNS = {
    "accuracy": "accuracy",
    "nmi": "NMI",
    "mse": "MSE",
    "fd_prior": "FD prior",
    "fd_ex_post": "ex-post",
    "fd_reconstruction": "rec.",
}
LABELS = {"none": "published loss", "neighbours": "guided", "invariance": "invariance"}


@dataclass(frozen=True)
class StudyConfig(StudyOptions):
    """Options of `python -m experiments.images.study`."""

    dataset: str = "mnist"
    """Images with labels, see gmae_tf.train; the labels only judge."""
    seeds: str = "0"
    scales: tuple[float, ...] = (1.0, 2.0, 3.0, 4.0, 6.0, 10.0)
    """Scales of the one-hot means to try."""
    sliced: tuple[float, ...] = (0.0, 1.0)
    """Weights of the sliced term to try."""
    guides: tuple[Literal["none", "neighbours", "invariance"], ...] = ("none", "neighbours")
    """Guides to try."""
    baseline: bool = True
    """Train an autoencoder without a penalty as well."""
    size: Literal["small", "paper"] = "small"
    """Size of the network."""
    n_data: int | None = None
    """Use only so many training images, drawn at random."""
    epochs: int | None = None
    """Passes over the training images; those of the preset by default."""
    target_mse: float | None = None
    """As in gmae_tf.train."""
    latent_noise: float | None = None
    """As in gmae_tf.train."""
    samples: int = 10_000
    """Images of each kind for the Frechet distances."""


def study(config: StudyConfig) -> None:
    """Train and measure what is not done yet, then write study.json and print the table."""
    lock_run(config.out)
    from experiments.images.measure import extractor_of, labelled
    from gmae_tf.utils.devices import select_device
    from gmae_tf.utils.files import write_atomic

    variants = list(grid(config))
    if not variants:
        raise UserError("nothing to train: give --guides, --sliced and --scales values.")
    select_device(config.device)
    data = labelled(load(variants[0][1]))
    grows = ("scales", "sliced", "guides", "seeds", "baseline")
    folder = open_study(config, "experiments.images.study", grows)
    extractor = extractor_of(data)

    def trial(about: Row, options: TrainConfig) -> Trial:
        return Trial(
            about, lambda path: train_and_measure(options, data, path, extractor, config.samples)
        )

    if config.scheduler is not None:  # what trials share must be there before two want it at once
        for options in {(options.seed, options.guide): options for _, options in variants}.values():
            shared(options, data, folder)
    rows = run_trials(folder, [trial(*variant) for variant in variants], config.scheduler)
    rows.sort(key=lambda row: (row["scale"] or 0, row["guide"], row["sliced"], row["seed"]))
    write_results(
        folder / "study.json",
        config,
        rows,
        training_images=len(data.train),
        test_images=len(data.test),
        options={k: v for k, v in to_json(variants[-1][1]).items() if k not in PLACES},
    )
    write_atomic(folder / "study.png", draw(rows))
    print_table(*table(rows), "test images")


def grid(config: StudyConfig) -> Iterator[tuple[Row, TrainConfig]]:
    """Coordinates of each training, and its options."""
    passed = ("dataset", "size", "n_data", "epochs", "target_mse", "latent_noise", "data_dir")
    given: dict[str, Any] = {name: getattr(config, name) for name in passed}
    for seed in parse_seeds(config.seeds):
        if config.baseline:
            about = {"guide": "none", "scale": None, "sliced": 0.0, "seed": seed}
            options = TrainConfig(**given, model="ae", guide="none", seed=seed)
            yield about, with_preset(options)
        for guide, sliced, scale in itertools.product(config.guides, config.sliced, config.scales):
            options = TrainConfig(
                **given, guide=guide, mean_scale=scale, sliced_weight=sliced, seed=seed
            )
            about = {"guide": guide, "scale": scale, "sliced": sliced, "seed": seed}
            yield about, with_preset(options)


def shared(options: TrainConfig, data: ImageData, folder: Path) -> tuple[float, Any]:
    """Reconstruction weight and pseudo-labels, from the one plain autoencoder of a seed."""
    from gmae_tf.images.training import prepare

    return prepare(options, data, folder / f"seed{options.seed}")


def train_and_measure(
    options: TrainConfig, data: ImageData, folder: Path, extractor: Extractor | None, samples: int
) -> Row:
    """Train in `folder`, and measure on the test images; a seed's plain autoencoder is beside it.

    Accuracy and NMI are those of the most responsible component, of the prior or, without one, of
    the ex-post mixture.
    """
    from gmae_tf.density import LatentDensity
    from gmae_tf.images.model import ImageAutoencoder
    from gmae_tf.images.training import build, fit_network

    assert options.components is not None
    weight, groups = shared(options, data, folder.parent)
    model = ImageAutoencoder(build(options, data, weight), data.side, data.channels, options.size)
    _, seconds = timed(folder, lambda: fit_network(options, model.network, data, folder, groups))
    density = LatentDensity("mixture", options.components).fit(model.encode(data.train))
    measured = {"seconds": seconds, **judge(model, data, density, options.batch_size)}
    if extractor is not None:
        measured |= distances(model, data, density, extractor, samples, options.seed)
    return measured


def judge(
    model: ImageAutoencoder, data: ImageData, density: LatentDensity, batch_size: int
) -> dict[str, float]:
    """Groups against labels, terms of the penalty, and reconstruction, on the test images."""
    from gmae_tf.images.evaluation.numbers import squared_errors
    from gmae_tf.metrics.clustering import clustering_accuracy, normalized_mutual_information
    from gmae_tf.metrics.latent import prior_terms

    assert data.test_labels is not None
    codes = model.encode(data.test)
    prior = model.prior or density.parameters()
    found = prior.responsibilities(codes).argmax(axis=1)
    terms = prior_terms(codes, model.prior, batch_size) if model.prior else {}
    if "sliced" in terms:
        terms["sliced_term"] = terms.pop("sliced")
    return {
        "accuracy": clustering_accuracy(data.test_labels, found, prior.n_components),
        "nmi": normalized_mutual_information(data.test_labels, found),
        "mse": float(squared_errors(data.test, model.decode(codes)).mean()),
        **terms,
    }


def distances(
    model: ImageAutoencoder,
    data: ImageData,
    density: LatentDensity,
    extractor: Extractor,
    n: int,
    seed: int,
) -> Row:
    """Frechet distances to the test images, in the features of the data set's classifier."""
    import numpy as np

    from gmae_tf.metrics.sets import Moments, frechet_distance

    n = min(n, len(data.test))
    rng = np.random.default_rng(seed)
    reference = Moments.of(extractor(data.test))
    sets = {
        "fd_ex_post": model.decode(density.sample(n, rng)),
        "fd_reconstruction": model.reconstruct(data.validation[:n]),
    }
    if model.prior is not None:
        sets["fd_prior"] = model.sample(n, seed=rng)
    found = {name: frechet_distance(extractor(images), reference) for name, images in sets.items()}
    return {**found, "features": extractor.name}


def draw(rows: Sequence[Row]) -> bytes:
    """Accuracy, NMI and distance of prior samples against the scale: a PNG."""
    from gmae_tf.utils.plotting import BLUE, GREEN, GREY, ORANGE, panels, png, styled

    shown = {"accuracy": "clustering accuracy", "nmi": "NMI", "fd_prior": "FD of prior samples"}

    def paint() -> bytes:
        figure, cells = panels(len(shown), 3, height=2.5)
        for axes, (name, title) in zip(cells, shown.items(), strict=True):
            for guide, colour in (("none", ORANGE), ("neighbours", BLUE), ("invariance", GREEN)):
                for sliced, line in ((0.0, "-"), (1.0, "--")):
                    _draw_line(axes, rows, name, guide, sliced, color=colour, ls=line)
            if name == "fd_prior":
                for row in rows:
                    if row["scale"] is None and "fd_ex_post" in row:
                        axes.axhline(row["fd_ex_post"], color=GREY, lw=0.8, ls=":")
            axes.set(xlabel="scale of the means", title=title)
        handles, names = cells[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower left", ncols=4)
        return png(figure)

    return styled(paint)()


def _draw_line(
    axes: Any, rows: Sequence[Row], name: str, guide: str, sliced: float, **style: Any
) -> None:
    import numpy as np

    found: dict[float, list[float]] = {}
    for row in rows:
        about = row["guide"], row["sliced"]
        if row["scale"] is not None and name in row and about == (guide, sliced):
            found.setdefault(row["scale"], []).append(row[name])
    if found:
        scales = sorted(found)
        label = LABELS[guide]
        label += ", sliced term" if sliced else ""
        means = [np.mean(found[scale]) for scale in scales]
        axes.plot(scales, means, marker="o", ms=3, lw=1.2, label=label, **style)


def table(rows: Sequence[Row]) -> Table:
    """One line a training."""
    lines = [
        [
            "no penalty" if row["scale"] is None else row["guide"],
            str(row["scale"] or ""),
            str(row["sliced"]),
            str(row["seed"]),
            *(f"{row[key]:.3g}" if key in row else "" for key in COLUMNS),
        ]
        for row in rows
    ]
    return ["guide", "scale", "sliced", "seed", *COLUMNS.values()], lines


def main() -> None:
    """The command."""
    run_command(
        study,
        StudyConfig,
        prog="python -m experiments.images.study",
        description="Compare scales of the prior, the sliced term and the guide on images.",
    )


if __name__ == "__main__":
    main()
