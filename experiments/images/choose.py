"""python -m experiments.images.choose: a preset of the guide by invariance, chosen without labels.

Every candidate is trained alike and judged on the validation images, by two numbers that need no
label: the mutual information between the component of an image and that of a warped copy, and the
Frechet distance of prior samples in principal components of the pixels.  Chosen is the smallest
distance among those that lose at most `SLACK` nats of the best information.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any, Literal

from experiments.runner import (
    PLACES,
    Row,
    StudyOptions,
    Table,
    Trial,
    grouped,
    open_study,
    print_table,
    run_trials,
    timed,
    write_results,
)
from gmae_tf.errors import UserError
from gmae_tf.train import TrainConfig, load, with_preset
from gmae_tf.utils.cli import parse_seeds, run_command
from gmae_tf.utils.json import to_json
from gmae_tf.utils.locks import lock_run

if TYPE_CHECKING:
    from gmae_tf.images.datasets import ImageData
    from gmae_tf.images.model import ImageAutoencoder

SLACK = 0.05
"""Nats of information that a better distance may cost."""
COORDINATES = ("scale", "share", "rest")
MEASURES = {
    "information": ("information, nats", 3),
    "distance": ("FD of pixels", 3),
    "reconstruction": ("MSE", 4),
}
COMPONENTS = 64
"""Principal components of the pixels in which samples are compared with images."""
COPIES = 8
"""Warped copies of each validation image."""


@dataclass(frozen=True)
class ChooseConfig(StudyOptions):
    """Options of `python -m experiments.images.choose`."""

    dataset: str = "mnist"
    """Images, see gmae_tf.train; labels are never read."""
    out: Path = Path("runs/choose")
    """Folder of the study; the same command continues it."""
    rests: tuple[float, ...] = (0.05, 0.15)
    """What may be left of the guide's weight in the end."""
    shares: tuple[float, ...] = (0.2, 0.35)
    """Shares of the training that may have the whole weight."""
    scales: tuple[float, ...] = (6.0,)
    """Scales of the one-hot means."""
    size: Literal["small", "paper"] = "small"
    """Size of the network."""
    epochs: int = 30
    """Passes over the training images."""
    n_data: int | None = None
    """Use only so many training images, drawn at random."""
    seeds: str = "0"
    """Seeds of weights and batch order; their mean counts."""


def choose(config: ChooseConfig) -> None:
    """Train and judge every candidate, and write choice.json."""
    lock_run(config.out)
    runs = list(grid(config))
    if not runs:
        raise UserError("nothing to choose from: give --rests, --shares and --scales values.")
    from gmae_tf.utils.devices import select_device

    select_device(config.device)
    data = load(runs[0][1])
    folder = open_study(config, "experiments.images.choose", ("rests", "shares", "scales", "seeds"))

    def trial(about: Row, options: TrainConfig) -> Trial:
        return Trial(about, lambda path: train_and_judge(options, data, path))

    rows = run_trials(folder, [trial(*one) for one in runs], config.scheduler)
    write_results(
        folder / "choice.json",
        config,
        rows,
        chosen=best(candidates_of(rows)),
        slack=SLACK,
        options={k: v for k, v in to_json(runs[0][1]).items() if k not in PLACES},
    )
    print_table(*table(candidates_of(rows)), "validation images, no labels")


def grid(config: ChooseConfig) -> Iterator[tuple[Row, TrainConfig]]:
    """Coordinates of each candidate, and its options."""
    passed = ("dataset", "size", "epochs", "n_data", "data_dir")
    given: dict[str, Any] = {name: getattr(config, name) for name in passed}
    seeds = parse_seeds(config.seeds)
    for values in itertools.product(config.scales, config.shares, config.rests, seeds):
        about = dict(zip((*COORDINATES, "seed"), values, strict=True))
        scale, share, rest, seed = values
        options = TrainConfig(
            **given,
            guide="invariance",
            mean_scale=scale,
            guide_share=share,
            guide_rest=rest,
            seed=int(seed),
        )
        yield about, with_preset(options)


def train_and_judge(options: TrainConfig, data: ImageData, folder: Path) -> Row:
    """Train in `folder`, and judge on the validation images."""
    from gmae_tf.images.model import ImageAutoencoder
    from gmae_tf.images.training import build, fit_network, prepare

    weight, _ = prepare(options, data, folder)
    model = ImageAutoencoder(build(options, data, weight), data.side, data.channels, options.size)
    history, seconds = timed(folder, lambda: fit_network(options, model.network, data, folder))
    return {
        "seconds": seconds,
        "information": information(model, data.validation, options),
        "distance": pixel_distance(model, data, options.seed),
        "reconstruction": history[-1]["val_reconstruction"],
    }


def information(model: ImageAutoencoder, images: Any, options: TrainConfig) -> float:
    """Mutual information in nats between components of images and of their warped copies.

    The joint distribution is the mean over pairs of the product of responsibilities (Ji et al.
    2019, "Invariant Information Clustering"): at most log K, and less where warps change the
    component, where images belong to several, and where components are not used.
    """
    import numpy as np
    from sklearn.metrics import mutual_info_score

    from gmae_tf.images.options import WARPS
    from gmae_tf.models.warp import RandomWarp

    assert model.prior is not None
    assert options.warps is not None
    warp = RandomWarp(**WARPS[options.warps], seed=options.seed)
    here = model.prior.responsibilities(model.encode(images))
    joint = np.zeros((here.shape[1], here.shape[1]))
    for _ in range(COPIES):
        parts = np.array_split(images, max(len(images) // 1000, 1))
        warped = np.concatenate([np.asarray(warp(x.astype(np.float32) / 255)) for x in parts])
        levels = np.rint(255 * np.clip(warped, 0, 1)).astype(np.uint8)
        joint += here.T @ model.prior.responsibilities(model.encode(levels))
    return float(mutual_info_score(None, None, contingency=joint + joint.T))


def pixel_distance(model: ImageAutoencoder, data: ImageData, seed: int) -> float:
    """Frechet distance of prior samples to validation images, in principal components of pixels."""
    import numpy as np
    from sklearn.decomposition import PCA

    from gmae_tf.metrics.sets import Moments, frechet_distance

    flat = lambda x: x.reshape(len(x), -1).astype(np.float32) / 255  # noqa: E731
    train, images = flat(data.train), flat(data.validation)
    pca = PCA(min(COMPONENTS, *train.shape), random_state=seed).fit(train)
    samples = flat(model.sample(len(images), seed=seed))
    return float(frechet_distance(pca.transform(samples), Moments.of(pca.transform(images))))


def candidates_of(rows: Sequence[Row]) -> list[Row]:
    """Means over seeds."""
    return [
        {
            **dict(zip(COORDINATES, values, strict=True)),
            **{name: mean(row[name] for row in group) for name in MEASURES},
        }
        for values, group in grouped(rows, *COORDINATES).items()
    ]


def best(candidates: Sequence[Row]) -> Row:
    """The smallest distance among candidates within `SLACK` of the best information."""
    most = max(one["information"] for one in candidates)
    near = [one for one in candidates if one["information"] >= most - SLACK]
    return min(near, key=lambda one: one["distance"])


def table(candidates: Sequence[Row]) -> Table:
    """One line a candidate; the chosen one is marked."""
    chosen = best(candidates)
    lines = [
        [
            "chosen" if one is chosen else "",
            *(f"{one[key]:g}" for key in COORDINATES),
            *(f"{one[key]:.{digits}f}" for key, (_, digits) in MEASURES.items()),
        ]
        for one in candidates
    ]
    return ["", *COORDINATES, *(title for title, _ in MEASURES.values())], lines


def main() -> None:
    """The command."""
    run_command(
        choose,
        ChooseConfig,
        prog="python -m experiments.images.choose",
        description="Choose settings of the guide by invariance on validation images, "
        "without labels.",
    )


if __name__ == "__main__":
    main()
