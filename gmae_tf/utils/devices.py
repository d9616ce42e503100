"""Which device computes, chosen before the deep-learning backend starts."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from gmae_tf.errors import UserError

Device = Literal["auto", "cpu", "gpu"]

TOO_LATE = "the backend has started on a GPU: choose the device before anything is computed."


def select_device(device: Device = "auto", devices: int = 1) -> str:
    """Choose the device, start the backend without its start-up log, and say what was found.

    Takes the seconds of importing the backend, so call it inside a command's body, before other
    heavy imports.  `cpu` hides all GPUs; `auto` uses a GPU where there is one; TensorFlow takes
    GPU memory as needed, not all at once.  With TF_CPP_MIN_LOG_LEVEL=0 the log is shown.
    `devices` is passed to `use_devices`.

    Returns
    -------
    "cpu" or "gpu".

    Raises
    ------
    UserError: `gpu` is asked for where the backend finds none, or `cpu` too late.
    """
    if device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # enough for a backend that has not started
    with _quiet_stderr():
        gpus = _jax_gpus() if _backend() == "jax" else _tensorflow_gpus(hide=device == "cpu")
    if device == "cpu" and gpus:
        raise UserError(TOO_LATE)
    if device == "gpu" and gpus == 0:
        needed = "requirements-jax-cuda.txt" if _backend() == "jax" else "requirements-gpu.txt"
        raise UserError(
            f"no GPU was found: install {needed} on a machine with a CUDA GPU, or use --device cpu."
        )
    use_devices(devices)
    return "gpu" if gpus else "cpu"


def use_devices(n: int) -> None:
    """Train on n devices at once: each batch is split over them, and every device has all weights.

    `keras.distribution.DataParallel` on JAX, for models that are made after this call.  The loss,
    penalties included, is that of the whole batch, so one device gives the same numbers.  On
    several hosts, call `keras.distribution.initialize` in each process first; n counts all devices.

    Raises
    ------
    UserError: fewer devices than n, or another backend than JAX.
    """
    if n == 1:
        return
    if n < 1:
        raise UserError(f"--devices is {n}: ask for at least one.")
    if _backend() != "jax":
        raise UserError(f"--devices {n} needs JAX: set KERAS_BACKEND=jax.")
    import keras

    found = keras.distribution.list_devices()
    if len(found) < n:
        raise UserError(f"--devices is {n}, but JAX finds {len(found)}: {', '.join(found)}.")
    parallel = keras.distribution.DataParallel(devices=found[:n], auto_shard_dataset=False)
    keras.distribution.set_distribution(parallel)


def device_count() -> int:
    """Devices that share each batch, as `use_devices` has set it."""
    import keras

    spread = keras.distribution.distribution()
    return 1 if spread is None else int(spread.device_mesh.devices.size)


def set_precision(mixed: bool | None, device: str) -> None:
    """Compute in 16 bits where that is safe: if asked for, or (None) on a GPU."""
    import keras

    if device == "gpu" if mixed is None else mixed:
        keras.mixed_precision.set_global_policy("mixed_bfloat16")


def _backend() -> str:
    return os.environ.get("KERAS_BACKEND", "tensorflow")


def _jax_gpus() -> int:
    import jax

    return sum(device.platform == "gpu" for device in jax.devices())


def _tensorflow_gpus(hide: bool) -> int:
    import tensorflow as tf

    if os.environ.get("TF_CPP_MIN_LOG_LEVEL") != "0":
        # Several models in one process are traced one after the other; that is no mistake.
        tf.get_logger().setLevel("ERROR")
    gpus = tf.config.list_physical_devices("GPU")
    if hide:
        try:
            tf.config.set_visible_devices([], "GPU")
        except RuntimeError as error:
            raise UserError(TOO_LATE) from error
        return 0
    for gpu in gpus:
        try:
            tf.config.experimental.set_memory_growth(gpu, True)
        except RuntimeError:  # already started with its memory taken: that works as well
            break
    return len(gpus)


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Hold back what native code writes to file descriptor 2; show it if the block fails.

    TensorFlow 2.21 logs to it before its log level has any effect.
    """
    if os.environ.get("TF_CPP_MIN_LOG_LEVEL") == "0":
        yield
        return
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held:
        stderr = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        except UserError:
            raise
        except BaseException:
            held.seek(0)
            os.write(stderr, held.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
