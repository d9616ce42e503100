"""python -m experiments.images.compare: several models on the same images, in one table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from experiments.images.rows import PUBLISHED, ROWS
from experiments.runner import (
    PLACES,
    Row,
    StudyOptions,
    Trial,
    open_study,
    run_trials,
    timed,
    trial_name,
    write_results,
)
from gmae_tf.errors import UserError
from gmae_tf.models import entry
from gmae_tf.train import TrainConfig, load, with_preset
from gmae_tf.utils.cli import console, parse_seeds, run_command
from gmae_tf.utils.json import read_json, to_json, write_json
from gmae_tf.utils.locks import lock_run

if TYPE_CHECKING:
    from experiments.images.measure import Shown
    from gmae_tf.images.datasets import ImageData
    from gmae_tf.images.features.extractors import Extractor

SHOWN = "shown.npz"


@dataclass(frozen=True)
class CompareConfig(StudyOptions):
    """Options of `python -m experiments.images.compare`."""

    dataset: str = "mnist"
    """Images, as in gmae_tf.train; labels only judge."""
    models: str = "all"
    """Names of models, as in ae,vae,gmae, or all; see --list-models of gmae_tf.train.
    gmae-published is gmae without a guide, means 1 from the origin, no noise on codes."""
    out: Path = Path("runs/compare")
    seeds: str = "0"
    size: Literal["small", "paper"] = "small"
    """Size of the networks."""
    latent_dim: int | None = None
    """Dimensions of the latent space, of the preset by default."""
    n_data: int | None = None
    """Use only so many training images, drawn at random."""
    epochs: int | None = None
    """Passes over the training images, the same for all, those of gmae's plain autoencoder
    included; those of the preset by default."""
    samples: int = 10_000
    """Images of each kind for the distances."""


def compare(config: CompareConfig) -> None:
    """Train and measure what is not done yet, then write compare.json and the page."""
    lock_run(config.out)
    from experiments.images.compare_page import print_models, write_page
    from experiments.images.measure import extractor_of
    from gmae_tf.utils.devices import select_device

    select_device(config.device)
    runs = list(variants(config))
    first = runs[0][1]
    data = load(first)
    folder = open_study(config, "experiments.images.compare", ("models", "seeds"))
    extractor = extractor_of(data)

    def trial(name: str, options: TrainConfig) -> Trial:
        return Trial(
            {"model": name, "seed": options.seed},
            lambda path: train_and_measure(options, data, path, extractor, config.samples),
        )

    trials = [trial(*run) for run in runs]
    rows = run_trials(folder, trials, config.scheduler)
    rows.sort(key=lambda row: (list(ROWS).index(row["model"]), row["seed"]))
    options = {key: value for key, value in to_json(first).items() if key not in PLACES}
    results = write_results(
        folder / "compare.json",
        config,
        rows,
        dataset=data.name,
        training_images=len(data.train),
        test_images=len(data.test),
        options={**options, "epochs": passes(first)},
        anchors=_anchors(folder, trials[0].name, data, extractor, config.samples),
    )
    shown = {
        row["model"]: folder / trial_name({key: row[key] for key in ("model", "seed")}) / SHOWN
        for row in reversed(rows)
    }
    page = write_page(results, {model: read_shown(path) for model, path in shown.items()}, folder)
    print_models(results)
    console().print(f"\npage: {page}", soft_wrap=True)


def variants(config: CompareConfig) -> Iterator[tuple[str, TrainConfig]]:
    """Name and options of each run, model by model within a seed."""
    names = list(ROWS) if config.models == "all" else list(dict.fromkeys(config.models.split(",")))
    for name in names:
        if name not in ROWS:
            entry(name)  # an unknown one is told before anything is trained
    published: dict[str, Any] = {"guide": "none", "mean_scale": 1.0, "latent_noise": 0.0}
    given = {
        name: getattr(config, name)
        for name in ("dataset", "size", "latent_dim", "n_data", "epochs", "data_dir")
    }
    for seed in parse_seeds(config.seeds):
        for name in names:
            about = {"model": "gmae", **published} if name == PUBLISHED else {"model": name}
            options = TrainConfig(**given, **about, seed=seed, samples=config.samples)
            yield name, within_budget(with_preset(options))


def within_budget(options: TrainConfig) -> TrainConfig:
    """A quarter of the epochs for the plain autoencoder whose neighbours guide: all see as much."""
    if options.guide != "neighbours":
        return options
    assert options.epochs is not None
    if options.epochs < 2:
        raise UserError("--epochs 1: gmae needs 2, one of them for the autoencoder of its guide")
    plain = max(1, options.epochs // 4)
    return replace(options, plain_epochs=plain, epochs=options.epochs - plain)


def passes(options: TrainConfig) -> int | None:
    """Passes over the images of a run, those of a guide's plain autoencoder included."""
    if options.guide != "neighbours" or options.epochs is None:
        return options.epochs
    return options.epochs + options.plain_epochs


def train_and_measure(
    options: TrainConfig, data: ImageData, folder: Path, extractor: Extractor | None, samples: int
) -> Row:
    """Numbers of one model; what the page shows of it is kept beside."""
    from experiments.images.measure import measure, train_model

    model, seconds = timed(folder, lambda: train_model(options, data, folder))
    model.details = {"dataset": data.name, "config": to_json(options)}
    model.save(folder)
    found, shown = measure(model, data, extractor, min(samples, len(data.test)), options.seed)
    save_shown(folder / SHOWN, shown)
    return {"seconds": seconds, **found}


def _anchors(
    folder: Path, trained: str, data: ImageData, extractor: Extractor | None, samples: int
) -> dict[str, float]:
    """Distances of images that no model made, measured once in a study."""
    from experiments.images.measure import anchors
    from gmae_tf.images.model import ImageAutoencoder

    path = folder / "anchors.json"
    if extractor is None:
        return {}
    if not path.exists():
        model = ImageAutoencoder.load(folder / trained)
        write_json(path, anchors(model, data, extractor, min(samples, len(data.test)), 0))
    return read_json(path)


def save_shown(path: Path, shown: Shown) -> None:
    """Images and map of a run, whole or not at all."""
    import numpy as np

    from gmae_tf.utils.files import atomic_path

    with atomic_path(path) as temporary:
        np.savez_compressed(temporary, **vars(shown))


def read_shown(path: Path) -> Shown:
    """What `save_shown` wrote."""
    import numpy as np

    from experiments.images.measure import Shown

    with np.load(path) as file:
        return Shown(**{name: file[name] for name in file.files})


def main() -> None:
    """The command."""
    run_command(
        compare,
        CompareConfig,
        prog="python -m experiments.images.compare",
        description="Train several models on the same images and put them in one table.",
    )


if __name__ == "__main__":
    main()
