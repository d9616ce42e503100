"""Which device computes, chosen before the deep-learning backend starts."""

from __future__ import annotations

import os
import sys
from typing import Literal

from gmae_tf.errors import UserError

Device = Literal["auto", "cpu", "gpu"]


def select_device(device: Device = "auto") -> str:
    """Choose the device, quieten the backend's start-up log, and say what was found.

    Imports the backend unless `cpu` is asked for, so call it inside a command's body and before
    other heavy imports.  `cpu` hides all GPUs; `auto` uses a GPU where there is one; TensorFlow
    takes GPU memory as needed, not all at once.

    Returns
    -------
    "cpu" or "gpu".

    Raises
    ------
    UserError: `gpu` is asked for where the backend finds none.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if device == "cpu":
        _hide_gpus()
        return "cpu"
    gpus = _count_gpus()
    if device == "gpu" and gpus == 0:
        raise UserError(
            "no GPU was found: install requirements-gpu.txt on a machine with a CUDA GPU, "
            "or use --device cpu."
        )
    return "gpu" if gpus else "cpu"


def _backend() -> str:
    return os.environ.get("KERAS_BACKEND", "tensorflow")


def _hide_gpus() -> None:
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # enough for a backend that is not imported yet
    if "tensorflow" not in sys.modules:
        return
    import tensorflow as tf

    try:
        tf.config.set_visible_devices([], "GPU")
    except RuntimeError as error:
        raise UserError("choose the device before any computation has started.") from error


def _count_gpus() -> int:
    if _backend() == "jax":
        import jax

        return sum(device.platform == "gpu" for device in jax.devices())
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        try:
            tf.config.experimental.set_memory_growth(gpu, True)
        except RuntimeError:  # already started with its memory taken: that works as well
            break
    return len(gpus)
