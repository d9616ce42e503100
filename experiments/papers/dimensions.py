"""python -m experiments.papers.dimensions: latent dimensions above and below those of the data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from experiments.runner import Row, Table, collect, keep, spread
from gmae_tf.errors import UserError
from gmae_tf.utils.cli import console, parse_seeds, run_command

MODELS = {"wae-mmd": "WAE-MMD", "maskaae": "MaskAAE"}


@dataclass(frozen=True)
class DimensionsConfig:
    """Options of `python -m experiments.papers.dimensions`."""

    data: Literal["synthetic", "mnist", "both"] = "both"
    """Vectors of known true dimensions, MNIST, or both."""
    out: Path = Path("runs/dimensions")
    """Folder; the same command continues it, and repeats nothing that is done."""
    true_dims: tuple[int, ...] = (8, 16)
    """True dimensions of vectors."""
    capacities: tuple[float, ...] = (0.5, 1, 2, 4)
    """Latent dimensions for vectors, as multiples of the true ones."""
    latent_dims: tuple[int, ...] = (8, 16, 32, 64)
    """Latent dimensions for MNIST."""
    seeds: str = "0-2"
    """Seeds of the vectors, weights and batch order, as in 0-2 or 0,3,5."""
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
    data_dir: Path | None = None
    """Folder with downloaded data; GMAE_DATA_DIR by default."""
    device: Literal["auto", "cpu", "gpu"] = "auto"
    """Where to compute."""


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
    from experiments.papers.dimensions_figure import draw
    from experiments.papers.dimensions_training import train_images, train_vectors
    from gmae_tf.utils.devices import select_device
    from gmae_tf.utils.run_dir import open_run, write_atomic

    select_device(config.device)
    runs = plan(config)
    free = ("data", "true_dims", "capacities", "latent_dims", "seeds", "image_seeds", "device")
    run = open_run(config.out, asdict(config), "experiments.papers.dimensions", may_change=free)
    rows = []
    for number, one in enumerate(runs):
        console().print(
            f"{number + 1} of {len(runs)}: {one.data}, {one.model} with {one.latent_dim} "
            f"dimensions, seed {one.seed}"
        )
        name = one.data.lower().replace(" = ", "")
        folder = run.path / f"{name}-{one.model}-{one.latent_dim}-seed{one.seed}"
        train: Callable[..., Row] = train_images if one.true_dim is None else train_vectors

        def measure(one: Training = one, folder: Path = folder, train: Any = train) -> Row:
            return {**asdict(one), **train(config, one, folder)}

        rows.append(keep(folder, measure))
    write_atomic(run.path / "dimensions.png", draw(rows))
    collect(run, config, rows, table)


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
