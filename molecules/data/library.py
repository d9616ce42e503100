"""Molecules with codes and properties beside a model: what a search starts from.

The file `known.npz` holds `smiles` (bytes, lines of UTF-8), `codes` (float16 [N, D]), and a column
(float32 [N]) for each property that was computed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gmae_tf.errors import UserError
from gmae_tf.utils.bundle import UNREADABLE, readable
from gmae_tf.utils.files import atomic_path
from gmae_tf.utils.npz import load_arrays
from gmae_tf.utils.parallel import map_chunks
from gmae_tf.utils.rows import RowReport

FILE = "known.npz"
COLUMNS = ("penalized_logp", "logp", "sa", "qed")
"""Properties that are stored: those that a search is most often for."""


class Encoder(Protocol):
    """Molecules to codes: canonical SMILES of any model."""

    def encode(self, strings: Sequence[str]) -> NDArray[np.float64]:
        """Codes [N, D] of canonical SMILES [N]."""
        ...

    def refuses(self, smiles: str) -> str | None:
        """Why a molecule has no code, None if it has one."""
        ...


@dataclass(frozen=True)
class Known:
    """N different molecules: canonical SMILES, codes [N, D], and columns of values [N].

    Attributes
    ----------
    source : in words, for a report.
    computed : values by property name.
    measured : values of the user's file, or None.
    censoring : which of them are limits, as `molecules.data.sources.MoleculeData` has it, or None.
    report : rows of the source and why some are not used, or None.
    """

    smiles: tuple[str, ...]
    codes: NDArray[Any]
    source: str = ""
    computed: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    measured: NDArray[Any] | None = None
    censoring: NDArray[np.int8] | None = None
    report: RowReport | None = None

    def take(self, rows: NDArray[Any]) -> Known:
        """Some of them."""
        return replace(
            self,
            smiles=tuple(self.smiles[i] for i in rows),
            codes=self.codes[rows],
            computed={name: values[rows] for name, values in self.computed.items()},
            measured=None if self.measured is None else self.measured[rows],
            censoring=None if self.censoring is None else self.censoring[rows],
        )

    def sample(self, n: int | None) -> Known:
        """At most n of them, drawn at random, in their order."""
        if n is None or n >= len(self.smiles):
            return self
        if n < 1:
            raise UserError(f"--n-data is {n}: ask for at least one molecule.")
        rows = np.random.default_rng(0).choice(len(self.smiles), n, replace=False)
        return self.take(np.sort(rows))

    def thinned(self, n: int, best: int, seed: int = 0) -> Known:
        """n of them: the `best` of each property, at most half of all, and a random choice."""
        from molecules.chem.properties import PROPERTIES

        if n >= len(self.smiles):
            return self
        best = min(best, n // (2 * len(self.computed)))
        chosen: set[int] = set()
        for name, values in self.computed.items():
            order = np.argsort(values if PROPERTIES[name].maximise else -values)
            chosen.update(order[::-1][:best].tolist())
        others = np.setdiff1d(np.arange(len(self.smiles)), list(chosen))
        rng = np.random.default_rng(seed)
        chosen.update(rng.choice(others, max(0, n - len(chosen)), replace=False).tolist())
        return self.take(np.sort(np.array(list(chosen))))

    def with_molecule(self, smiles: str, codec: Encoder) -> Known:
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
            censoring=None if self.censoring is None else np.append(self.censoring, np.int8(0)),
        )

    def save(self, folder: Path) -> None:
        """Write the file for `read_known`: SMILES, codes and computed values."""
        columns = {name: values.astype(np.float32) for name, values in self.computed.items()}
        _write(folder / FILE, self.smiles, codes=self.codes.astype(np.float16), **columns)


def read_known(folder: str | Path, latent_dim: int) -> Known | None:
    """What lies beside a model in its folder; None if there is no such file.

    Raises
    ------
    UserError: the file is damaged or of another model.
    """
    path = Path(folder) / FILE
    if not path.exists():
        return None
    with readable(
        f"{path} does not hold the molecules of this model ({{why}}): restore the file, or give "
        "molecules by --data."
    ):
        smiles, columns = _read(path)
        codes = columns.pop("codes").astype(np.float64)
        if codes.shape != (len(smiles), latent_dim) or not np.isfinite(codes).all():
            raise ValueError(f"{len(smiles)} molecules have codes {codes.shape}")
        values = {k: v.astype(np.float64) for k, v in columns.items() if v.shape == (len(smiles),)}
    return Known(tuple(smiles), codes, f"{len(smiles):,} molecules of the model", values)


def load_known(
    codec: Encoder,
    data: str,
    *,
    smiles_column: str | None = None,
    value_column: str | None = None,
    n: int | None = None,
    data_dir: Path | None = None,
    largest_fragment: bool = False,
    standardize: bool = False,
    neutralize: bool = False,
) -> Known:
    """Molecules of a source of `load_molecules`, encoded, with the user's values if there are any.

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
        largest_fragment=largest_fragment,
        standardize=standardize,
        neutralize=neutralize,
        held_out=0.0,
    )
    return Known(
        found.smiles,
        np.asarray(codec.encode(found.smiles), dtype=np.float64),
        f"{len(found.smiles):,} molecules of {data}",
        measured=found.values,
        censoring=found.censoring,
        report=found.report,
    )


def describe_once(
    smiles: Sequence[str], cache: Path
) -> tuple[list[str], dict[str, NDArray[np.float64]]]:
    """`describe`, kept in a file: it takes minutes for ZINC 250k."""
    key = np.array(sha256("\n".join(smiles).encode()).hexdigest())
    try:
        lines, columns = _read(cache)
        if columns["key"] == key:
            return lines, {name: columns[name] for name in COLUMNS}
    except UNREADABLE:
        pass  # there is none yet, or it is damaged
    described, computed = describe(smiles)
    _write(cache, described, key=key, **computed)
    return described, computed


def describe(smiles: Sequence[str]) -> tuple[list[str], dict[str, NDArray[np.float64]]]:
    """Canonical SMILES and the columns of N molecules, in worker processes."""
    rows = map_chunks(_describe, smiles, "describing molecules")
    table = np.array([row[1:] for row in rows], dtype=np.float64).reshape(len(rows), len(COLUMNS))
    return [str(row[0]) for row in rows], dict(zip(COLUMNS, table.T, strict=True))


def _describe(smiles: str) -> tuple[Any, ...]:
    from molecules.chem.properties import PROPERTIES, canonical, parse

    text = canonical(smiles)
    mol = parse(text)
    return text, *(PROPERTIES[name](mol) for name in COLUMNS)


def _write(path: Path, smiles: Sequence[str], **columns: NDArray[Any]) -> None:
    """One compressed file of arrays, the strings as bytes, for NumPy's own take four each."""
    text = np.frombuffer("\n".join(smiles).encode(), dtype=np.uint8)
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, smiles=text, **columns)


def _read(path: Path) -> tuple[list[str], dict[str, NDArray[Any]]]:
    columns = load_arrays(path)
    return columns.pop("smiles").tobytes().decode("utf-8").split("\n"), columns
