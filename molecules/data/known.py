"""Molecules that are known before a search: those of a model's folder, or the user's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from bayesopt.space import Array
from bayesopt.tasks.molecule_codec import MoleculeCodec
from gmae_tf.errors import UserError

FILE = "known.npz"
"""Beside a model: `smiles` (bytes, lines of UTF-8), `codes` (float16 [N, D]), and a column [N] for
each property that was computed."""


@dataclass(frozen=True)
class Known:
    """N molecules: canonical SMILES, codes [N, D], columns of values [N], and words for them.

    `measured` [N] are values of the user's file; `computed` has values by property name.
    """

    smiles: tuple[str, ...]
    codes: Array
    source: str
    computed: Mapping[str, Array] = field(default_factory=dict)
    measured: Array | None = None
    dropped: int = 0

    def take(self, rows: NDArray[Any]) -> Known:
        """Some of them."""
        return replace(
            self,
            smiles=tuple(self.smiles[i] for i in rows),
            codes=self.codes[rows],
            computed={name: values[rows] for name, values in self.computed.items()},
            measured=None if self.measured is None else self.measured[rows],
        )

    def sample(self, n: int | None) -> Known:
        """At most n of them, drawn at random, in their order."""
        if n is None or n >= len(self.smiles):
            return self
        if n < 1:
            raise UserError(f"--n-data is {n}: ask for at least one molecule.")
        rows = np.random.default_rng(0).choice(len(self.smiles), n, replace=False)
        return self.take(np.sort(rows))

    def with_molecule(self, smiles: str, codec: MoleculeCodec) -> Known:
        """The same with one more molecule, whose values are not known."""
        if smiles in self.smiles:
            return self
        add = np.array([np.nan])
        return replace(
            self,
            smiles=(*self.smiles, smiles),
            codes=np.concatenate([self.codes, codec.encode([smiles])]),
            computed={k: np.concatenate([v, add]) for k, v in self.computed.items()},
            measured=None if self.measured is None else np.concatenate([self.measured, add]),
        )


def read_known(folder: Path, latent_dim: int) -> Known | None:
    """What a model's folder knows; None if it knows nothing.

    Raises
    ------
    UserError: the file is damaged or of another model.
    """
    path = folder / FILE
    if not path.exists():
        return None
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as archive:
            columns = {name: np.asarray(archive[name]) for name in archive.files}
        smiles = tuple(columns.pop("smiles").tobytes().decode("utf-8").split("\n"))
        codes = columns.pop("codes").astype(np.float64)
        if codes.shape != (len(smiles), latent_dim) or not np.isfinite(codes).all():
            raise ValueError(f"{len(smiles)} molecules have codes {codes.shape}")
        values = {k: v.astype(np.float64) for k, v in columns.items() if v.shape == (len(smiles),)}
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise UserError(
            f"{path} does not hold the molecules of this model ({error}): restore the file, or "
            "give molecules by --data."
        ) from error
    return Known(smiles, codes, f"{len(smiles):,} molecules of the model", values)


def load_known(
    codec: MoleculeCodec,
    data: str,
    *,
    smiles_column: str | None = None,
    value_column: str | None = None,
    n: int | None = None,
    data_dir: Path | None = None,
) -> Known:
    """Molecules of a source of `molecules.data.sources`, encoded, with the user's values if there are any.

    Raises
    ------
    UserError: the source cannot be read, or nothing of it can be used.
    """
    from molecules.data.sources import load_molecules

    found = load_molecules(
        data,
        data_dir=data_dir,
        smiles_column=smiles_column,
        value_column=value_column,
        n=n,
        accepts=codec.refuses,
        held_out=0.0,
    )
    values = None if found.values is None else np.asarray(found.values, dtype=np.float64)
    return Known(
        tuple(found.smiles),
        np.asarray(codec.encode(found.smiles), dtype=np.float64),
        f"{len(found.smiles):,} molecules of {data}",
        measured=values,
        dropped=len(found.dropped),
    )
