"""python -m gmae_tf.train: train an autoencoder on images."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gmae_tf.errors import UserError
from gmae_tf.images.presets import preset_of
from gmae_tf.models import MODELS, check_options, entry, options_of
from gmae_tf.models.options import ModelOptions
from gmae_tf.utils.cli import console, run_command

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from gmae_tf.autoencoder import Autoencoder
    from gmae_tf.images.datasets import ImageData
    from gmae_tf.images.model import ImageAutoencoder

    Groups = NDArray[np.int32]

WEIGHT_RANGE = 1e2, 1e4
"""Of the reconstruction weight when it is measured."""


@dataclass(frozen=True)
class TrainConfig(ModelOptions):
    """Options of `python -m gmae_tf.train`; what is left out comes from the data set's preset."""

    dataset: str = "mnist"
    """mnist, fashion_mnist, svhn, cifar10, celeba, lfwcrop, a folder of images, or an .npz file."""
    out: Path | None = None
    """Folder of the run, runs/DATASET by default; the same command continues there."""
    size: Literal["small", "paper"] = "small"
    """small: for 2 CPU cores in minutes; paper: the network and epochs of the paper, for a GPU."""
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
    latent_dim: int | None = None
    """Dimensions of the latent space."""
    components: int | None = None  # type: ignore[assignment]
    """Components of the mixture, one-hot means."""
    mean_scale: float | None = None  # type: ignore[assignment]
    """Distance of the component means from the origin; 1 in the paper."""
    latent_noise: float | None = None  # type: ignore[assignment]
    """Standard deviation of noise on the codes that the decoder of gmae sees in training."""
    target_mse: float | Literal["auto"] | None = None
    """Mean squared error to expect; its inverse weights the reconstruction.  5e-4 in the published
    code, 5e-3 in the appendix; auto measures it with an autoencoder that has no penalty."""
    guide: Literal["none", "neighbours"] | None = None
    """neighbours: pull images to components in groups that are found, without labels, among the
    nearest neighbours of a plain autoencoder's codes; none: the published loss alone."""
    guide_weight: float | None = None
    """Weight of that pull, nats of -log p(component | code)."""
    plain_epochs: int = 4
    """Passes of the autoencoder without a penalty that `--guide` and `--target-mse auto` need."""
    epochs: int | None = None
    """Passes over the training images."""
    batch_size: int = 100
    """Images per batch; the penalty compares each batch with the prior."""
    learning_rate: float | None = None
    """Start of Adam's learning rate."""
    beta_1: float = 0.5
    """First decay rate of Adam."""
    schedule: Literal["plateau", "cosine"] | None = None
    """The learning rate falls when the validation loss stalls, or along a half cosine."""
    mixed_precision: bool | None = None
    """Compute in 16 bits where that is safe; by default on a GPU only."""
    xla: bool | None = None
    """Compile the training step by XLA; by default where it is faster (not on a CPU)."""
    evaluate: bool = True
    """Evaluate at the end, with figures and a page."""
    samples: int = 10_000
    """Images of each kind for the evaluation."""
    seed: int = 0
    """Seed of weights and batch order."""
    device: Literal["auto", "cpu", "gpu"] = "auto"
    """Where to compute."""
    list_models: bool = False
    """Show all models with their options, and do nothing else."""


def train(config: TrainConfig) -> None:
    """Train, save the model, and evaluate it."""
    if config.list_models:
        return list_models()
    from gmae_tf.utils.devices import select_device, set_precision
    from gmae_tf.utils.run_dir import open_run

    config = with_preset(config)
    assert config.out is not None
    set_precision(config.mixed_precision, select_device(config.device))
    check_options(config.model, config.model_options)
    data = load(config)
    free = ("epochs", "device", "samples", "evaluate", "xla")
    run = open_run(config.out, asdict(config), "gmae_tf.train", may_change=free)
    screen = console()
    screen.print(data.source)
    if data.dropped:
        screen.print(f"{len(data.dropped)} files were left out, such as {data.dropped[0]}")
    weight, groups = prepare(config, data, run.path)
    model = build(config, data, weight)
    verb = "continuing" if run.continued else "training"
    screen.print(
        f"{verb}: {len(data.train):,} images of {model.side} x {model.side} x {model.channels}, "
        f"{model.network.count_params():,} parameters, reconstruction weight {weight:.4g}, "
        f"in {run.path}"
    )
    history = fit_network(config, model.network, data, run.path, groups)
    model.details = {
        "dataset": data.name,
        "class_names": data.class_names,
        "config": plain(config),
        "history": history,
    }
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
    """The options with the preset's values where none was given.  `UserError` for useless ones."""
    preset = preset_of(config.dataset, config.size)
    missing = {name: value for name, value in preset.items() if getattr(config, name) is None}
    missing.setdefault("out", config.out or Path("runs") / Path(config.dataset).stem)
    config = replace(config, **missing)
    for name in (
        *("n_data", "latent_dim", "components", "mean_scale", "target_mse", "epochs", "batch_size"),
        *("learning_rate", "samples"),
    ):
        value = getattr(config, name)
        if isinstance(value, (int, float)) and value <= 0:
            raise UserError(f"--{name.replace('_', '-')} must be greater than 0, not {value}")
    if config.guide == "neighbours" and config.model != "gmae":
        config = replace(config, guide="none")  # there is no component to go to
    entry(config.model)
    assert config.components is not None  # every preset has them, and dimensions
    assert config.latent_dim is not None
    if config.model == "gmae" and config.components > config.latent_dim:
        raise UserError(
            f"{config.components} components with one-hot means need at least as many dimensions: "
            f"raise --latent-dim from {config.latent_dim}, or lower --components"
        )
    return config


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


def prepare(
    config: TrainConfig, data: ImageData, folder: Path
) -> tuple[float, tuple[Groups, Groups] | None]:
    """The weight of the reconstruction, and groups of training and validation images or None.

    The weight is 1 / the mean squared error to expect, so that this term, too, is about 1 in the
    end: the published code expects 5e-4, the appendix of the paper prints 5e-3, and "auto" takes
    what the same network reaches without a penalty.
    """
    guided = config.guide == "neighbours"
    if config.target_mse != "auto" and not guided:
        assert config.target_mse is not None
        return 1 / config.target_mse, None
    console().print("first, the same network without a penalty:")
    without = replace(
        config,
        model="ae",
        model_options={},
        guide="none",
        schedule="cosine",
        epochs=config.plain_epochs,
    )
    model = build(without, data, 1.0)
    history = fit_network(without, model.network, data, folder / "without-penalty")
    if config.target_mse == "auto":
        error = min(row["val_reconstruction"] for row in history)
        weight = min(max(1 / error, WEIGHT_RANGE[0]), WEIGHT_RANGE[1])
    else:
        assert config.target_mse is not None
        weight = 1 / config.target_mse
    return weight, _groups(config, model, data, folder / "groups.npz") if guided else None


def _groups(
    config: TrainConfig, model: ImageAutoencoder, data: ImageData, path: Path
) -> tuple[Groups, Groups]:
    """Of training and validation images; found once in a run."""
    import numpy as np

    from gmae_tf.images.pseudo_labels import find_groups
    from gmae_tf.utils.files import atomic_path

    assert config.components is not None
    if not path.exists():
        console().print("then, groups of images that are neighbours among its codes")
        codes = np.concatenate([model.encode(data.train), model.encode(data.validation)])
        with atomic_path(path) as temporary:
            np.savez(temporary, groups=find_groups(codes, config.components, seed=config.seed))
    with np.load(path) as file:
        train, validation = np.split(file["groups"], [len(data.train)])
    return train, validation


def build(config: TrainConfig, data: ImageData, weight: float) -> ImageAutoencoder:
    """An untrained model, from the seed."""
    import keras

    from gmae_tf.images.model import ImageAutoencoder

    assert config.latent_dim is not None
    assert config.epochs is not None
    keras.utils.set_random_seed(config.seed)
    recipe = config.recipe(
        config.latent_dim,
        reconstruction_weight=weight,
        assignment_weight=(config.guide_weight or 0.0) if config.guide == "neighbours" else 0.0,
        steps=config.epochs * (len(data.train) // config.batch_size),
        seed=config.seed,
    )
    return ImageAutoencoder.of(recipe, data.side, data.channels, config.size)


def fit_network(
    config: TrainConfig,
    network: Autoencoder,
    data: ImageData,
    folder: Path,
    groups: tuple[Groups, Groups] | None = None,
) -> list[dict[str, float]]:
    """Train; returns the logs of all epochs."""
    from gmae_tf.images.sample_grids import SampleGrids
    from gmae_tf.training.batches import ImageBatches
    from gmae_tf.training.fit import fit

    assert config.epochs is not None
    assert config.learning_rate is not None
    assert config.schedule is not None
    train: Any = data.train
    validation: Any = data.validation
    if groups:
        train, validation = (train, groups[0]), (validation, groups[1])
    return fit(
        network,
        train,
        validation,
        folder,
        epochs=config.epochs,
        batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        beta_1=config.beta_1,
        schedule=config.schedule,
        xla=config.xla,
        seed=config.seed,
        make_batches=ImageBatches,
        callbacks=(SampleGrids(folder / "samples", config.seed),),
    )


def plain(config: Any) -> dict[str, Any]:
    """A configuration for JSON."""
    return {k: str(v) if isinstance(v, Path) else v for k, v in asdict(config).items()}


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
