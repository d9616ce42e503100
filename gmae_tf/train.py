"""python -m gmae_tf.train: train an autoencoder on images."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from gmae_tf.errors import UserError
from gmae_tf.images.options import SMALLEST, TrainingOptions, few_steps, refuse_nonpositive, resolve
from gmae_tf.models import MODELS, check_options, options_of
from gmae_tf.utils.cli import console, run_command
from gmae_tf.utils.json import to_json
from gmae_tf.utils.locks import lock_run

if TYPE_CHECKING:
    from gmae_tf.images.datasets import ImageData


@dataclass(frozen=True)
class TrainConfig(TrainingOptions):
    """Options of `python -m gmae_tf.train`; what is left out comes from the data set's preset."""

    dataset: str = "mnist"
    """mnist, fashion_mnist, svhn, cifar10, celeba, lfwcrop, a folder of images, or an .npz file."""
    out: Path | None = None
    """Folder of the run, runs/DATASET by default; the same command continues there."""
    data_dir: Path | None = None
    """Folder with downloaded data; GMAE_DATA_DIR by default."""
    side: int | None = None
    """Height and width to which images are brought; as they are by default."""
    channels: Literal[1, 3] | None = None
    """1 to make all images grey, 3 to make all RGB; as they are by default."""
    n_data: int | None = None
    """Use only so many training images, drawn at random."""
    classes: list[int] | None = None
    """Use only images with these labels, as in [1, 8]."""
    mixed_precision: bool | None = None
    """Compute in 16 bits where that is safe; by default on a GPU only."""
    evaluate: bool = True
    """Evaluate at the end, with figures and a page."""
    samples: int = 10_000
    """Images of each kind for the evaluation."""
    device: Literal["auto", "cpu", "gpu"] = "auto"
    """Where to compute."""
    devices: int = 1
    """GPUs that share each batch (data parallel), on JAX."""
    list_models: bool = False
    """Show all models with their options, and do nothing else."""


def train(config: TrainConfig) -> None:
    """Train, save the model, and evaluate it."""
    if config.list_models:
        return list_models()
    config = with_preset(config)
    assert config.out is not None
    lock_run(config.out)
    check(config, config.out)
    data = load(config)  # before the backend starts, which takes seconds
    from gmae_tf.utils.devices import select_device, set_precision
    from gmae_tf.utils.run_dir import open_run

    set_precision(config.mixed_precision, select_device(config.device, config.devices))
    check_options(config.model, config.model_options)
    from gmae_tf.images.model import ImageAutoencoder

    free = ("epochs", "device", "devices", "samples", "evaluate", "xla")
    run = open_run(config.out, asdict(config), "gmae_tf.train", may_change=free)
    screen = console()
    screen.print(data.source)
    if data.dropped:
        screen.print(f"{len(data.dropped)} files were left out, such as {data.dropped[0]}")
    if warning := few_steps(len(data.train), config.batch_size):
        screen.print(f"Warning: {warning}")
    model = ImageAutoencoder.train(config, data, run.path)
    model.details["config"] = to_json(config)
    model.save(run.path)
    if config.evaluate:
        from gmae_tf.evaluate import EvaluateConfig, evaluate

        evaluate(
            EvaluateConfig(
                run=run.path, n=config.samples, seed=config.seed, data_dir=config.data_dir
            )
        )


def list_models() -> None:
    """Of each model: name, title, source, from what it samples, options with their defaults."""
    from gmae_tf.utils.devices import select_device

    select_device("cpu")
    screen = console()
    for name, model in MODELS.items():
        prior = "an ex-post density" if model.samples == "ex-post" else f"a {model.samples} prior"
        screen.print(f"[bold]{name}[/]  {model.title} ({model.source}), samples of {prior}")
        options = {k: list(v) if isinstance(v, tuple) else v for k, v in options_of(name).items()}
        if options:
            text = ", ".join(f"{option}: {value}" for option, value in options.items())
            screen.print(f"    {text}", markup=False, highlight=False, soft_wrap=True)


def with_preset(config: TrainConfig) -> TrainConfig:
    """The options with the preset's values where none was given.

    Raises
    ------
    UserError: a value that cannot be used.
    """
    out = config.out or Path("runs") / Path(config.dataset).stem
    refuse_nonpositive(config, "n_data")
    return replace(resolve(config, config.dataset), out=out)


def check(config: TrainConfig, out: Path) -> None:
    """Refuse too few samples, and to write among the images or among files of something else.

    Raises
    ------
    UserError: as said.
    """
    if config.evaluate and config.samples < SMALLEST:
        raise UserError(
            f"--samples is {config.samples}: evaluate at least {SMALLEST} images, or give "
            "--no-evaluate"
        )
    images = Path(config.dataset).expanduser()
    if images.is_dir() and out.resolve().is_relative_to(images.resolve()):
        raise UserError(
            f"--out {out} lies in the folder of images {config.dataset}: name one outside of it"
        )
    if not out.is_dir() or (out / "environment.json").exists():
        return
    foreign = sorted(path.name for path in out.iterdir() if not path.name.startswith("."))
    if foreign:
        raise UserError(
            f"--out {out} holds other files, such as {foreign[0]}: name an empty or a new folder"
        )


def load(config: TrainConfig) -> ImageData:
    """The images that the options describe."""
    from gmae_tf.images.datasets import load_images

    return load_images(
        config.dataset,
        data_dir=config.data_dir,
        side=config.side,
        channels=config.channels,
        n=config.n_data,
        classes=config.classes,
        seed=config.seed,
    )


def main() -> None:
    """The command."""
    run_command(
        train,
        TrainConfig,
        prog="python -m gmae_tf.train",
        description="Train an autoencoder on images and shape its latent space.",
    )


if __name__ == "__main__":
    main()
