"""python -m experiments.images.ablation: each term of the penalty alone, on two digits.

Figure 3 of the appendix of Saseendran et al. 2021: autoencoders of two digits with a prior of two
Gaussians in the plane, trained with the KS term alone, the covariance term alone, and both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from experiments.runner import Table, open_study, print_table, write_results
from gmae_tf.errors import UserError
from gmae_tf.utils.cli import console, run_command
from gmae_tf.utils.locks import lock_run

if TYPE_CHECKING:
    from gmae_tf.autoencoder import Autoencoder
    from gmae_tf.images.datasets import ImageData
    from gmae_tf.prior import GaussianMixture

VARIANTS = {"ks": (1.0, 0.0), "covariance": (0.0, 1.0), "both": (1.0, 1.0)}
"""Weights of the KS and the covariance term."""
TITLES = {"ks": "KS term only", "covariance": "covariance term only", "both": "both"}


@dataclass(frozen=True)
class AblationConfig:
    """Options of `python -m experiments.images.ablation`."""

    out: Path = Path("runs/ablation")
    """Folder of the study; the same command continues an interrupted one in it."""
    dataset: str = "mnist"
    """Images with labels, see gmae_tf.train."""
    digits: tuple[int, ...] = (1, 8)
    """Labels of the images to use, as in [1,8]."""
    means: tuple[tuple[float, float], ...] = ((3.0, 3.0), (-3.0, -3.0))
    """Means of the prior's components, as in [[3,3],[-3,-3]]; their covariances are identities."""
    show: tuple[int, ...] = (1, 30)
    """Epochs after which the codes are kept; the last is the number of epochs."""
    target_mse: float = 5e-3
    """Mean squared error to expect; its inverse weights the reconstruction."""
    filters: tuple[int, ...] = (16, 32, 64)
    """Widths of the encoder's stages; the decoder mirrors them."""
    batch_size: int = 100
    """Images per batch; the penalty compares each batch with the prior."""
    learning_rate: float = 1e-3
    """Start of Adam's learning rate, which falls along a half cosine."""
    n_data: int | None = None
    """Use only so many training images, drawn at random."""
    data_dir: Path | None = None
    """Folder with downloaded data; GMAE_DATA_DIR by default."""
    seed: int = 0
    """Seed of weights and batch order, the same for all three."""
    device: str = "auto"
    """Where to compute: auto, cpu or gpu."""


def study(config: AblationConfig) -> None:
    """Train the three autoencoders, and write their held-out codes, numbers and the figure."""
    lock_run(config.out)
    _check(config)
    from gmae_tf.images.datasets import load_images
    from gmae_tf.utils.devices import select_device
    from gmae_tf.utils.files import write_atomic

    select_device(config.device)  # type: ignore[arg-type]
    data = load_images(
        config.dataset,
        data_dir=config.data_dir,
        classes=config.digits,
        n=config.n_data,
        seed=config.seed,
    )
    if data.test_labels is None:
        raise UserError(f"{config.dataset} has no labels: choose a data set with labels")
    folder = open_study(config, "experiments.images.ablation", ())
    console().print(f"{data.source} {len(data.train):,} images of {config.digits} are used.")
    prior = plane_prior(config.means)
    codes = {name: train(config, name, prior, data, folder / name) for name in VARIANTS}
    rows = [
        {"terms": name, "epoch": epoch, **measure(found, data.test_labels, prior, config)}
        for name, by_epoch in codes.items()
        for epoch, found in by_epoch.items()
    ]
    counts = {"training_images": len(data.train), "held_out": len(data.test)}
    write_results(folder / "ablation.json", config, rows, **counts)
    write_atomic(folder / "ablation.png", draw(codes, data.test_labels, prior))
    print_table(*table(rows), "held-out codes (each term is 1 for samples of the prior)")
    console().print(f"{folder / 'ablation.png'}", soft_wrap=True)


def plane_prior(means: Sequence[tuple[float, float]]) -> GaussianMixture:
    """Equal components with identity covariance."""
    from gmae_tf.prior import GaussianMixture

    return GaussianMixture(means)


def build(config: AblationConfig, name: str, prior: GaussianMixture, shape: Any) -> Autoencoder:
    """An untrained autoencoder; all variants of a seed have the same initial weights."""
    import keras

    from gmae_tf.autoencoder import Autoencoder
    from gmae_tf.images.networks import image_decoder, image_encoder
    from gmae_tf.losses import MeanSquaredError
    from gmae_tf.penalties import GaussianMixturePenalty

    keras.utils.set_random_seed(config.seed)
    side, _, channels = shape
    return Autoencoder(
        image_encoder(side, channels, prior.dim, config.filters),
        image_decoder(side, channels, prior.dim, config.filters[::-1]),
        MeanSquaredError(),
        1 / config.target_mse,
        GaussianMixturePenalty(prior, *VARIANTS[name]),
    )


def train(
    config: AblationConfig, name: str, prior: GaussianMixture, data: ImageData, folder: Path
) -> dict[int, NDArray[np.float32]]:
    """Held-out codes [N, 2] after each of the epochs to show."""
    from gmae_tf.images.datasets import pixels
    from gmae_tf.training.batches import ImageBatches
    from gmae_tf.training.fit import fit

    console().print(TITLES[name])
    fit(
        build(config, name, prior, data.train.shape[1:]),
        data.train,
        data.validation,
        folder,
        epochs=max(config.show),
        batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        schedule="cosine",
        seed=config.seed,
        make_batches=ImageBatches,
        callbacks=(_keep_codes(folder, config.show, pixels(data.test)),),
    )
    return {epoch: _read_codes(_codes_file(folder, epoch)) for epoch in sorted(set(config.show))}


def measure(
    codes: NDArray[Any], labels: NDArray[np.int64], prior: GaussianMixture, config: AblationConfig
) -> dict[str, Any]:
    """How well codes [N, 2] match the prior, and the clusters the labels [N].

    Each term is 1 on average for prior samples.  `share`: of codes nearest to each mean;
    `distance`: from the mean of these codes to the prior's, None without any.
    """
    from gmae_tf.metrics.clustering import clustering_accuracy
    from gmae_tf.metrics.latent import prior_terms

    nearest = prior.responsibilities(codes).argmax(axis=1)
    groups = [codes[nearest == k] for k in range(prior.n_components)]
    distances = [
        float(np.linalg.norm(group.mean(axis=0) - mean)) if len(group) else None
        for group, mean in zip(groups, prior.means, strict=True)
    ]
    return {
        **prior_terms(codes, prior, config.batch_size, config.seed),
        "share": [len(group) / len(codes) for group in groups],
        "distance": distances,
        "mean": codes.mean(axis=0).tolist(),
        "covariance_of_codes": np.cov(codes.T).tolist(),
        "accuracy": clustering_accuracy(labels, nearest, prior.n_components),
    }


def draw(
    codes: dict[str, dict[int, NDArray[Any]]], labels: NDArray[np.int64], prior: GaussianMixture
) -> bytes:
    """A PNG of the codes by variant (columns) and epoch (rows), with the prior's contours."""
    from gmae_tf.utils.plotting import WIDTH, new_figure, png, styled

    epochs = sorted({epoch for by_epoch in codes.values() for epoch in by_epoch})
    box = np.concatenate([prior.means - 4, prior.means + 4])

    def paint() -> bytes:
        figure = new_figure(WIDTH, 2.15 * len(epochs) + 0.35, layout="constrained")
        cells = figure.subplots(len(epochs), len(codes), squeeze=False)
        for row, epoch in zip(cells, epochs, strict=True):
            for axes, (name, by_epoch) in zip(row, codes.items(), strict=True):
                _draw_panel(axes, by_epoch[epoch], labels, prior, box)
                axes.set_title(TITLES[name] if epoch == epochs[0] else "")
            row[0].set_ylabel(f"epoch {epoch}")
        handles, names = cells[0, 0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower left", ncols=4, markerscale=3)
        return _few_colours(png(figure))

    return styled(paint)()


def _few_colours(picture: bytes) -> bytes:
    """A PNG with a palette: thousands of half-transparent points need a third of the bytes."""
    import io

    from PIL import Image

    buffer = io.BytesIO()
    with Image.open(io.BytesIO(picture)) as image:
        image.convert("RGB").quantize(64, dither=Image.Dither.NONE).save(
            buffer, "PNG", optimize=True
        )
    return buffer.getvalue()


def _draw_panel(
    axes: Any,
    codes: NDArray[Any],
    labels: NDArray[np.int64],
    prior: GaussianMixture,
    box: NDArray[Any],
) -> None:
    from matplotlib.ticker import MaxNLocator

    from gmae_tf.utils.plotting import BLUE, CLASSES, INK, ORANGE

    colours = (BLUE, ORANGE, *CLASSES)
    for colour, label in zip(colours, np.unique(labels), strict=False):
        x, y = codes[labels == label].T
        axes.scatter(x, y, s=2.5, color=colour, lw=0, alpha=0.6, label=str(label))
    # Nearly all codes and all of the prior; a few far codes would make the rest a dot.
    ends = np.concatenate([np.quantile(codes, [0.005, 0.995], axis=0), box])
    centre, reach = (ends.max(0) + ends.min(0)) / 2, 0.52 * np.ptp(ends, axis=0).max()
    grid = [np.linspace(c - reach, c + reach, 150) for c in centre]
    x, y = np.meshgrid(*grid)
    density = prior.log_prob(np.stack([x.ravel(), y.ravel()], axis=1)).reshape(x.shape)
    draws = prior.log_prob(prior.sample(20_000, np.random.default_rng(0)))
    levels = np.quantile(draws, [0.01, 0.1, 0.5])
    axes.contour(x, y, density, levels=levels, colors=INK, linewidths=0.7, linestyles="solid")
    axes.plot([], [], color=INK, lw=0.9, label="prior (50, 90, 99 %)")
    axes.set(xlim=grid[0][[0, -1]], ylim=grid[1][[0, -1]], aspect="equal")
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))


def _keep_codes(folder: Path, epochs: Sequence[int], images: NDArray[np.float32]) -> Any:
    import keras

    from gmae_tf.utils.files import atomic_path

    class KeepCodes(keras.callbacks.Callback):
        """Codes of the held-out images, in evaluation mode, after some epochs.

        Written after the epoch's validation: that is before its checkpoint, so an epoch that
        counts as done has its codes whenever the process is killed.
        """

        epoch = 0

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            """Remember which it is."""
            self.epoch = epoch + 1

        def on_test_end(self, logs: Any = None) -> None:
            """Write the codes, if this epoch is to be shown."""
            if self.epoch in epochs:
                with atomic_path(_codes_file(folder, self.epoch)) as path:
                    np.savez(path, codes=self.model.encode(images))

    return KeepCodes()


def _codes_file(folder: Path, epoch: int) -> Path:
    return folder / f"codes-{epoch:04d}.npz"


def _read_codes(path: Path) -> NDArray[np.float32]:
    try:
        with np.load(path) as file:
            return np.asarray(file["codes"])
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{path} is missing or damaged: delete its folder and repeat") from error


def _check(config: AblationConfig) -> None:
    if len(set(config.digits)) < 2:
        raise UserError("--digits needs at least two labels, as in --digits [1,8]")
    if not config.means or not config.show or min(config.show) < 1:
        raise UserError("--means needs at least one mean, and --show epochs of 1 and more")
    for name in ("target_mse", "batch_size", "learning_rate"):
        if getattr(config, name) <= 0:
            raise UserError(f"--{name.replace('_', '-')} must be greater than 0")


def table(rows: Sequence[dict[str, Any]]) -> Table:
    """A line a variant and epoch."""
    titles = ["terms", "epoch", "KS", "cov.", "sliced", "share of each mean", "distance"]
    lines = [
        [
            {"covariance": "cov."}.get(row["terms"], row["terms"]),
            str(row["epoch"]),
            *(f"{row[term]:.2f}" for term in ("ks", "covariance", "sliced")),
            " ".join(f"{share:.0%}" for share in row["share"]),
            " ".join("-" if d is None else f"{d:.2f}" for d in row["distance"]),
            f"{row['accuracy']:.1%}",
        ]
        for row in rows
    ]
    return [*titles, "accuracy"], lines


def main() -> None:
    """The command."""
    run_command(
        study,
        AblationConfig,
        prog="python -m experiments.images.ablation",
        description="Train on two digits with each term of the penalty alone and with both.",
    )


if __name__ == "__main__":
    main()
