"""The CSV file of a batch: written for the user, read again with values in it."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bayesopt.storage import Trial
from gmae_tf.errors import UserError
from gmae_tf.utils.files import write_atomic

if TYPE_CHECKING:
    from bayesopt.storage import Batch

ID, STRING, MEAN, SD = "id", "smiles", "predicted_mean", "predicted_sd"


def write_batch(path: Path, batch: Batch, value: str) -> None:
    """A row a trial: id, string, predicted mean and sd, and an empty value."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([ID, STRING, MEAN, SD, value])
    for trial, string, mean, sd in zip(batch.trials, batch, batch.mean, batch.sd, strict=True):
        writer.writerow([trial.evaluation, string, f"{mean:.4f}", f"{sd:.4f}", ""])
    write_atomic(path, text.getvalue())


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
        place = f"{path}, line {reader.line_num}"
        number = _id(row[ID], trials, place)
        if number in values:
            raise UserError(f"{place}: id {number} stands twice; remove one of the lines.")
        _check_molecule(row.get(STRING), trials[number], canonical, place)
        values[number] = _value(row[value], f"{place}, column {value}")
    if not values:
        raise UserError(f"{path} has no lines with values: fill in the file of ask.")
    return values


def _id(text: str | None, trials: Mapping[int, Trial], place: str) -> int:
    try:
        number = int((text or "").strip())
    except ValueError:
        raise UserError(f"{place}: the id {text!r} is not a whole number.") from None
    if number not in trials:
        raise UserError(
            f"{place}: id {number} was never asked (1 to {max(trials)} were): is the file of "
            "another folder?"
        )
    return number


def _check_molecule(
    text: str | None, trial: Trial, canonical: Callable[[str], str | None], place: str
) -> None:
    given = (text or "").strip()
    if given and given != trial.string and canonical(given) != trial.string:
        raise UserError(
            f"{place}: id {trial.evaluation} is {trial.string}, not {given}; put the id back with "
            "its molecule."
        )


def _value(text: str | None, place: str) -> float | None:
    written = (text or "").strip()
    if not written:
        return None
    try:
        value = float(written)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UserError(
            f"{place}: {written!r} is not a finite number; leave the cell empty if the molecule "
            "could not be made or measured."
        )
    return value
