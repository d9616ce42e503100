"""The CSV file of a batch: written for the user, read again with values in it."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Mapping
from pathlib import Path

from bayesopt.cli.checks import check_text
from bayesopt.storage import Batch, Trial
from gmae_tf.errors import UserError
from gmae_tf.utils.files import write_atomic

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

    Spreadsheets may have changed the order, the other columns and the separator.

    Raises
    ------
    UserError: no such columns, an id that was not asked or stands twice, another molecule than the
        id's, or a value that is not a finite number; the sentence names the line.
    """
    check_text(path)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read ({error}): name the CSV file of ask.") from error
    title = lines[0] if lines else ""
    reader = csv.DictReader(lines, delimiter=max(",;\t", key=title.count))
    reader.fieldnames = [name.strip() for name in reader.fieldnames or []]
    if not {ID, value} <= set(reader.fieldnames):
        raise UserError(
            f"{path} needs the columns {ID} and {value} in its first line: it has "
            f"{', '.join(reader.fieldnames) or 'none'}."
        )
    values: dict[int, float | None] = {}
    for row in reader:
        cells = {name: (row.get(name) or "").strip() for name in (ID, STRING, value)}
        try:
            number = _id(cells[ID], cells[STRING], trials, canonical)
            if number in values:
                raise ValueError(f"id {number} stands twice; remove one of the lines")
            values[number] = _number(cells[value])
        except ValueError as error:
            raise UserError(f"{path}, line {reader.line_num}: {error}.") from error
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


def _number(text: str) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(
            f"{text!r} is not a finite number; leave the cell empty if the molecule could not be "
            "made or measured"
        )
    return value
