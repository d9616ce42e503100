"""The CSV file of a batch: written for the user, read again with values in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from bayesopt.storage import Batch, Trial
from gmae_tf.errors import UserError
from gmae_tf.utils.files import write_atomic
from gmae_tf.utils.numbers import NO_VALUE, Measurement
from gmae_tf.utils.tables import read_table

ID, STRING = "id", "smiles"


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


def read_batch(
    path: Path,
    trials: Mapping[int, Trial],
    value: str,
    canonical: Callable[[str], str | None],
) -> dict[int, float | None]:
    """Values by id; None for an empty cell.

    Spreadsheets may have changed the order, the other columns and the dialect
    (`gmae_tf.utils.tables.read_table`).  A limit such as ">10" counts at the limit.

    Raises
    ------
    UserError: no such columns, an id that was not asked or stands twice, another molecule than the
        id's, or a value that is not a finite number; the sentence names the line.
    """
    table = read_table(path, known=(ID, STRING, value))
    numbers, measured = table.guess((ID,)), table.guess((value,))
    if not table.has_header or numbers is None or measured is None:
        raise UserError(
            f"{path} needs the columns {ID} and {value} in its first line: {table.about_columns}."
        )
    if table.dropped:
        place, what, reason = table.dropped[0]
        raise UserError(f"{path}, line {place}: {reason}: {what}.")
    string = table.guess((STRING,))
    strings = [""] * len(table) if string is None else table.column(string)
    cells = (table.lines, table.column(numbers), strings, table.measurements(measured))
    values: dict[int, float | None] = {}
    for line, text, smiles, found in zip(*cells, strict=True):
        try:
            number = _id(text, smiles, trials, canonical)
            if number in values:
                raise ValueError(f"id {number} stands twice; remove one of the lines")
            values[number] = _value(found)
        except ValueError as error:
            raise UserError(f"{path}, line {line}: {error}.") from error
    if not values:
        raise UserError(f"{path} has no lines with values: fill in the file of ask.")
    return values


def _id(
    text: str, smiles: str, trials: Mapping[int, Trial], canonical: Callable[[str], str | None]
) -> int:
    if not text.isdecimal():
        raise ValueError(f"the id {text!r} is not a whole number")
    number = int(text)
    if number not in trials:
        raise ValueError(
            f"id {number} was never asked (1 to {max(trials)} were): is the file of another folder"
        )
    asked = trials[number].string
    if smiles and smiles != asked and canonical(smiles) != asked:
        raise ValueError(f"id {number} is {asked}, not {smiles}; put the id back with its molecule")
    return number


def _value(found: Measurement | str) -> float | None:
    if isinstance(found, Measurement):
        return found.value
    if found == NO_VALUE:
        return None
    raise ValueError(f"{found}; leave the cell empty if the molecule could not be made or measured")
