"""Whether TensorFlow and GPflow are there, found out without importing them."""

from __future__ import annotations

from importlib import util

from gmae_tf.errors import UserError

NEEDS = ("tensorflow", "gpflow")


def require_gpflow() -> None:
    """Raise `UserError` where the Gaussian processes cannot run; imports nothing."""
    for name in NEEDS:
        try:
            found = util.find_spec(name) is not None
        except (ImportError, ValueError):
            found = False
        if not found:
            raise UserError(
                f"bayesopt needs TensorFlow and GPflow, and {name} cannot be imported: "
                "install gmae-tf with its default dependencies (pip install gmae-tf)."
            )
