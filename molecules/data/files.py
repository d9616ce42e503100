"""Users' files of molecules, .smi, .csv and .sdf, row by row, with what is wrong in each row."""

from __future__ import annotations

import csv
import gzip
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from gmae_tf.errors import UserError

SMILES_COLUMNS = ("smiles", "canonical_smiles", "isomeric_smiles", "structure")
"""Names of a CSV's column of molecules, in any case, in the order in which they are looked for."""
_TABLES, _LISTS = (".csv", ".tsv"), (".smi", ".smiles", ".txt")
_DECODING = (OSError, EOFError, UnicodeDecodeError, csv.Error)


class Record(NamedTuple):
    """One row: its line (.smi, .csv) or record (.sdf) number, and what it says or lacks."""

    place: int
    text: str
    value: float | None = None
    problem: str | None = None


def read_records(
    path: Path, *, smiles_column: str | None = None, value_column: str | None = None
) -> list[Record]:
    """Every row of the file in order, blank lines skipped; .gz of each format also.

    - .smi, .smiles, .txt: SMILES, then anything after a blank; a first line "smiles" is a title.
    - .csv, .tsv: a title line, then columns separated by commas, semicolons or tabs.
    - .sdf: `value_column` names a property of the records.

    Raises
    ------
    UserError: the file cannot be read, has no such column, or holds no row.
    """
    kind = _kind(path)
    if kind in _LISTS and (smiles_column or value_column):
        raise UserError(f"{path} has no columns with names: give a .csv file, or no column.")
    opener: Any = gzip.open if path.suffix.lower() == ".gz" else open
    try:
        with opener(path, "rb") as file:
            if kind == ".sdf":
                records = list(_read_sdf(file, value_column))
            else:
                lines = file.read().decode("utf-8-sig").splitlines(keepends=True)
                if kind in _TABLES:
                    records = list(_read_table(path, lines, smiles_column, value_column))
                else:
                    records = list(_read_list(lines))
    except _DECODING as error:
        raise UserError(
            f"cannot read {path} ({error}): give a .smi, .csv or .sdf file, or a .gz of one."
        ) from error
    if not records:
        raise UserError(f"{path} holds no molecules: write at least one row.")
    return records


def file_unit(path: Path) -> str:
    """What a place is called in this file: "line" or "record"."""
    return "record" if _kind(path) == ".sdf" else "line"


def _kind(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    kind = suffixes[-1] if suffixes else ""
    if kind not in (*_TABLES, *_LISTS, ".sdf"):
        raise UserError(
            f"{path} is no source of molecules: give 'zinc', 'download', 'builtin', or a file "
            "that ends in .smi, .csv or .sdf (also with .gz)."
        )
    return kind


def _read_list(lines: list[str]) -> Iterator[Record]:
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if words and not (number == 1 and words[0].lower() in SMILES_COLUMNS):
            yield Record(number, words[0])


def _read_table(
    path: Path, lines: list[str], smiles_column: str | None, value_column: str | None
) -> Iterator[Record]:
    title = lines[0] if lines else ""
    reader = csv.DictReader(lines, delimiter=max(",;\t", key=title.count))
    names = [name.strip() for name in reader.fieldnames or []]
    reader.fieldnames = names
    smiles_column = _smiles_column(path, names, smiles_column)
    if value_column is not None:
        _check_column(path, names, value_column, "--value-column")
    for row in reader:
        text = (row[smiles_column] or "").strip()
        value, problem = (None, None) if value_column is None else _number(row[value_column])
        yield Record(reader.line_num, text, value, problem if text else "no SMILES")


def _smiles_column(path: Path, names: list[str], wanted: str | None) -> str:
    if wanted is not None:
        return _check_column(path, names, wanted, "--smiles-column")
    lower = [name.lower() for name in names]
    for usual in SMILES_COLUMNS:
        if usual in lower:
            return names[lower.index(usual)]
    raise UserError(
        f"{path} has no column called smiles; its columns are {', '.join(names) or 'none'}: "
        "name one with --smiles-column."
    )


def _check_column(path: Path, names: list[str], wanted: str, option: str) -> str:
    if wanted not in names:
        raise UserError(
            f"{path} has no column {wanted!r}; its columns are {', '.join(names) or 'none'}: "
            f"name one of them with {option}."
        )
    return wanted


def _number(text: Any) -> tuple[float | None, str | None]:
    """A finite number, or what is wrong with it."""
    text = str(text or "").strip()
    if not text:
        return None, "no value"
    try:
        value = float(text)
    except ValueError:
        return None, f"not a number: {text[:40]!r}"
    return (value, None) if math.isfinite(value) else (None, f"not a number: {text!r}")


def _read_sdf(file: BinaryIO, value_property: str | None) -> Iterator[Record]:
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        for number, mol in enumerate(Chem.ForwardSDMolSupplier(file), start=1):
            if mol is None:
                yield Record(number, "", problem="not a molecule: RDKit cannot read the record")
                continue
            value, problem = None, None
            if value_property is not None:
                has = mol.HasProp(value_property)
                value, problem = _number(mol.GetProp(value_property) if has else "")
            yield Record(number, Chem.MolToSmiles(mol), value, problem)
