"""Training of image autoencoders: weight of the reconstruction, pseudo-labels, fit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from gmae_tf.autoencoder import Autoencoder
from gmae_tf.images.datasets import ImageData
from gmae_tf.images.figures import compose
from gmae_tf.images.networks import by_parts, recipe_network
from gmae_tf.images.options import WARPS, TrainingOptions
from gmae_tf.models import check_options
from gmae_tf.training.batches import ImageBatches
from gmae_tf.training.fit import fit
from gmae_tf.utils.bundle import readable
from gmae_tf.utils.cli import console
from gmae_tf.utils.files import atomic_path
from gmae_tf.utils.npz import load_arrays

Labels = NDArray[np.int32]
WEIGHT_RANGE = 1e2, 1e4
"""Of the reconstruction weight when it is measured."""
SIDE = 8
"""Rows and columns of a picture of samples."""


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
    plain: dict[str, Any] = {"model": "ae", "model_options": {}, "guide": "none"}
    without = replace(options, **plain, schedule="cosine", epochs=options.plain_epochs)
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
    assert options.components is not None
    stored = folder / "groups.npz" if folder else None
    if stored and stored.exists():
        with readable(f"{stored} is damaged: remove it, and the groups are found again."):
            return load_arrays(stored)["groups"]
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
    assert options.latent_dim is not None
    assert options.epochs is not None
    keras.utils.set_random_seed(options.seed)
    clusters: dict[str, Any] = {}
    if options.guide == "invariance" and options.guide_weight:
        assert options.warps is not None
        clusters = {
            "weight": options.guide_weight,
            "until": options.guide_share,
            "rest": options.guide_rest,
            "warp": WARPS[options.warps],
        }
    recipe = options.recipe(
        options.latent_dim,
        reconstruction_weight=weight,
        assignment_weight=(options.guide_weight or 0.0) if options.guide == "neighbours" else 0.0,
        clusters=clusters,
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
    assert options.epochs is not None
    assert options.learning_rate is not None
    assert options.schedule is not None
    train: Any = (data.train, labels[0]) if labels else data.train
    validation: Any = (data.validation, labels[1]) if labels else data.validation
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
    return console() if verbose else Console(quiet=True)


@contextmanager
def _waiting(text: str, verbose: bool) -> Iterator[None]:
    """A moving line with the time that has passed, for a step that cannot say how far it is."""
    screen, start = _screen(verbose), perf_counter()
    screen.print(f"{text} (a minute or two for 10,000 images)", soft_wrap=True)
    columns = TextColumn("t-SNE"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=screen, transient=True) as progress:
        progress.add_task("", total=None)
        yield
    screen.print(f"found in {perf_counter() - start:.0f} s")


def neighbour_clusters(
    codes: ArrayLike, k: int, *, seed: int = 0, embedded: int = 10_000
) -> NDArray[np.int32]:
    """Pseudo-labels: clusters 0..k-1 of the t-SNE embedding of codes, [N, D] -> [N].

    Marginals and covariances do not say which images belong together, and a mixture whose
    components lie apart freezes whatever division the first epochs happened to make.  Nearest
    neighbours do say it: a neighbour embedding of a plain autoencoder's codes falls into groups
    that are close to the classes (McConville et al. 2021, "N2D").

    t-SNE of at most `embedded` random codes to two dimensions, a mixture of k Gaussians in it (the
    likeliest of ten fits), and for the other codes the vote of their ten nearest neighbours.
    """
    from sklearn.manifold import TSNE
    from sklearn.mixture import GaussianMixture
    from sklearn.neighbors import KNeighborsClassifier

    codes = np.asarray(codes, dtype=np.float32)
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.permutation(len(codes))[:embedded])
    perplexity = min(30.0, (len(rows) - 1) / 3)
    plane = TSNE(2, perplexity=perplexity, init="pca", random_state=seed, n_jobs=-1)
    points = plane.fit_transform(codes[rows])
    clusters = GaussianMixture(k, n_init=10, random_state=seed).fit_predict(points)
    vote = KNeighborsClassifier(min(10, len(rows)), n_jobs=-1).fit(codes[rows], clusters)
    return vote.predict(codes).astype(np.int32)


class SampleGrids(keras.callbacks.Callback):
    """After each epoch a picture of the same prior samples, decoded by the network as it is then.

    Without a prior there are no pictures.
    """

    def __init__(self, folder: Path, seed: int = 0) -> None:
        super().__init__()
        self.folder = folder
        self.seed = seed

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Write `epoch-0001.png` and so on."""
        if self.model.prior is None:
            return
        from PIL import Image

        images = self.model.sample(SIDE * SIDE, np.random.default_rng(self.seed))
        levels = np.rint(255 * images).astype(np.uint8)
        mosaic, _, _ = compose(levels.reshape(SIDE, SIDE, *levels.shape[1:]))
        with atomic_path(self.folder / f"epoch-{epoch + 1:04d}.png") as path:
            Image.fromarray(mosaic).save(path)
