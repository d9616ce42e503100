"""On PYTHONPATH, this hides TensorFlow and what needs it from a process."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from typing import Any

HIDDEN = {
    "gpflow", "tensorboard_plugin_profile", "tensorflow", "tensorflow_datasets",
    "tensorflow_probability", "tf_keras",
}  # fmt: skip


class Hidden(MetaPathFinder):
    """Refuse the hidden packages before anybody else can find them."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: Any = None) -> None:
        if name.partition(".")[0] in HIDDEN:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, Hidden())
