"""The CSV file of a batch: written for the user, read again with values in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from bayesopt.storage import Batch, Trial
from gmae_tf.errors import UserError
from gmae_tf.utils.files import write_atomic
from gmae_tf.utils.numbers import NO_VALUE, Measurement
from gmae_tf.utils.tables import read_table

ID, STRING = "id", "smiles"
NOISE = ("sd", "std", "noise", "standard deviation")
"""Names of a column with standard deviations of measurements."""
FAILED = ("failed", "fail", "x")
"""What says that a molecule could not be made or measured."""


def write_batch(path: Path, batch: Batch, value: str) -> None:
    """A row a trial: id, string, predicted mean and sd, and an empty value."""
    import pandas as pd

    table = pd.DataFrame(
        {
            ID: [trial.evaluation for trial in batch.trials],
            STRING: list(batch),
            "predicted_mean": batch.mean,
            "predicted_sd": batch.sd,
            value: "",
        }
    )
    text = table.to_csv(index=False, float_format="%.4f", na_rep="nan", lineterminator="\n")
    write_atomic(path, text)


class Told(NamedTuple):
    """A line of a told file: a molecule, and its value, that it failed, or neither."""

    line: int
    string: str
    value: float | None
    failed: bool
    noise: float | None
    limit: bool = False
    """Whether the value is a limit such as ">10", which stands for itself."""


def read_told(
    path: Path,
    trials: Sequence[Trial],
    value: str,
    canonical: Callable[[str], str | None],
) -> list[Told]:
    """What a file says of molecules, by id or SMILES, that were asked or not.

    Spreadsheets may have changed the order, the other columns and the dialect
    (`gmae_tf.utils.tables.read_table`).  A limit such as ">10" counts at the limit.  Without an id
    the SMILES tells which molecule it is, in any spelling.

    Raises
    ------
    UserError: no such columns, an id that was not asked, a molecule that stands twice, another
        molecule than the id's, or a value that is no finite number; the sentence names the line.
    """
    table = read_table(path, known=(ID, STRING, value))
    measured, numbers, strings = (table.guess((name,)) for name in (value, ID, STRING))
    if not table.has_header or measured is None or (numbers is None and strings is None):
        raise UserError(
            f"{path} needs the column {value}, and {ID} or {STRING}, in its first line: "
            f"{table.about_columns}."
        )
    if table.dropped:
        place, what, reason = table.dropped[0]
        raise UserError(f"{path}, line {place}: {reason}: {what}.")
    blank = ("",) * len(table)
    ids, smiles = (blank if name is None else table.column(name) for name in (numbers, strings))
    spread = table.guess((*NOISE, f"{value} sd"))
    sds = blank if spread is None else table.measurements(spread)
    asked = {trial.evaluation: trial.string for trial in trials}
    cells = (table.lines, ids, smiles, table.column(measured), table.measurements(measured), sds)
    told: dict[str, Told] = {}
    for line, number, text, cell, found, sd in zip(*cells, strict=True):
        try:
            string = _molecule(number, text, asked, canonical)
            if string in told:
                raise ValueError(f"{string} stands twice; remove one of the lines")
            failed = cell.strip().casefold() in FAILED
            known = None if failed else _value(found)
            limit = not failed and isinstance(found, Measurement) and found.censoring != 0
            noise = _value(sd) if sd else None
            told[string] = Told(line, string, known, failed, noise, limit)
        except ValueError as error:
            raise UserError(f"{path}, line {line}: {error}.") from error
    if not told:
        raise UserError(f"{path} has no lines with values: fill in the file of ask.")
    return list(told.values())


def _molecule(
    number: str,
    smiles: str,
    asked: Mapping[int, str | None],
    canonical: Callable[[str], str | None],
) -> str:
    """The canonical SMILES of a line."""
    own = canonical(smiles) if smiles else None
    if smiles and own is None:
        raise ValueError(f"{smiles!r} is no molecule that RDKit reads")
    if not number:
        if own is None:
            raise ValueError("there is neither an id nor a molecule")
        return own
    if not number.isdecimal():
        raise ValueError(f"the id {number!r} is not a whole number")
    if int(number) not in asked:
        raise ValueError(
            f"id {number} was never asked (1 to {max(asked)} were): is the file of another folder, "
            "or is the id of your own? then leave that column out"
        )
    string = str(asked[int(number)])
    if own not in (None, string):
        raise ValueError(
            f"id {number} is {string}, not {smiles}; put the id back with its molecule"
        )
    return string


def _value(found: Measurement | str) -> float | None:
    if isinstance(found, Measurement):
        return found.value
    if found == NO_VALUE:
        return None
    raise ValueError(f"{found}; write failed if the molecule could not be made or measured")
