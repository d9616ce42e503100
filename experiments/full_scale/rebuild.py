"""A run folder from the 16-bit weights of `experiments.full_scale`.

    python -m experiments.full_scale.rebuild --result runs/full-scale/mnist-0 --out runs/mnist

The folder is what `gmae_tf.train`, `molecules.train` or `grammar.train` leave, for `evaluate`,
`sample` and the searches.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from experiments.full_scale.images import ImageSettings
from experiments.full_scale.images import rebuild as rebuild_images
from experiments.space.rebuild import rebuild as rebuild_strings
from experiments.space.settings import Settings
from gmae_tf.errors import UserError
from gmae_tf.utils.cli import console, run_command


@dataclass(frozen=True)
class RebuildConfig:
    """Options of `python -m experiments.full_scale.rebuild`."""

    result: Path
    """Name of a result without its ending, such as runs/full-scale/mnist-0."""
    out: Path
    """Folder to write."""


def main() -> None:
    """The command."""
    run_command(
        rebuild,
        RebuildConfig,
        prog="python -m experiments.full_scale.rebuild",
        description="Make a run folder of a model of experiments.full_scale.",
        continues=False,
    )


def rebuild(config: RebuildConfig) -> None:
    """Of images or of strings, as the settings say."""
    weights = config.result.with_name(config.result.name + ".npz")
    described = config.result.with_name(config.result.name + ".config.json")
    for path in (weights, described):
        if not path.is_file():
            raise UserError(f"there is no file {path}: name a result of experiments.full_scale")
    settings = json.loads(described.read_text(encoding="utf-8"))
    if "dataset" in settings:
        rebuild_images(ImageSettings(**settings), weights, config.out)
    else:
        rebuild_strings(Settings(**settings), weights).save(config.out, half_precision=True)
    console().print(f"the model is in {config.out}")


if __name__ == "__main__":
    main()
