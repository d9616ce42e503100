"""Molecules as SMILES of a grammar: data, properties, valid decoding, autoencoders, scoring.

Public names are imported on first use, so that `import molecules` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from gmae_tf.utils.interrupts import quiet_start

if TYPE_CHECKING:
    from molecules.chem.constraints import Constraints
    from molecules.data.sources import load_molecules
    from molecules.model import MoleculeAutoencoder, load
    from molecules.scoring.objective import Objective
    from molecules.scoring.scorer import Scorer
    from molecules.space.metrics import evaluate_space

_HOME = {
    "Constraints": "molecules.chem.constraints",
    "MoleculeAutoencoder": "molecules.model",
    "Objective": "molecules.scoring.objective",
    "Scorer": "molecules.scoring.scorer",
    "evaluate_space": "molecules.space.metrics",
    "load": "molecules.model",
    "load_molecules": "molecules.data.sources",
}

__all__ = [
    "Constraints",
    "MoleculeAutoencoder",
    "Objective",
    "Scorer",
    "evaluate_space",
    "load",
    "load_molecules",
]

quiet_start()


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'molecules' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)
