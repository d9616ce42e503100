"""python -m experiments.papers.little_data: how capable a learnt prior should be when data are few.

FlexAE with generators of growing capacity, beside a fixed prior and a mixture fitted afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.runner import (
    Row,
    StudyOptions,
    Table,
    Trial,
    finish_study,
    grouped,
    open_study,
    run_trials,
    spread,
    timed,
)
from gmae_tf.errors import UserError
from gmae_tf.utils.cli import parse_seeds, run_command
from gmae_tf.utils.locks import lock_run

if TYPE_CHECKING:
    from gmae_tf.images.datasets import ImageData
    from gmae_tf.images.features.extractors import Extractor
    from gmae_tf.metrics.sets import Moments
    from gmae_tf.train import TrainConfig

CAPACITIES: tuple[tuple[int, ...], ...] = (
    (), (32,), (64, 64), (256, 256), (512, 512, 512), (1024, 1024, 1024, 1024)
)  # fmt: skip
"""Widths of the generator's hidden layers, models 1 to 6: a linear map to that of FlexAE itself."""
CRITIC = (256, 256)
"""Widths of the critic, the same for all."""
CONTROLS = {"wae-mmd": "fixed prior, WAE-MMD", "ae": "mixture fitted afterwards, AE"}
BATCH, REPEATS, VALIDATION = 50, 10, 500
"""An epoch, after which there is a checkpoint, is so many passes over the few images."""
NUMBERS = (("fd_reconstruction", "rec.", 1, 1), ("fd_generation", "gen.", 1, 1),
           ("fd_training", "gen. to training", 1, 1), ("mse", "MSE x 1000", 1000, 2))  # fmt: skip


@dataclass(frozen=True)
class LittleDataConfig(StudyOptions):
    """Options of `python -m experiments.papers.little_data`."""

    dataset: str = "mnist"
    """Images with labels, see gmae_tf.train; the labels only train the classifier that judges."""
    n_data: int = 1000
    """Training images, drawn at random, by each seed others."""
    models: tuple[int, ...] = (1, 2, 3, 4, 5, 6)
    """Generators of the prior, from a linear map (1) to four layers of 1024 (6)."""
    controls: bool = True
    """Train a model with a fixed prior, and one whose prior is fitted afterwards, as well."""
    out: Path = Path("runs/little_data")
    epochs: int = 5
    """Each ten passes over the training images."""
    latent_dim: int = 32
    """Dimensions of the codes and of the generator's noise."""
    samples: int = 5000
    """Images of each kind for the distances."""


def little_data(config: LittleDataConfig) -> None:
    """Train and measure what is not done yet; write results.json, table and figure."""
    lock_run(config.out)
    from experiments.images.measure import extractor_of
    from gmae_tf.metrics.sets import Moments
    from gmae_tf.train import load
    from gmae_tf.utils.devices import select_device

    if not set(config.models) <= set(range(1, len(CAPACITIES) + 1)):
        raise UserError(f"--models are numbers from 1 to {len(CAPACITIES)}, as in [1, 4, 6]")
    select_device(config.device)
    runs = list(_runs(config))
    if not runs:
        raise UserError("there is nothing to train: name --models, or leave --controls on")
    data = load(runs[0][1])
    grows = ("models", "controls", "seeds")
    folder = open_study(config, "experiments.papers.little_data", grows)
    extractor = extractor_of(data)
    if extractor is None:
        raise UserError("without a classifier there are no distances to compare")
    moments = Moments.of(extractor(data.test))
    rows = run_trials(
        folder,
        [Trial(about, partial(_measure, options, extractor, moments)) for about, options in runs],
        config.scheduler,
    )
    finish_study(config, folder, rows, {"little_data": draw(rows)}, table(rows))


def _runs(config: LittleDataConfig) -> Iterator[tuple[Row, TrainConfig]]:
    """What distinguishes each run, and its options, seed by seed."""
    from gmae_tf.train import TrainConfig, with_preset

    passed = ("dataset", "n_data", "epochs", "latent_dim", "samples", "data_dir")
    given: dict[str, Any] = {name: getattr(config, name) for name in passed}
    for seed in parse_seeds(config.seeds):
        for model in config.models:
            chosen = {"widths": list(CAPACITIES[model - 1]), "critic_widths": list(CRITIC)}
            options = TrainConfig(
                **given, model="flexae", model_options=chosen, batch_size=BATCH, seed=seed
            )
            yield {"model": "flexae", "capacity": model, "seed": seed}, with_preset(options)
        for name in CONTROLS if config.controls else ():
            options = TrainConfig(**given, model=name, batch_size=BATCH, seed=seed)
            yield {"model": name, "capacity": None, "seed": seed}, with_preset(options)


def _measure(options: TrainConfig, extractor: Extractor, moments: Moments, folder: Path) -> Row:
    """Train in the folder; distances of what is decoded to the test images, and errors on them.

    The distance of samples to decoded training images, too: a prior that has learnt the few codes
    by heart is near to these.
    """
    import numpy as np

    from gmae_tf.density import LatentDensity
    from gmae_tf.images.evaluation.numbers import squared_errors
    from gmae_tf.images.model import ImageAutoencoder
    from gmae_tf.images.training import build, fit_network
    from gmae_tf.metrics.sets import Moments, frechet_distance
    from gmae_tf.train import load

    data = load(options)
    few = _repeated(data)
    model = ImageAutoencoder(build(options, few, 1.0), few.side, few.channels, options.size)
    _, seconds = timed(folder, lambda: fit_network(options, model.network, few, folder))
    rng = np.random.default_rng(options.seed)
    if model.network.has_prior:
        made = model.sample(options.samples, seed=rng)
    else:
        density = LatentDensity("mixture").fit(model.encode(data.train), options.seed)
        made = model.decode(density.sample(options.samples, rng))
    own = Moments.of(extractor(model.reconstruct(data.train)))
    images = extractor(made)
    test = data.test[: options.samples]
    decoded = model.reconstruct(test)
    return {
        "fd_reconstruction": frechet_distance(extractor(decoded), moments),
        "fd_generation": frechet_distance(images, moments),
        "fd_training": frechet_distance(images, own),
        "mse": float(squared_errors(test, decoded).mean()),
        "features": extractor.name,
        "generator_parameters": _generator_parameters(model.network.method),
        "steps": options.epochs * (len(few.train) // BATCH) if options.epochs else 0,
        "seconds": seconds,
    }


def _repeated(data: ImageData) -> ImageData:
    """The few images several times, and few to validate: epochs are then long and cheap to end."""
    import numpy as np

    labels, held = data.train_labels, data.validation_labels
    return replace(
        data,
        train=np.concatenate([data.train] * REPEATS),
        train_labels=None if labels is None else np.concatenate([labels] * REPEATS),
        validation=data.validation[:VALIDATION],
        validation_labels=None if held is None else held[:VALIDATION],
    )


def _generator_parameters(method: Any) -> int | None:
    generator = getattr(method, "generator", None)
    return None if generator is None else int(generator.count_params())


def _by_capacity(rows: Sequence[Row]) -> dict[tuple[Any, ...], list[Row]]:
    """Rows by model and capacity, the controls first."""
    return grouped(sorted(rows, key=lambda row: row["capacity"] or 0), "model", "capacity")


def table(rows: Sequence[Row]) -> Table:
    """Mean ± deviation over seeds, a line a capacity or control."""
    titles = ["prior", "generator", *(title for _, title, _, _ in NUMBERS)]
    lines = []
    for (model, capacity), group in _by_capacity(rows).items():
        if capacity is None:
            names = [CONTROLS[model], "–"]
        else:
            widths = CAPACITIES[capacity - 1]
            shape = f"{len(widths)} x {widths[0]}" if widths else "linear"
            names = [f"FlexAE, model {capacity}", shape]
        numbers = [
            spread([scale * row[key] for row in group], digits) for key, _, scale, digits in NUMBERS
        ]
        lines.append([*names, *numbers])
    return titles, lines


def draw(rows: Sequence[Row]) -> bytes:
    """Distances against capacity, every seed a point and their mean a line: a PNG."""
    import numpy as np

    from gmae_tf.utils.plotting import BLUE, GREY, ORANGE, panels, png, styled

    def paint() -> bytes:
        figure, cells = panels(2, 2, height=2.7)
        groups = _by_capacity(rows)
        for axes, (key, title) in zip(
            cells,
            (("fd_generation", "generation"), ("fd_reconstruction", "reconstruction")),
            strict=True,
        ):
            sizes = [capacity for _, capacity in groups if capacity is not None]
            means = [np.mean([row[key] for row in groups["flexae", size]]) for size in sizes]
            axes.plot(sizes, means, color=BLUE, lw=1.3, label="FlexAE")
            shown = [row for row in rows if row["capacity"] is not None]
            axes.plot(
                [row["capacity"] for row in shown], [row[key] for row in shown], "o", ms=3,
                color=BLUE,
            )  # fmt: skip
            for (name, label), colour in zip(CONTROLS.items(), (ORANGE, GREY), strict=False):
                if (name, None) in groups:
                    mean = np.mean([row[key] for row in groups[name, None]])
                    axes.axhline(mean, color=colour, lw=1.0, ls="--", label=label)
            axes.set(title=title, xlabel="model of the generator", ylim=(0, None))
        cells[0].set_ylabel("Frechet distance to test images")
        handles, labels = cells[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower left", ncols=3)
        return png(figure)

    return styled(paint)()


def main() -> None:
    """The command."""
    run_command(
        little_data,
        LittleDataConfig,
        prog="python -m experiments.papers.little_data",
        description="Train FlexAE with priors of growing capacity on few images.",
    )


if __name__ == "__main__":
    main()
