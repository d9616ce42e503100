"""python -m experiments.papers.cluster_term: what the threshold of GM-VAE's cluster term does.

AE, VAE and GM-VAE, the last one with several thresholds, on curves and on MNIST.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from experiments.runner import (
    Row,
    StudyOptions,
    Table,
    Trial,
    finish_study,
    grouped,
    open_study,
    run_trials,
    spread,
    timed,
    trial_name,
)
from gmae_tf.errors import UserError
from gmae_tf.utils.cli import parse_seeds, run_command
from gmae_tf.utils.locks import lock_run

if TYPE_CHECKING:
    from experiments.papers.cluster_data import Task

EPOCHS = {"synthetic": 12, "mnist": 8}
ABOUT = "data", "model", "threshold", "seed"
MODELS = {"ae": "AE", "vae": "VAE", "gm-vae": "GM-VAE"}
REACHED = 1.5
"""Nats of the cluster term whose first step is told: where the report sees its change."""
MAPPED, STYLES = 1000, 10
"""Test codes of a map, and values of w for which every cluster is decoded."""


@dataclass(frozen=True)
class ClusterTermConfig(StudyOptions):
    """Options of `python -m experiments.papers.cluster_term`."""

    data: Literal["synthetic", "mnist", "both"] = "both"
    """Curves of ten families, or digits; labels only judge."""
    thresholds: tuple[float, ...] = (0.0, 1.5)
    """Of the cluster term, in nats: below it, the loss does not see it."""
    out: Path = Path("runs/cluster_term")
    seeds: str = "0-1"
    epochs: int | None = None
    """Passes over the training data; 12 for curves and 8 for digits by default."""
    curves: int = 6000
    """Training curves."""
    images: int = 10_000
    """Training images of MNIST."""
    kl_weight: float = 1.0
    """Of the terms of VAE and GM-VAE beside the sum of squared errors."""


def cluster_term(config: ClusterTermConfig) -> None:
    """Train and measure what is not done yet; write results.json, table and figures."""
    lock_run(config.out)
    from gmae_tf.utils.devices import select_device

    select_device(config.device)
    from experiments.papers.cluster_data import BATCH, mnist, synthetic
    from experiments.papers.cluster_figures import all_figures

    seeds = parse_seeds(config.seeds)
    if min(config.thresholds, default=0.0) < 0 or not config.thresholds:
        raise UserError("--thresholds needs numbers of nats, 0 or more, as in [0, 1.5]")
    for name in ("epochs", "curves", "images", "kl_weight"):
        if (value := getattr(config, name)) is not None and value <= 0:
            raise UserError(f"--{name.replace('_', '-')} must be greater than 0, not {value}")
    if config.curves < BATCH:
        raise UserError(f"--curves {config.curves}: a batch alone has {BATCH}")
    tasks = []
    if config.data != "mnist":
        tasks.append(synthetic(config.curves))
    if config.data != "synthetic":
        tasks.append(mnist(config.images, config.data_dir))
    folder = open_study(config, "experiments.papers.cluster_term", ("data", "thresholds", "seeds"))
    trials = [
        Trial(
            dict(zip(ABOUT, (task.name, model, threshold, seed), strict=True)),
            partial(_measure, config, task, model, threshold, seed),
        )
        for seed in seeds
        for task in tasks
        for model, threshold in _models(config)
    ]
    rows = run_trials(folder, trials, config.scheduler)
    named = [(row, folder / trial_name({key: row[key] for key in ABOUT})) for row in rows]
    finish_study(config, folder, rows, all_figures(named), table(rows))


def _models(config: ClusterTermConfig) -> list[tuple[str, float | None]]:
    return [("ae", None), ("vae", None), *(("gm-vae", value) for value in config.thresholds)]


def _measure(
    config: ClusterTermConfig,
    task: Task,
    name: str,
    threshold: float | None,
    seed: int,
    folder: Path,
) -> Row:
    """Train in the folder; numbers of the test rows, and what the figures show beside them."""
    import numpy as np

    from experiments.papers.cluster_data import BATCH, COMPONENTS
    from experiments.papers.cluster_figures import TRACE, save_shown
    from experiments.papers.cluster_trace import Trace
    from gmae_tf.density import LatentDensity
    from gmae_tf.metrics.clustering import clustering_accuracy, normalized_mutual_information
    from gmae_tf.training.batches import SeededBatches
    from gmae_tf.training.fit import fit

    options: dict[str, Any] = {} if name == "ae" else {"kl_weight": config.kl_weight}
    if name == "gm-vae":
        options["threshold"] = threshold
    model, trace = task.model(name, seed, options), Trace(folder / TRACE, "information")
    train = partial(
        fit,
        model,
        task.train,
        task.validation,
        folder,
        epochs=config.epochs or EPOCHS[task.name],
        batch_size=BATCH,
        schedule="cosine",
        seed=seed,
        make_batches=SeededBatches,
        callbacks=(trace,) if name == "gm-vae" else (),
    )
    history, seconds = timed(folder, train)
    codes, groups = model.encode(task.test), model.cluster_probs(task.test)
    if groups is None:
        mixture = LatentDensity("mixture", COMPONENTS).fit(model.encode(task.train), seed)
        groups = mixture.parameters().responsibilities(codes)
    found = groups.argmax(axis=1)
    save_shown(folder, model, codes[:MAPPED], task.test_labels[:MAPPED], STYLES, seed)
    return {
        "cluster_term": history[-1].get("information"),
        "reached": next((step for step, value in trace.points if value > REACHED), None),
        "accuracy": clustering_accuracy(task.test_labels, found, COMPONENTS),
        "nmi": normalized_mutual_information(task.test_labels, found),
        "mse": float(np.mean(np.square(model.decode(codes) - task.test))),
        "steps": len(history) * (len(task.train) // BATCH),
        "seconds": seconds,
    }


def table(rows: Sequence[Row]) -> Table:
    """Mean ± deviation over seeds, a line a model and threshold."""
    titles = ["data", "model", "threshold", "cluster term", "steps to 1.5 nats"]
    titles += ["accuracy %", "NMI", "MSE"]
    lines = []
    for (data, model, threshold), group in grouped(rows, "data", "model", "threshold").items():
        told = ["–", "–", "–"]
        if threshold is not None:
            steps = [row["reached"] for row in group]
            never = "never" if None in steps else spread(steps, 0)
            told = [f"{threshold:g}", spread([row["cluster_term"] for row in group], 2), never]
        numbers = [
            spread([scale * row[key] for row in group], digits)
            for key, scale, digits in (("accuracy", 100, 1), ("nmi", 1, 3), ("mse", 1, 4))
        ]
        lines.append([data, MODELS[model], *told, *numbers])
    return titles, lines


def main() -> None:
    """The command."""
    run_command(
        cluster_term,
        ClusterTermConfig,
        prog="python -m experiments.papers.cluster_term",
        description="Follow the cluster term of GM-VAE with and without its threshold.",
    )


if __name__ == "__main__":
    main()
