"""Where training molecules come from: ZINC 250k, the built-in ones, or a file of the user's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gmae_tf.errors import UserError
from gmae_tf.utils.rows import Dropped, RowReport, one_line
from molecules.data.cleaning import (
    Accepts,
    Molecules,
    Policy,
    clean_records,
    string_list,
)
from molecules.data.files import Record, read_records
from molecules.data.kekulize import kekulize_cached
from molecules.data.zinc import load_zinc

FORMS = ("largest_fragment", "standardize", "neutralize")
"""Options that change the molecules of a file."""
NAMED = ("zinc", "download", "builtin")
"""Sources that are no file of the user's."""
HELD_OUT = 0.05
"""Share of molecules held out where the source itself names none."""


@dataclass(frozen=True)
class MoleculeData:
    """Molecules for training, those held out, and what was left out.

    Attributes
    ----------
    smiles : N different molecules, in the order of the source; none is in `held_out`.
    values : [N] float64 measurements from the user's file, or None.
    held_out : molecules for testing only.
    held_out_values : their measurements, or None.
    report : rows read, used and not used, each with its reason; duplicates are not used, their
        values are averaged.
    deviations : [N] float64, sample standard deviation of the replicates of a molecule, NaN where
        there is one value; or None, as `values`.
    censoring : [N] int8, 1 where the value is only a lower limit (">10"), -1 an upper one ("<10"),
        0 where it is exact; or None.
    """

    smiles: tuple[str, ...]
    values: NDArray[np.float64] | None
    held_out: tuple[str, ...]
    held_out_values: NDArray[np.float64] | None
    report: RowReport
    kekulized: bool
    deviations: NDArray[np.float64] | None = None
    censoring: NDArray[np.int8] | None = None


def load_molecules(
    source: str | Path | Iterable[str],
    *,
    data_dir: str | Path | None = None,
    kekulize: bool = False,
    smiles_column: str | None = None,
    value_column: str | None = None,
    n: int | None = None,
    seed: int = 0,
    accepts: Accepts | None = None,
    canonical: bool = True,
    largest_fragment: bool = False,
    standardize: bool = False,
    neutralize: bool = False,
    keep_mixtures: bool = False,
    held_out: float = HELD_OUT,
) -> MoleculeData:
    """Molecules of a source, with test molecules held out and a reason for each one dropped.

    - "zinc": ZINC 250k from `data_dir` or $GMAE_DATA_DIR, else downloaded; "download": downloaded
      in any case. The strings are as in the file, the 5,000 usual test molecules held out.
    - "builtin": `n` (5,000) molecules that the project makes by `seed`, held-out ones included.
    - a path: .smi, .csv, .sdf and others of `molecules.data.files.read_records`; canonical SMILES,
      each molecule once, with the mean of its values.
    - a list (array, Series) of SMILES: as a file.

    Parameters
    ----------
    kekulize : write aromatic rings as alternating bonds.
    smiles_column, value_column : columns of a .csv; `value_column` also a property of an .sdf.
    n : at most so many training molecules, drawn by `seed`, in the order of the source.
    accepts : None for a molecule that can be used, else the reason against it.
    canonical, largest_fragment, standardize, neutralize, keep_mixtures : see
        `molecules.data.cleaning.Policy`; for users' files and lists.
    held_out : share held out, drawn by `seed`, at least one of two; not for ZINC.

    Raises
    ------
    UserError: the source cannot be read, or nothing of it can be used.

    Examples
    --------
    >>> import molecules
    >>> data = molecules.load_molecules(["OCC", "CCO", "C1CC", "c1ccccc1"], held_out=0)
    >>> data.smiles
    ('CCO', 'c1ccccc1')
    >>> data.report.dropped[1].reason
    'not a molecule: RDKit cannot read the SMILES'
    """
    if n is not None and n < 1:
        raise UserError(f"n is {n}: ask for at least one molecule.")
    if not 0 <= held_out < 1:
        raise UserError(f"held_out is {held_out}: give a share of at least 0 and below 1.")
    if isinstance(source, str) and source in ("zinc", "download"):
        return _zinc(source, data_dir, kekulize, n, seed, accepts)
    notes: tuple[str, ...] = ()
    if not isinstance(source, str | Path):
        name, unit = "the given list", "index"
        records = [Record(i, text.strip()) for i, text in enumerate(string_list(source))]
    elif str(source) == "builtin":
        name, unit, records, n = "builtin", "line", _made(n, seed), None
    else:
        name = str(source)
        records, unit, notes = read_records(
            Path(source), smiles_column=smiles_column, value_column=value_column
        )
    policy = Policy(
        largest_fragment=largest_fragment,
        keep_mixtures=keep_mixtures,
        standardize=standardize,
        neutralize=neutralize,
        canonical=canonical,
        kekulize=kekulize,
    )
    found = _cleaned(records, policy, accepts, name, unit)
    train, test = _split(len(found.smiles), held_out, n, seed)
    measured = found.measured if value_column is not None else None
    return MoleculeData(
        smiles=tuple(found.smiles[i] for i in train),
        values=None if measured is None else measured.values[train],
        held_out=tuple(found.smiles[i] for i in test),
        held_out_values=None if measured is None else measured.values[test],
        report=RowReport(
            source=name,
            read=len(records),
            used=len(train),
            held_out=len(test),
            dropped=tuple(found.dropped),
            unit=unit,
            notes=(*notes, *found.notes),
        ),
        kekulized=kekulize,
        deviations=None if measured is None else measured.deviations[train],
        censoring=None if measured is None else measured.censoring[train],
    )


def _made(n: int | None, seed: int) -> list[Record]:
    """Molecules that the project makes."""
    from molecules.data.builtin import builtin_molecules  # imports RDKit

    made = builtin_molecules(5000 if n is None else n, seed)
    return [Record(i, smiles) for i, smiles in enumerate(made, start=1)]


def _cleaned(
    records: Sequence[Record], policy: Policy, accepts: Accepts | None, source: str, unit: str
) -> Molecules:
    """As `clean_records`; `UserError` if nothing is left."""
    if not records:
        raise UserError("the list of molecules is empty: give at least one SMILES.")
    found = clean_records(records, policy, accepts, unit)
    if not found.smiles:
        place, what, reason = found.dropped[0]
        raise UserError(
            f"{source}: none of {len(records)} rows can be used (the first, {unit} {place}, "
            f"{what!r}: {reason})."
        )
    return found


def _zinc(
    source: str,
    data_dir: str | Path | None,
    kekulize: bool,
    n: int | None,
    seed: int,
    accepts: Accepts | None,
) -> MoleculeData:
    """ZINC 250k with its 5,000 test molecules held out."""
    strings, test = load_zinc(download=source == "download", data_dir=data_dir)
    forms = kekulize_cached(strings) if kekulize else strings
    tested = set(test)
    held_out: dict[str, None] = {}
    train: dict[str, None] = {}
    dropped = []
    # Held-out molecules first: what two strings spell alike must not be on both sides.
    order = sorted(range(len(strings)), key=lambda i: strings[i] not in tested)
    for i in order:
        reason = accepts(forms[i]) if accepts else None
        if reason is None and (forms[i] in held_out or forms[i] in train):
            reason = "duplicate"
        if reason is None:
            (held_out if strings[i] in tested else train)[forms[i]] = None
        else:
            dropped.append(Dropped(i + 1, strings[i], one_line(reason)))
    smiles = list(train)
    rng = np.random.default_rng(seed)
    kept = range(len(smiles)) if n is None else _draw(len(smiles), n, rng)
    return MoleculeData(
        smiles=tuple(smiles[i] for i in kept),
        values=None,
        held_out=tuple(held_out),
        held_out_values=None,
        report=RowReport(
            source=source,
            read=len(strings),
            used=len(kept),
            held_out=len(held_out),
            dropped=tuple(sorted(dropped)),
        ),
        kekulized=kekulize,
    )


def _split(
    size: int, share: float, n: int | None, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places of at most n molecules for training, and of those held out (at least 1 of 2)."""
    rng = np.random.default_rng(seed)
    n_test = min(max(round(share * size), 1 if share else 0), size - 1)
    test = _draw(size, n_test, rng)
    train = np.setdiff1d(np.arange(size), test)
    return (train if n is None else train[_draw(len(train), n, rng)]), test


def _draw(size: int, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """At most n of range(size), in order."""
    return np.sort(rng.choice(size, size=min(n, size), replace=False))
