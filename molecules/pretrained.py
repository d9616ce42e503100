"""The pretrained model of molecules that the repository ships."""

from __future__ import annotations

from pathlib import Path

from gmae_tf.errors import UserError
from molecules.model import MoleculeAutoencoder

FOLDER = Path(__file__).parents[1] / "data" / "pretrained" / "molecules"


def load_model(folder: Path | None = None) -> MoleculeAutoencoder:
    """The model in a folder, by default the pretrained one; `UserError` where there is none."""
    if folder is None and not FOLDER.exists():
        raise UserError(
            f"there is no pretrained model at {FOLDER}: run the command in a checkout of the "
            "project, or name the folder of your own training with --model"
        )
    return MoleculeAutoencoder.load(folder or FOLDER)
