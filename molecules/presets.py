"""Trained models by name or folder; found without importing Keras."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gmae_tf.errors import UserError

if TYPE_CHECKING:
    from molecules.model import MoleculeAutoencoder

SHIPPED = {"compact": Path(__file__).parents[1] / "data" / "pretrained" / "molecules"}
"""Folders of the models that a checkout of the project contains, by name."""


def find_model(source: str | Path = "compact") -> Path:
    """The folder of a shipped or of one's own model; `UserError` where there is none."""
    folder = SHIPPED.get(str(source), Path(source))
    if (folder / "model.json").is_file():
        return folder
    if str(source) in SHIPPED:
        raise UserError(
            f"the model {source!r} is not at {folder}: work in a checkout of the project, or name "
            "the folder of a model of your own"
        )
    raise UserError(
        f"{folder} does not hold a trained model of molecules: name {' or '.join(SHIPPED)}, or a "
        "folder that molecules.train or molecules.pack has written"
    )


def load(source: str | Path = "compact") -> MoleculeAutoencoder:
    """A trained autoencoder of molecules: a shipped one by name, or one's own by its folder.

    `compact` was trained on ZINC 250k, kekulised, with 56 latent dimensions.

    Raises
    ------
    UserError: there is no such model.
    GrammarError: a file of it is missing or damaged.

    Examples
    --------
    >>> import molecules
    >>> molecules.load("compact").latent_dim
    56
    """
    from molecules.model import MoleculeAutoencoder

    return MoleculeAutoencoder.load(find_model(source))
