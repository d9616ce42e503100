"""Training of image autoencoders: options, weight of the reconstruction, pseudo-labels, fit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from gmae_tf.errors import UserError
from gmae_tf.images.presets import preset_of
from gmae_tf.models import check_options, entry
from gmae_tf.models.options import ModelOptions
from gmae_tf.utils.cli import console

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rich.console import Console

    from gmae_tf.autoencoder import Autoencoder
    from gmae_tf.images.datasets import ImageData

    Labels = NDArray[np.int32]

ImageSize = Literal["small", "paper"]
WEIGHT_RANGE = 1e2, 1e4
"""Of the reconstruction weight when it is measured."""
FEW_STEPS = 10
"""Steps in an epoch below which a warning says that the batches are too large for the data."""
Options = TypeVar("Options", bound="TrainingOptions")


@dataclass(frozen=True)
class TrainingOptions(ModelOptions):
    """Network, loss and optimiser of a training on images; None is filled in from a preset."""

    size: ImageSize = "small"
    """small: for 2 CPU cores in minutes; paper: the network and epochs of the paper, for a GPU."""
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
    xla: bool | None = None
    """Compile the training step by XLA; by default where it is faster (not on a CPU)."""
    seed: int = 0
    """Seed of weights and batch order."""


def make_options(**given: Any) -> TrainingOptions:
    """Options for arrays of images.  `UserError` for unknown names and useless values."""
    known = [field.name for field in fields(TrainingOptions)]
    for name in given:
        if name not in known:
            raise UserError(f"there is no option {name!r}: choose among {', '.join(known)}")
    for name, hint in get_type_hints(TrainingOptions).items():
        parts = (hint, *get_args(hint))
        words = [w for part in parts if get_origin(part) is Literal for w in get_args(part)]
        value = given.get(name)
        number = float in parts and isinstance(value, (int, float))
        if words and value not in (None, *words) and not number:
            raise UserError(f"{name} is {value!r}: choose {' or '.join(words)}")
    return resolve(TrainingOptions(**given), "images")


def resolve(options: Options, dataset: str) -> Options:
    """The options with the values of the data set's preset where none was given.

    Raises
    ------
    UserError: an unknown model or option of one, a number that is not positive, or more
        components than dimensions.
    """
    preset = preset_of(dataset, options.size)
    missing = {name: value for name, value in preset.items() if getattr(options, name) is None}
    options = replace(options, **missing)
    refuse_nonpositive(
        options,
        *("latent_dim", "components", "mean_scale", "target_mse", "epochs", "plain_epochs"),
        *("batch_size", "learning_rate"),
    )
    if options.guide == "neighbours" and options.model != "gmae":
        options = replace(options, guide="none")  # no components to assign images to
    entry(options.model)
    assert options.components is not None  # every preset has them, and dimensions
    assert options.latent_dim is not None
    if options.model == "gmae" and options.components > options.latent_dim:
        raise UserError(
            f"{options.components} components with one-hot means need at least as many "
            f"dimensions: raise latent-dim from {options.latent_dim}, or lower components"
        )
    return options


def refuse_nonpositive(options: Any, *names: str) -> None:
    """`UserError` for a number of that name that is not greater than 0."""
    for name in names:
        value = getattr(options, name)
        if isinstance(value, (int, float)) and value <= 0:
            raise UserError(f"{name.replace('_', '-')} must be greater than 0, not {value}")


def few_steps(n: int, batch_size: int) -> str | None:
    """A warning if n training images give few batches an epoch, else None."""
    steps = n // min(n, batch_size)
    if steps >= FEW_STEPS:
        return None
    return (
        f"{n} training images at batch size {batch_size} are {steps} training "
        f"step{'s' if steps > 1 else ''} an epoch: lower the batch size, or train more epochs"
    )


def train_network(
    options: TrainingOptions, data: ImageData, folder: Path | None = None, *, verbose: bool = True
) -> tuple[Autoencoder, list[dict[str, float]]]:
    """Train on `data.train`, judge epochs on `data.validation`; continues what `folder` holds.

    `options` are those of `resolve`.  Returns the network and the logs of all epochs.  Without a
    folder nothing is written.
    """
    screen = _screen(verbose)
    check_options(options.model, options.model_options)
    weight, labels = prepare(options, data, folder, verbose=verbose)
    network = build(options, data, weight)
    verb = "continuing" if folder and (folder / "state.json").exists() else "training"
    screen.print(
        f"{verb}: {len(data.train):,} images of {data.side} x {data.side} x {data.channels}, "
        f"{network.count_params():,} parameters, reconstruction weight {weight:.4g}, "
        f"in {folder or 'memory'}"
    )
    return network, fit_network(options, network, data, folder, labels, verbose=verbose)


def prepare(
    options: TrainingOptions, data: ImageData, folder: Path | None, *, verbose: bool = True
) -> tuple[float, tuple[Labels, Labels] | None]:
    """Reconstruction weight, and pseudo-labels of training and validation images or None.

    The weight is 1 / the mean squared error to expect, so that this term, too, is about 1 in the
    end: the published code expects 5e-4, the appendix of the paper prints 5e-3, and "auto" takes
    what the same network reaches without a penalty.
    """
    guided = options.guide == "neighbours"
    if options.target_mse != "auto" and not guided:
        assert options.target_mse is not None
        return 1 / options.target_mse, None
    _screen(verbose).print("first, the same network without a penalty:")
    without = replace(
        options,
        model="ae",
        model_options={},
        guide="none",
        schedule="cosine",
        epochs=options.plain_epochs,
    )
    network = build(without, data, 1.0)
    inner = folder / "without-penalty" if folder else None
    history = fit_network(without, network, data, inner, verbose=verbose)
    if options.target_mse == "auto":
        error = min(row["val_reconstruction"] for row in history)
        weight = min(max(1 / error, WEIGHT_RANGE[0]), WEIGHT_RANGE[1])
    else:
        assert options.target_mse is not None
        weight = 1 / options.target_mse
    if not guided:
        return weight, None
    labels = _pseudo_labels(options, network, data, folder, verbose)
    return weight, (labels[: len(data.train)], labels[len(data.train) :])


def _pseudo_labels(
    options: TrainingOptions,
    network: Autoencoder,
    data: ImageData,
    folder: Path | None,
    verbose: bool,
) -> Labels:
    """Of training and validation images [N + M]; found once in a run folder."""
    import numpy as np

    from gmae_tf.images.networks import by_parts
    from gmae_tf.images.pseudo_labels import neighbour_clusters
    from gmae_tf.utils.files import atomic_path

    assert options.components is not None
    stored = folder / "groups.npz" if folder else None
    if stored and stored.exists():
        with np.load(stored) as file:
            return file["groups"]
    parts = [by_parts(network.encode, x, network.latent_dim) for x in (data.train, data.validation)]
    codes = np.concatenate(parts)
    with _waiting("then, groups of images that are neighbours among its codes", verbose):
        labels = neighbour_clusters(codes, options.components, seed=options.seed)
    if stored:
        with atomic_path(stored) as temporary:
            np.savez(temporary, groups=labels)
    return labels


def build(options: TrainingOptions, data: ImageData, weight: float) -> Autoencoder:
    """An untrained network for images of that shape, from the seed."""
    import keras

    from gmae_tf.images.networks import recipe_network

    assert options.latent_dim is not None
    assert options.epochs is not None
    keras.utils.set_random_seed(options.seed)
    recipe = options.recipe(
        options.latent_dim,
        reconstruction_weight=weight,
        assignment_weight=(options.guide_weight or 0.0) if options.guide == "neighbours" else 0.0,
        steps=options.epochs * (len(data.train) // min(len(data.train), options.batch_size)),
        seed=options.seed,
    )
    return recipe_network(recipe, data.side, data.channels, options.size)


def fit_network(
    options: TrainingOptions,
    network: Autoencoder,
    data: ImageData,
    folder: Path | None,
    labels: tuple[Labels, Labels] | None = None,
    *,
    verbose: bool = True,
) -> list[dict[str, float]]:
    """Train; returns the logs of all epochs."""
    from gmae_tf.images.sample_grids import SampleGrids
    from gmae_tf.training.batches import ImageBatches
    from gmae_tf.training.fit import fit

    assert options.epochs is not None
    assert options.learning_rate is not None
    assert options.schedule is not None
    train: Any = data.train
    validation: Any = data.validation
    if labels:
        train, validation = (train, labels[0]), (validation, labels[1])
    return fit(
        network,
        train,
        validation,
        folder,
        epochs=options.epochs,
        batch_size=options.batch_size,
        learning_rate=options.learning_rate,
        beta_1=options.beta_1,
        schedule=options.schedule,
        xla=options.xla,
        seed=options.seed,
        make_batches=ImageBatches,
        callbacks=(SampleGrids(folder / "samples", options.seed),) if folder else (),
        verbose=verbose,
    )


def _screen(verbose: bool) -> Console:
    from rich.console import Console

    return console() if verbose else Console(quiet=True)


@contextmanager
def _waiting(text: str, verbose: bool) -> Iterator[None]:
    """A moving line with the time that has passed, for a step that cannot say how far it is."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    screen, start = _screen(verbose), perf_counter()
    screen.print(f"{text} (a minute or two for 10,000 images)", soft_wrap=True)
    columns = TextColumn("t-SNE"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=screen, transient=True) as progress:
        progress.add_task("", total=None)
        yield
    screen.print(f"found in {perf_counter() - start:.0f} s")
