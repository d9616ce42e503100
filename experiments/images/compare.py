"""python -m experiments.images.compare: train several models on the same images and put them in one table."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from gmae_tf.errors import UserError
from gmae_tf.models import MODELS, entry
from gmae_tf.train import TrainConfig, build, fit_network, load, plain, prepare, with_preset
from gmae_tf.utils.cli import console, parse_seeds, run_command

if TYPE_CHECKING:
    from experiments.images.measure import Shown
    from gmae_tf.images.datasets import ImageData
    from gmae_tf.images.features.extractors import Extractor

MEASURED, SHOWN, RESULTS, PAGE = "measured.json", "shown.npz", "compare.json", "compare.html"


@dataclass(frozen=True)
class CompareConfig:
    """Options of `python -m experiments.images.compare`."""

    dataset: str = "mnist"
    """Images, as in gmae_tf.train; labels only judge."""
    models: str = "all"
    """Names of models, as in ae,vae,gmae, or all; see --list-models of gmae_tf.train."""
    out: Path = Path("runs/compare")
    """Folder; the same command continues it, and repeats nothing that is done."""
    seeds: str = "0"
    """Seeds of weights and batch order, as in 0-2 or 0,3,5."""
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
    data_dir: Path | None = None
    """Folder with downloaded data; GMAE_DATA_DIR by default."""
    device: Literal["auto", "cpu", "gpu"] = "auto"
    """Where to compute."""


def compare(config: CompareConfig) -> None:
    """Train and measure what is not done yet, then write compare.json and the page."""
    from experiments.images.study import extractor_of
    from gmae_tf.utils.devices import select_device
    from gmae_tf.utils.run_dir import open_run

    select_device(config.device)
    runs = list(variants(config))
    data = load(runs[0])
    free = ("models", "seeds", "device")
    run = open_run(config.out, asdict(config), "experiments.images.compare", may_change=free)
    extractor = extractor_of(data)
    for number, options in enumerate(runs):
        folder = run.path / f"{options.model}-seed{options.seed}"
        if not (folder / MEASURED).exists():
            what = f"{number + 1} of {len(runs)}: {options.model}, seed {options.seed}"
            console().print(what, soft_wrap=True)
            train_and_measure(options, data, folder, extractor, config.samples)
    collect(config, data, extractor, runs)


def variants(config: CompareConfig) -> Iterator[TrainConfig]:
    """Options of each run, model by model within a seed."""
    names = (
        list(MODELS) if config.models == "all" else list(dict.fromkeys(config.models.split(",")))
    )
    for name in names:
        entry(name)  # an unknown one is told before anything is trained
    given = {
        name: getattr(config, name)
        for name in ("dataset", "size", "latent_dim", "n_data", "epochs", "data_dir")
    }
    for seed in parse_seeds(config.seeds):
        for name in names:
            options = TrainConfig(**given, model=name, seed=seed, samples=config.samples)
            yield within_budget(with_preset(options))


def within_budget(options: TrainConfig) -> TrainConfig:
    """A quarter of the epochs for the plain autoencoder of a guide: all models see as much."""
    if options.guide == "none":
        return options
    assert options.epochs is not None
    if options.epochs < 2:
        raise UserError("--epochs 1: gmae needs 2, one of them for the autoencoder of its guide")
    plain = max(1, options.epochs // 4)
    return replace(options, plain_epochs=plain, epochs=options.epochs - plain)


def passes(options: TrainConfig) -> int | None:
    """Passes over the images of a run, those of a guide's plain autoencoder included."""
    if options.guide == "none" or options.epochs is None:
        return options.epochs
    return options.epochs + options.plain_epochs


def train_and_measure(
    options: TrainConfig, data: ImageData, folder: Path, extractor: Extractor | None, samples: int
) -> None:
    """One model; the measurements are written last, and mark it as done."""
    import keras

    from experiments.images.measure import measure
    from gmae_tf.utils.run_dir import write_atomic

    keras.backend.clear_session()
    fresh, start = not folder.exists(), time.perf_counter()
    weight, groups = prepare(options, data, folder)
    model = build(options, data, weight)
    fit_network(options, model.network, data, folder, groups)
    # The time of a continued training says nothing.
    seconds = time.perf_counter() - start if fresh else None
    model.details = {"dataset": data.name, "config": plain(options)}
    model.save(folder)
    found, shown = measure(model, data, extractor, min(samples, len(data.test)), options.seed)
    save_shown(folder / SHOWN, shown)
    about = {"model": options.model, "seed": options.seed, "seconds": seconds}
    write_atomic(folder / MEASURED, json.dumps({**about, **found}, indent=1) + "\n")


def collect(
    config: CompareConfig,
    data: ImageData,
    extractor: Extractor | None,
    runs: Sequence[TrainConfig],
) -> None:
    """Write compare.json and compare.html of all that is measured in the folder, and print."""
    from experiments.images.compare_page import print_table, write_page
    from experiments.images.study import machine
    from gmae_tf.utils.run_dir import write_atomic

    rows = [json.loads(path.read_text()) for path in config.out.glob(f"*/{MEASURED}")]
    order = {name: number for number, name in enumerate(MODELS)}
    rows.sort(key=lambda row: (order[row["model"]], row["seed"]))
    results = {
        "settings": {k: v for k, v in plain(config).items() if k not in ("out", "data_dir")},
        "dataset": data.name,
        "training_images": len(data.train),
        "test_images": len(data.test),
        "options": {
            **{k: v for k, v in plain(runs[0]).items() if k not in ("out", "data_dir")},
            "epochs": passes(runs[0]),
        },
        "anchors": _anchors(config, data, extractor, runs[0]),
        "machine": machine(),
        "results": rows,
    }
    write_atomic(config.out / RESULTS, json.dumps(results, indent=1) + "\n")
    shown = {row["model"]: config.out / f"{row['model']}-seed{row['seed']}" / SHOWN
             for row in reversed(rows)}  # fmt: skip
    page = write_page(results, {m: read_shown(path) for m, path in shown.items()}, config.out)
    print_table(results, console())
    console().print(f"\npage: {page}", soft_wrap=True)


def _anchors(
    config: CompareConfig, data: ImageData, extractor: Extractor | None, options: TrainConfig
) -> dict[str, float]:
    from experiments.images.measure import anchors
    from gmae_tf.images.model import ImageAutoencoder
    from gmae_tf.utils.run_dir import write_atomic

    path = config.out / "anchors.json"
    if extractor is None:
        return {}
    if not path.exists():
        model = ImageAutoencoder.load(path.parent / f"{options.model}-seed{options.seed}")
        found = anchors(model, data, extractor, min(config.samples, len(data.test)), 0)
        write_atomic(path, json.dumps(found, indent=1) + "\n")
    return json.loads(path.read_text())


def save_shown(path: Path, shown: Shown) -> None:
    """Images and map of a run, whole or not at all."""
    import numpy as np

    from gmae_tf.utils.run_dir import atomic_path

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
