"""Molecules with codes and properties beside a model: what a search starts from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from gmae_tf.utils.files import atomic_path
from gmae_tf.utils.parallel import map_chunks
from molecules.chem.properties import PROPERTIES, canonical, parse

FILE = "known.npz"
COLUMNS = ("penalized_logp", "logp", "sa", "qed")
"""Properties that are stored: those that a search is most often for."""


@dataclass(frozen=True)
class KnownMolecules:
    """N different molecules: canonical SMILES, codes [N, D], and [N] of each property."""

    smiles: tuple[str, ...]
    codes: NDArray[np.floating]
    properties: Mapping[str, NDArray[np.floating]]

    def save(self, path: Path) -> None:
        """Write one compressed file; codes as float16, properties as float32."""
        arrays: dict[str, Any] = {
            "smiles": np.frombuffer("\n".join(self.smiles).encode(), dtype=np.uint8),
            "codes": self.codes.astype(np.float16),
            **{name: values.astype(np.float32) for name, values in self.properties.items()},
        }
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, **arrays)

    def thinned(self, n: int, best: int, seed: int = 0) -> KnownMolecules:
        """n of them: the `best` of each property, at most half of all, and a random choice."""
        if n >= len(self.smiles):
            return self
        best = min(best, n // (2 * len(self.properties)))
        chosen: set[int] = set()
        for name, values in self.properties.items():
            order = np.argsort(values if PROPERTIES[name].maximise else -values)
            chosen.update(order[::-1][:best].tolist())
        others = np.setdiff1d(np.arange(len(self.smiles)), list(chosen))
        rng = np.random.default_rng(seed)
        chosen.update(rng.choice(others, max(0, n - len(chosen)), replace=False).tolist())
        rows = np.sort(np.array(list(chosen)))
        columns = {name: values[rows] for name, values in self.properties.items()}
        return KnownMolecules(tuple(self.smiles[i] for i in rows), self.codes[rows], columns)


def describe_once(
    smiles: Sequence[str], cache: Path
) -> tuple[list[str], dict[str, NDArray[np.float64]]]:
    """`describe`, kept in a file: it takes minutes for ZINC 250k."""
    key = np.array(sha256("\n".join(smiles).encode()).hexdigest())
    try:
        with cache.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            if file["key"] == key:
                text = file["smiles"].tobytes().decode()
                return text.split("\n"), {name: file[name] for name in COLUMNS}
    except (OSError, EOFError, ValueError, KeyError, BadZipFile):
        pass  # there is none yet, or it is damaged
    canonical_smiles, columns = describe(smiles)
    lines = np.frombuffer("\n".join(canonical_smiles).encode(), dtype=np.uint8)
    with atomic_path(cache) as temporary, temporary.open("wb") as out:
        np.savez_compressed(out, key=key, smiles=lines, **columns)
    return canonical_smiles, columns


def describe(smiles: Sequence[str]) -> tuple[list[str], dict[str, NDArray[np.float64]]]:
    """Canonical SMILES and the columns of N molecules, in worker processes."""
    rows = map_chunks(_describe, smiles, "describing molecules")
    table = np.array([row[1:] for row in rows], dtype=np.float64).reshape(len(rows), len(COLUMNS))
    return [str(row[0]) for row in rows], dict(zip(COLUMNS, table.T, strict=True))


def _describe(smiles: str) -> tuple[Any, ...]:
    text = canonical(smiles)
    mol = parse(text)
    return text, *(PROPERTIES[name](mol) for name in COLUMNS)
