"""Options of a training on images, and their presets by data set and size of network."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from numbers import Integral, Real
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from gmae_tf.errors import UserError
from gmae_tf.models import entry
from gmae_tf.models.options import ModelOptions

Options = TypeVar("Options", bound="TrainingOptions")
NUMBERS: dict[Any, Any] = {int: Integral, float: Real}
KINDS = {
    int: "a whole number",
    float: "a number",
    bool: "True or False",
    str: "a name",
    dict: "a dictionary",
}
FEW_STEPS = 10
"""Steps in an epoch below which a warning says that the batches are too large for the data."""
PAPER: dict[str, Any] = {
    "target_mse": 5e-4,
    "epochs": 100,
    "schedule": "plateau",
    "guide": "none",
}
"""Saseendran et al. 2021, appendix A.2 and published code."""
SMALL: dict[str, Any] = {
    "target_mse": 5e-4,
    "epochs": 10,
    "schedule": "cosine",
    "guide": "neighbours",
}
SHAPES: dict[str, dict[str, Any]] = {
    "mnist": {"latent_dim": 10, "components": 10, "mean_scale": 10.0},
    "fashion_mnist": {"latent_dim": 10, "components": 10, "mean_scale": 6.0},
    "svhn": {"latent_dim": 100, "components": 10, "mean_scale": 6.0},
    "cifar10": {"latent_dim": 128, "components": 10, "mean_scale": 6.0},
    "celeba": {"latent_dim": 64, "components": 20, "mean_scale": 1.0},
    "lfwcrop": {"latent_dim": 64, "components": 20, "mean_scale": 1.0},
}
OTHERS: dict[str, Any] = {"latent_dim": 32, "components": 10, "mean_scale": 6.0}
RATES = {"mnist": 2e-4, "fashion_mnist": 2e-4}
"""Of the paper's network, in the published code; the appendix prints 2e-3 for all."""
NOISE = {"mnist": 0.1}
"""On codes, for the small network: samples are much better on MNIST, worse on Fashion-MNIST."""
GUIDES: dict[str, float] = {"none": 0.0, "neighbours": 1.0, "invariance": 250.0}
"""Weight of each guide, in nats."""
PULLS = {"fashion_mnist": 3.0}
"""Other weights of the guide by neighbours."""
APART = 6.0
"""Scale of the means for the guide by invariance."""
WARPS: dict[str, dict[str, Any]] = {
    "digits": {"rotation": 0.06, "shift": 0.1, "zoom": 0.12},
    "images": {"rotation": 0.02, "shift": 0.08, "zoom": 0.12, "flip": True, "contrast": 0.2},
}
"""Random changes that leave an image what it is: keywords of `gmae_tf.models.warp.RandomWarp`."""
SMALLEST = 100
"""Images below which a distance between sets says nothing."""


def preset_of(dataset: str, size: str) -> dict[str, Any]:
    """Options for a data set; folders and files of one's own share one preset."""
    base = PAPER if size == "paper" else SMALL
    rate = RATES.get(dataset, 2e-3) if size == "paper" else 1e-3
    warps = "digits" if dataset in ("mnist", "svhn") else "images"
    return {
        **base,
        "learning_rate": rate,
        "warps": warps,
        "latent_noise": 0.0 if size == "paper" else NOISE.get(dataset, 0.0),
        **SHAPES.get(dataset, OTHERS),
    }


@dataclass(frozen=True)
class TrainingOptions(ModelOptions):
    """Network, loss and optimiser of a training on images; None is filled in from a preset."""

    size: Literal["small", "paper"] = "small"
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
    guide: Literal["none", "neighbours", "invariance"] | None = None
    """How components of gmae become clusters, without labels.  invariance: random warps of an image
    leave its component as it is, and all components are used alike (information maximisation);
    neighbours: images are pulled to groups found among the nearest neighbours of a plain
    autoencoder's codes; none: the published loss alone."""
    guide_weight: float | None = None
    """Weight of the guide, in nats."""
    guide_share: float = 0.2
    """Share of the training in which invariance has the whole of that weight."""
    guide_rest: float = 0.15
    """What is left of the weight from then on, while reconstructions are refined."""
    warps: Literal["digits", "images"] | None = None
    """Of invariance: rotation, shift and zoom; for images less of them, flips and contrast."""
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
    hints = get_type_hints(TrainingOptions)
    for name, value in given.items():
        if name not in hints:
            raise UserError(f"there is no option {name!r}: choose among {', '.join(hints)}")
        _check_type(name, value, hints[name])
    return resolve(TrainingOptions(**given), "images")


def _check_type(name: str, value: Any, hint: Any) -> None:
    """`UserError` for a value that is not of a kind of the field."""
    hints = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    words = [word for one in hints if get_origin(one) is Literal for word in get_args(one)]
    kinds = [get_origin(one) or one for one in hints if get_origin(one) is not Literal]
    if isinstance(value, str) and words:
        fits = value in words
    else:
        fits = isinstance(value, tuple(NUMBERS.get(kind, kind) for kind in kinds))
        fits &= not isinstance(value, bool) or bool in kinds
    if not fits:
        wanted = [f"choose {' or '.join(words)}"] if words else []
        wanted += [f"give {KINDS[kind]}" for kind in kinds if kind in KINDS]
        raise UserError(f"{name} is {value!r}: {', or '.join(wanted)}")


def resolve(options: Options, dataset: str) -> Options:
    """The options with the values of the data set's preset where none was given.

    Raises
    ------
    UserError: an unknown model or option of one, a number that is not positive, or more
        components than dimensions.
    """
    preset = preset_of(dataset, options.size)
    if options.guide == "invariance":
        preset["mean_scale"] = APART
    missing = {name: value for name, value in preset.items() if getattr(options, name) is None}
    options = replace(options, **missing)
    refuse_nonpositive(
        options,
        *("latent_dim", "components", "mean_scale", "target_mse", "epochs", "plain_epochs"),
        *("batch_size", "learning_rate"),
    )
    guide = options.guide if options.model == "gmae" else "none"  # only gmae assigns images
    assert guide is not None  # every preset has one
    weight = options.guide_weight
    if weight is None:
        weight = PULLS.get(dataset, GUIDES[guide]) if guide == "neighbours" else GUIDES[guide]
    options = replace(options, guide=guide, guide_weight=weight)
    for name in ("latent_noise", "guide_weight", "noise", "seed"):
        if not 0 <= getattr(options, name) < math.inf:
            raise UserError(f"{name} is {getattr(options, name)}: give 0 or more")
    for name in ("guide_share", "guide_rest"):
        if not 0 <= getattr(options, name) <= 1:
            raise UserError(f"{name} is {getattr(options, name)}: give a share from 0 to 1")
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
        if isinstance(value, (int, float)) and not 0 < value < math.inf:
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
