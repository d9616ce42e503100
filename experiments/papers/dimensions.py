"""python -m experiments.papers.dimensions: latent dimensions above and below those of the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from experiments.papers.synthetic import Manifold, dense_model
from experiments.runner import (
    Row,
    StudyOptions,
    Table,
    Trial,
    finish_study,
    open_study,
    run_trials,
    spread,
)
from gmae_tf.errors import UserError
from gmae_tf.metrics.sets import Moments, frechet_distance
from gmae_tf.utils.cli import parse_seeds, run_command
from gmae_tf.utils.locks import lock_run

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gmae_tf.autoencoder import Autoencoder

MODELS = {"wae-mmd": "WAE-MMD", "maskaae": "MaskAAE"}
BATCH, RATE = 100, 1e-3
"""Of vectors; those of images are the presets'."""
MASKED = 0.1
"""A dimension whose mask is at least this is active (source)."""


@dataclass(frozen=True)
class DimensionsConfig(StudyOptions):
    """Options of `python -m experiments.papers.dimensions`."""

    data: Literal["synthetic", "mnist", "both"] = "both"
    """Vectors of known true dimensions, MNIST, or both."""
    out: Path = Path("runs/dimensions")
    true_dims: tuple[int, ...] = (8, 16)
    """True dimensions of vectors."""
    capacities: tuple[float, ...] = (0.5, 1, 2, 4)
    """Latent dimensions for vectors, as multiples of the true ones."""
    latent_dims: tuple[int, ...] = (8, 16, 32, 64)
    """Latent dimensions for MNIST."""
    image_seeds: str = "0"
    """The same for MNIST."""
    vectors: int = 20_000
    """Vectors to train on."""
    vector_epochs: int = 10
    """Passes over them."""
    images: int = 20_000
    """Images to train on, drawn at random."""
    image_epochs: int = 4
    """Passes over them."""
    samples: int = 5_000
    """Vectors or images of each kind for the distances."""
    options: dict[str, Any] = field(default_factory=lambda: {"critic": [128, 128]})
    """Options of MaskAAE; its own critic has four layers of 1,024."""


@dataclass(frozen=True)
class Training:
    """One model to be trained: `data` is "n = 8" or "MNIST"."""

    data: str
    true_dim: int | None
    model: str
    latent_dim: int
    seed: int


def dimensions(config: DimensionsConfig) -> None:
    """Train and measure what is not done yet, then draw and print."""
    lock_run(config.out)
    from gmae_tf.utils.devices import select_device

    select_device(config.device)
    trainings = plan(config)
    grows = ("data", "true_dims", "capacities", "latent_dims", "seeds", "image_seeds")
    folder = open_study(config, "experiments.papers.dimensions", grows)

    def trial(one: Training) -> Trial:
        train = train_images if one.true_dim is None else train_vectors
        return Trial(asdict(one), lambda path: train(config, one, path))

    rows = run_trials(folder, [trial(one) for one in trainings], config.scheduler)
    finish_study(config, folder, rows, {"dimensions": draw(rows)}, table(rows))


def plan(config: DimensionsConfig) -> list[Training]:
    """All trainings in order, vectors first."""
    for name in ("true_dims", "capacities", "latent_dims"):
        if any(value <= 0 for value in getattr(config, name)):
            raise UserError(f"--{name.replace('_', '-')} must be greater than 0")
    cases: list[tuple[str, int | None, tuple[int, ...], tuple[int, ...]]] = []
    if config.data != "mnist":
        for n in config.true_dims:
            capacities = tuple(max(1, round(share * n)) for share in config.capacities)
            cases.append((f"n = {n}", n, capacities, parse_seeds(config.seeds)))
    if config.data != "synthetic":
        cases.append(("MNIST", None, config.latent_dims, parse_seeds(config.image_seeds)))
    return [
        Training(data, n, model, m, seed)
        for data, n, capacities, seeds in cases
        for seed in seeds
        for m in dict.fromkeys(capacities)
        for model in MODELS
    ]


def table(rows: Sequence[Row]) -> Table:
    """One line per data set and capacity, means over seeds of both models side by side."""
    titles = ["data", "m"]
    for title in MODELS.values():
        titles += [f"{title}: distance", "error", "m_A", "NAC"]
    lines = []
    for data, m in dict.fromkeys((row["data"], row["latent_dim"]) for row in rows):
        cells = [data, str(m)]
        for model in MODELS:
            about = (data, m, model)
            mine = [r for r in rows if (r["data"], r["latent_dim"], r["model"]) == about]
            for key, digits in (("distance", 2), ("mse", 4), ("active", 0), ("nac", 3)):
                known = [r[key] for r in mine if r[key] is not None]
                cells.append(spread(known, digits) if known else "–")
        lines.append(cells)
    return titles, lines


def train_vectors(config: DimensionsConfig, one: Training, folder: Path) -> Row:
    """Distances are between the vectors themselves: all 128 numbers are features."""
    from gmae_tf.training.fit import fit

    assert one.true_dim is not None
    draw = Manifold.random(one.true_dim, one.seed).draw
    rng = np.random.default_rng((one.seed, 1))
    counts = config.vectors, max(2, config.vectors // 20), config.samples, config.samples
    train, validation, test, others = (draw(count, rng) for count in counts)
    steps = config.vector_epochs * (len(train) // BATCH)
    network = dense_model(one.model, one.latent_dim, steps, one.seed, options_of(config, one))
    fit(
        network,
        train,
        validation,
        folder,
        epochs=config.vector_epochs,
        batch_size=BATCH,
        learning_rate=RATE,
        beta_1=0.5,
        schedule="cosine",
        seed=one.seed,
    )
    moments = Moments.of(test)
    codes = network.encode(test)
    samples = network.sample_codes(config.samples, np.random.default_rng((one.seed, 2)))
    return {
        "distance": frechet_distance(network.decode(samples), moments),
        "reconstructed": frechet_distance(network.reconstruct(others), moments),
        "floor": frechet_distance(others, moments),
        "mse": float(np.mean(np.square(network.decode(codes) - test))),
        **judge_codes(network, codes),
    }


def train_images(config: DimensionsConfig, one: Training, folder: Path) -> Row:
    """Distances are those of a classifier's features."""
    from experiments.images.measure import extractor_of, train_model
    from gmae_tf.images.evaluation.numbers import squared_errors
    from gmae_tf.train import TrainConfig, load, with_preset

    options = with_preset(
        TrainConfig(
            model=one.model,
            model_options=options_of(config, one),
            latent_dim=one.latent_dim,
            n_data=config.images,
            epochs=config.image_epochs,
            data_dir=config.data_dir,
            seed=one.seed,
        )
    )
    data = load(options)
    extractor = extractor_of(data)
    assert extractor is not None  # MNIST has labels
    model = train_model(options, data, folder)
    count = min(config.samples, len(data.test), len(data.validation))
    rng = np.random.default_rng((one.seed, 2))
    test = np.sort(rng.choice(len(data.test), count, replace=False))
    moments = Moments.of(extractor(np.asarray(data.test[test])))
    codes = model.encode(data.test)
    return {
        "distance": frechet_distance(extractor(model.sample(count, seed=rng)), moments),
        "reconstructed": frechet_distance(
            extractor(model.reconstruct(data.validation[:count])), moments
        ),
        "floor": frechet_distance(extractor(data.validation[:count]), moments),
        "features": extractor.name,
        "mse": float(squared_errors(data.test, model.decode(codes)).mean()),
        **judge_codes(model.network, codes),
    }


def judge_codes(network: Autoencoder, codes: NDArray[np.floating]) -> dict[str, Any]:
    """Active dimensions by the mask, or without one by their variances; NAC of two and more."""
    from keras import ops

    from gmae_tf.metrics.latent import absolute_correlation, active_dimensions

    mask = getattr(network.method, "mask", None)
    if mask is None:
        active = active_dimensions(codes)
    else:
        active = np.asarray(ops.convert_to_numpy(mask())) >= MASKED
    if active.sum() < 2:
        return {"active": int(active.sum()), "nac": None}
    # A dimension that the mask leaves but that does not vary has no correlations.
    return {"active": int(active.sum()), "nac": absolute_correlation(codes[:, active]).correlation}


def options_of(config: DimensionsConfig, one: Training) -> dict[str, Any]:
    """Of a model: only MaskAAE has other ones than its own."""
    return config.options if one.model == "maskaae" else {}


def draw(rows: Sequence[Row]) -> bytes:
    """Above the distances of samples, below active dimensions, against the capacity: a PNG."""
    from gmae_tf.utils.plotting import BLUE, GREY, ORANGE, panels, png, styled

    sets = list(dict.fromkeys((row["data"], row["true_dim"]) for row in rows))

    def paint() -> bytes:
        figure, cells = panels(2 * len(sets), len(sets), height=2.0)
        for column, (data, n) in enumerate(sets):
            for key, axes in zip(("distance", "active"), cells[column :: len(sets)], strict=True):
                for (model, title), colour in zip(MODELS.items(), (ORANGE, BLUE), strict=True):
                    mine = [r for r in rows if r["data"] == data and r["model"] == model]
                    places = sorted({r["latent_dim"] for r in mine})
                    means = [np.mean([r[key] for r in mine if r["latent_dim"] == m])
                             for m in places]  # fmt: skip
                    axes.plot(places, means, "-", lw=1.2, color=colour, label=title)
                    axes.plot([r["latent_dim"] for r in mine], [r[key] for r in mine], "o", ms=3,
                              color=colour, alpha=0.6)  # fmt: skip
                if n is not None:
                    axes.axvline(n, color=GREY, lw=0.8, ls=":")
                axes.set_xscale("log", base=2)
                places = sorted({r["latent_dim"] for r in rows if r["data"] == data})
                if key == "distance":
                    axes.set_yscale("log")
                else:  # a mask may leave none
                    axes.set_yscale("symlog", base=2, linthresh=places[0])
                axes.set_xticks(places, [str(m) for m in places])
                axes.set_title(data if key == "distance" else "")
                if key == "active":
                    axes.set_xlabel("capacity m")
                    axes.set_yticks([0, *places], [str(m) for m in (0, *places)])
        cells[0].set_ylabel("Fréchet distance")
        cells[len(sets)].set_ylabel("active dimensions")
        figure.legend(*cells[0].get_legend_handles_labels(), loc="outside lower left", ncols=2)
        return png(figure)

    return styled(paint)()


def main() -> None:
    """The command."""
    run_command(
        dimensions,
        DimensionsConfig,
        prog="python -m experiments.papers.dimensions",
        description="Train a Wasserstein autoencoder and one that masks dimensions, with fewer and "
        "with more latent dimensions than the data have, and compare what they generate.",
    )


if __name__ == "__main__":
    main()
