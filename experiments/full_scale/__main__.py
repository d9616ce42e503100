"""Train all full-scale models on one GPU without TensorFlow, several at once, within minutes.

    python -m experiments.full_scale --prepared PREPARED --out runs/full-scale

Every training is a process of its own that stops by the clock, so the whole takes as long as its
slowest lane: at most 9 minutes with the defaults on a GPU that four trainings share.  A training
whose NAME.json is there is not repeated.  PREPARED is the folder of `experiments.space.prepare`.
Left out: the network of Kusner et al. 2017 for molecules with its 277 steps (`molecules.train
--preset paper`), which alone would take the time of all others.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from experiments.runner import child_environment
from gmae_tf.errors import UserError
from gmae_tf.utils.cli import console, run_command
from gmae_tf.utils.interrupts import raise_if_interrupted

SPACE, IMAGES = "experiments.space.train", "experiments.full_scale.images"
MOLECULES = (
    *("--kind", "molecules", "--latent", "128", "--noise", "1.0", "--least", "0.5"),
    *("--head-weight", "300", "--rate", "0.0015", "--architecture", "autoregressive"),
    *("--sizes", '{"units": 512, "dense": 768, "positions": 24}'),
)
EXPRESSIONS = (
    *("--kind", "expressions", "--latent", "25", "--noise", "0.4", "--batch", "300"),
    *("--rate", "0.002", "--reconstruction", "20", "--architecture", "autoregressive"),
    *("--sizes", '{"units": 160, "dense": 256, "positions": 16}'),
)


@dataclass(frozen=True)
class FullScaleConfig:
    """Options of `python -m experiments.full_scale`."""

    prepared: Path | None = None
    """Folder of experiments.space.prepare; without it molecules are left out."""
    data_dir: Path | None = None
    """Folder with mnist.npz and fashion_mnist.npz; GMAE_DATA_DIR by default."""
    out: Path = Path("runs/full-scale")
    """Folder to write; the same command continues in it."""
    seeds: int = 3
    """Seeds of each image model."""
    datasets: tuple[str, ...] = ("mnist", "fashion_mnist")
    """Of the image models."""
    seconds: float = 230.0
    """Of the training of molecules; expressions and each image model take 0.4 of them."""
    at_once: int = 4
    """Trainings that share the device."""
    tiny: bool = False
    """Small networks and two steps each, to try it out on a CPU."""


@dataclass(frozen=True)
class Training:
    """One process: the name of its result, its module and its options."""

    name: str
    module: str
    options: tuple[str, ...]


def main() -> None:
    """The command."""
    run_command(
        train_all,
        FullScaleConfig,
        prog="python -m experiments.full_scale",
        description="Train all full-scale models on one GPU without TensorFlow.",
    )


def train_all(config: FullScaleConfig) -> None:
    """Run what is not done; `UserError` names the trainings that failed."""
    if config.prepared is not None and not (config.prepared / "own.npy").is_file():
        raise UserError(
            f"{config.prepared} holds no prepared molecules: run experiments.space.prepare"
        )
    config.out.mkdir(parents=True, exist_ok=True)
    todo = [t for t in trainings(config) if not (config.out / f"{t.name}.json").is_file()]
    began, screen = time.time(), console()
    with ThreadPoolExecutor(config.at_once) as pool:
        codes = list(pool.map(lambda training: _run(config, training), todo))
    failed = [t.name for t, code in zip(todo, codes, strict=True) if code]
    screen.print(f"{len(todo) - len(failed)} trained in {time.time() - began:.0f} s")
    if failed:
        logs = ", ".join(str(config.out / f"{name}.log") for name in failed)
        raise UserError(f"{len(failed)} trainings failed; see {logs}, and repeat the command")


def trainings(config: FullScaleConfig) -> list[Training]:
    """All of them, the longest first."""
    short = f"{0.4 * config.seconds:g}"
    found = []
    if config.prepared is not None:
        where = ("--prepared", str(config.prepared), "--seconds", f"{config.seconds:g}")
        found.append(Training("molecules", SPACE, (*MOLECULES, *where)))
    found.append(Training("expressions", SPACE, (*EXPRESSIONS, "--seconds", short)))
    data = () if config.data_dir is None else ("--data-dir", str(config.data_dir))
    for dataset in config.datasets:
        for seed in range(config.seeds):
            options = ("--dataset", dataset, "--seed", str(seed), "--seconds", short, *data)
            found.append(Training(f"{Path(dataset).stem}-{seed}", IMAGES, options))
    return found


def _run(config: FullScaleConfig, training: Training) -> int:
    """Exit status of a training; what it prints is in NAME.log."""
    options = [*training.options, "--name", training.name, "--out", str(config.out)]
    if config.tiny:
        options += ["--steps", "2", "--chunk", "1", "--batch", "20"]
        if training.module == IMAGES:
            options += ["--size", "small"]
        else:
            options += ["--sizes", '{"units": 8, "dense": 8}', "--samples", "20", "--gp", "none"]
            options += ["--held-out", "10", "--n", "400", "--no-bf16"]
    variables = {
        "KERAS_BACKEND": "jax",
        "XLA_PYTHON_CLIENT_MEM_FRACTION": f"{0.9 / config.at_once:.2f}",
    }
    screen, began = console(), time.time()
    with (config.out / f"{training.name}.log").open("wb") as log:
        code = subprocess.call(
            [sys.executable, "-m", training.module, *options],
            stdout=log,
            stderr=subprocess.STDOUT,
            env=child_environment(**{**variables, **_asked_for()}),
        )
    raise_if_interrupted(code)
    screen.print(
        f"{training.name}: {'failed' if code else 'done'} after {time.time() - began:.0f} s"
    )
    return code


def _asked_for() -> dict[str, str]:
    """What the user's environment says of devices goes before what is said here."""
    names = ("JAX_PLATFORMS", "XLA_PYTHON_CLIENT_MEM_FRACTION")
    return {name: os.environ[name] for name in names if name in os.environ}


if __name__ == "__main__":
    main()
