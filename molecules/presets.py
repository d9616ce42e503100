"""Where models are: the shipped ones by name, and one's own."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from gmae_tf.errors import UserError

PARTS = {"max_length", "network", "sha256"}
"""What a description has at least."""
PRESETS = {"compact": Path(__file__).parent / "pretrained" / "compact"}
"""Folders of shipped models, by the names that `molecules.load` takes."""


def find_model(source: str | Path = "compact") -> Path:
    """The folder of a shipped or of one's own model; `UserError` where there is none to read."""
    if not isinstance(source, str | Path):
        raise UserError(f"the model is {source!r}: name a folder, or compact")
    folder = PRESETS.get(str(source), Path(source))
    path = folder / "model.json"
    if not path.is_file():
        raise UserError(
            f"{folder} does not hold a trained model of molecules: name a folder of molecules.train"
            " or molecules.pack, or compact"
        )
    described: Any = {}
    with suppress(OSError, ValueError):
        described = json.loads(path.read_bytes())
    if not isinstance(described, dict) or not described.keys() >= PARTS:
        raise UserError(f"{path} does not describe a model of molecules, or is damaged: restore it")
    if "kekulized" not in described:
        raise UserError(f"{folder} holds a model of strings: use GrammarAutoencoder.load")
    return folder
