"""One image model at the size of the paper, trained on JAX for so many seconds.

    python -m experiments.full_scale.images --dataset mnist --seed 0 --out OUT

The network, prior and weights of `gmae_tf.train --size paper`, by the published loss alone; a half
cosine over the seconds takes the place of its plateaus.  Writes NAME.npz (weights in 16 bits, in
parts of at most 15 MiB), NAME.config.json and NAME.json (log).
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from experiments.timed_training import draw, need_jax, save_weights, train_for
from gmae_tf.images.options import TrainingOptions, resolve
from gmae_tf.utils.cli import run_command
from gmae_tf.utils.json import write_json

if TYPE_CHECKING:
    from gmae_tf.autoencoder import Autoencoder


@dataclass(frozen=True)
class ImageSettings:
    """A model of images and the seconds of its training."""

    name: str = "images"
    """Of the files that are written."""
    dataset: str = "mnist"
    """A name of gmae_tf.images.datasets."""
    size: Literal["small", "paper"] = "paper"
    """Of the network."""
    seed: int = 0
    """Of weights and batches."""
    batch: int = 100
    """Images of a step."""
    rate: float = 1e-3
    """Largest learning rate."""
    warm: float = 0.03
    """Share of the training in which the learning rate rises."""
    seconds: float = 100.0
    """Of training, without the time of compilation."""
    steps: int | None = None
    """Most steps; as many as the seconds allow by default."""
    chunk: int = 100
    """Steps in one call of the device."""
    side: int = 32
    """Of an image; found in the data."""
    channels: int = 1
    """Of an image; found in the data."""


@dataclass(frozen=True)
class ImageConfig(ImageSettings):
    """Options of `python -m experiments.full_scale.images`."""

    data_dir: Path | None = None
    """Folder with downloaded data; GMAE_DATA_DIR by default."""
    out: Path = Path("runs/full-scale")
    """Folder to write."""


def main() -> None:
    """The command."""
    run_command(
        train,
        ImageConfig,
        prog="python -m experiments.full_scale.images",
        description="Train an image model on JAX for so many seconds.",
        continues=False,
    )


def train(config: ImageConfig) -> None:
    """Train and save."""
    need_jax()
    import jax.numpy as jnp

    from gmae_tf.images.datasets import load_images

    data = load_images(config.dataset, data_dir=config.data_dir)
    settings = {field.name: getattr(config, field.name) for field in fields(ImageSettings)}
    settings.update(side=data.side, channels=data.channels)
    network = build_network(ImageSettings(**settings))

    def batch(data: Any, static: None, rows: Any) -> tuple[Any, None]:
        del static
        return data["images"][rows].astype(jnp.float32) / 255, None

    def choose(rng: np.random.Generator, k: int, number: int) -> tuple[None, tuple[Any, ...]]:
        del number
        rows = draw(rng, np.arange(len(data.train)), k, min(config.batch, len(data.train)))
        return None, (jnp.asarray(rows, jnp.int32),)

    began = time.time()
    log = train_for(config, network, batch, {"images": data.train}, choose, beta_1=0.5)
    config.out.mkdir(parents=True, exist_ok=True)
    save_weights(network.get_weights(), config.out / f"{config.name}.npz")
    write_json(config.out / f"{config.name}.config.json", settings)
    result = {"config": settings, "log": log, "wall": time.time() - began}
    write_json(config.out / f"{config.name}.json", result)


def build_network(settings: ImageSettings) -> Autoencoder:
    """The untrained network of such settings."""
    import keras

    from gmae_tf.images.networks import recipe_network

    keras.utils.set_random_seed(settings.seed)
    options = resolve(
        TrainingOptions(size=settings.size, guide="none", seed=settings.seed), settings.dataset
    )
    assert isinstance(options.target_mse, float)  # of every preset
    assert options.latent_dim is not None
    recipe = options.recipe(
        options.latent_dim,
        reconstruction_weight=1 / options.target_mse,
        assignment_weight=0.0,
        steps=10**9,  # the training itself says how much of it is done
        seed=settings.seed,
    )
    return recipe_network(recipe, settings.side, settings.channels, settings.size)


def rebuild(settings: ImageSettings, weights: Path, out: Path) -> None:
    """A folder for `gmae_tf.evaluate` and `ImageAutoencoder.load`."""
    from experiments.timed_training import read_weights
    from gmae_tf.images import ImageAutoencoder

    network = build_network(settings)
    network.set_weights(read_weights(weights))
    details = {"dataset": settings.dataset, "options": asdict(settings)}
    model = ImageAutoencoder(network, settings.side, settings.channels, settings.size, details)
    model.save(out)


if __name__ == "__main__":
    main()
