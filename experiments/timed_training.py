"""Training on JAX for so many seconds: data on the device, many steps in one call of it."""

from __future__ import annotations

import importlib.util
import math
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gmae_tf.errors import UserError
from gmae_tf.utils.cli import console

if TYPE_CHECKING:
    from gmae_tf.autoencoder import Autoencoder

Choose = Callable[[np.random.Generator, int, int], tuple[Any, tuple[Any, ...]]]
"""Generator, steps, number of the call -> what is compiled in, such as the length of sequences, and
arrays [steps, ...] of each step."""
Log = list[dict[str, float]]
SHARD = 15 << 20
"""Bytes of a file of weights at most."""


class Timing(Protocol):
    """Settings of a training by the clock."""

    @property
    def seed(self) -> int:
        """Of batches."""

    @property
    def rate(self) -> float:
        """Largest learning rate."""

    @property
    def warm(self) -> float:
        """Share of the training in which the learning rate rises."""

    @property
    def seconds(self) -> float:
        """Of training, without the time of compilation."""

    @property
    def steps(self) -> int | None:
        """Most steps; as many as the seconds allow where it is None."""

    @property
    def chunk(self) -> int:
        """Steps in one call of the device."""


def need_jax() -> None:
    """Make Keras use JAX; `UserError` where it cannot."""
    if importlib.util.find_spec("jax") is None:
        raise UserError("this training needs JAX: pip install gmae-tf[jax-cuda]")
    os.environ.setdefault("KERAS_BACKEND", "jax")
    import keras

    if keras.backend.backend() != "jax":
        raise UserError("this training needs JAX: set KERAS_BACKEND=jax")


def train_for(
    timing: Timing,
    network: Autoencoder,
    batch: Callable[..., tuple[Any, Any]],
    data: dict[str, Any],
    choose: Choose,
    **adam: Any,
) -> Log:
    """Train for the seconds; learning rate and noise follow the share of them that has passed.

    The means of a call are logged about eight times.  `batch` and `data` are those of
    `experiments.scan.ScannedTraining`; `adam` are options of the optimiser.
    """
    import keras

    from experiments.scan import ScannedTraining

    network.compile(optimizer=keras.optimizers.Adam(timing.rate, global_clipnorm=1.0, **adam))
    training = ScannedTraining(network, batch, data)
    rng, screen = np.random.default_rng(timing.seed), console()
    began = time.time()
    for number in (0, 1):  # compiled for both lengths, at a learning rate of nothing much
        static, arrays = choose(rng, timing.chunk, number)
        training.run([1e-6] * timing.chunk, [0.0] * timing.chunk, *arrays, static=static)
    started, steps, shown, ahead, number = time.time(), 0, 0.0, 0.0, 0
    log: Log = []
    terms: dict[str, float] = {}
    while (done := (time.time() - started) / timing.seconds) < 1.0:
        if timing.steps is not None and steps >= timing.steps:
            break
        number += 1
        share = np.clip(done + ahead * np.arange(timing.chunk) / timing.chunk, 0.0, 1.0)
        static, arrays = choose(rng, timing.chunk, number)
        terms = training.run(_rates(timing, share), share, *arrays, static=static)
        ahead = (time.time() - started) / timing.seconds - done
        steps += timing.chunk
        if time.time() - shown > timing.seconds / 8:
            shown = time.time()
            log.append({"done": done, "steps": steps, **terms})
            screen.print(_line(log[-1]), soft_wrap=True)
    training.finish()
    now = time.time()
    log.append({"steps": steps, "seconds": now - started, "compile": started - began, **terms})
    screen.print(_line(log[-1]), soft_wrap=True)
    keras.config.set_dtype_policy("float32")
    return log


def draw(rng: np.random.Generator, rows: NDArray[Any], k: int, size: int) -> NDArray[Any]:
    """[k, size] of the rows, without repeats in a step as long as there are enough."""
    if k * size <= len(rows):
        return rows[rng.permutation(len(rows))[: k * size]].reshape(k, size)
    if size <= len(rows):
        return np.stack([rows[rng.choice(len(rows), size, replace=False)] for _ in range(k)])
    return rng.choice(rows, (k, size))


def save_weights(weights: Sequence[NDArray[Any]], path: Path) -> None:
    """Weights in 16 bits: NAME.npz, and NAME.1.npz and so on where one file would be too large."""
    shards: list[dict[str, NDArray[Any]]] = [{}]
    size = 0
    for number, weight in enumerate(weights):
        array = weight.astype(np.float16)
        if size and size + array.nbytes > SHARD:
            shards.append({})
            size = 0
        shards[-1][f"{number:03d}"] = array
        size += array.nbytes
    for number, shard in enumerate(shards):
        np.savez(shard_path(path, number), **shard)


def read_weights(path: Path) -> list[NDArray[np.float32]]:
    """What `save_weights` wrote, in single precision."""
    arrays: dict[str, NDArray[Any]] = {}
    number = 0
    while number == 0 or shard_path(path, number).is_file():
        with np.load(shard_path(path, number)) as file:
            arrays.update({name: file[name] for name in file.files})
        number += 1
    return [arrays[name].astype(np.float32) for name in sorted(arrays)]


def shard_path(path: Path, number: int) -> Path:
    """The file of a shard; the first has the name itself."""
    return path if number == 0 else path.with_suffix(f".{number}{path.suffix}")


def _rates(timing: Timing, share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Learning rates after these shares of the training: warm-up, then half a cosine."""
    cosine = 0.02 + 0.98 * 0.5 * (1 + np.cos(math.pi * share))
    return timing.rate * np.minimum(1.0, share / timing.warm) * cosine


def _line(row: dict[str, float]) -> str:
    return "  ".join(f"{name} {value:.4g}" for name, value in row.items())
