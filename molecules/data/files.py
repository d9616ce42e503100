"""Users' files of molecules, .smi, .csv, .sdf and so on, row by row, with what is wrong in each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, NamedTuple

from gmae_tf.errors import UserError
from gmae_tf.utils.numbers import Measurement, decimal_mark, parse_measurement
from gmae_tf.utils.tables import Table, read_table
from gmae_tf.utils.text import read_bytes, read_text

SMILES_COLUMNS = (
    "smiles",
    "canonical smiles",
    "isomeric smiles",
    "smiles string",
    "smiles strings",
    "structure",
    "mol",
    "molecule",
)
"""Usual names of a column of molecules, in the order in which they are looked for."""
_TABLES, _LISTS = (".csv", ".tsv", ".tab", ".dat"), (".smi", ".smiles", ".ism", ".can", ".txt")
_RECORDS = (".sdf", ".sd", ".mol", ".mdl")
_SAMPLE = 50


class Record(NamedTuple):
    """One row: its line or record number, what it says or lacks, and whether its value is a limit.

    `censoring` as of `gmae_tf.utils.numbers.Measurement`: 1 for ">10", -1 for "<10", else 0.
    """

    place: int
    text: str
    value: float | None = None
    problem: str | None = None
    censoring: int = 0


class MoleculeFile(NamedTuple):
    """Rows of a file in order, what a place is called in it, and what was assumed to read it."""

    records: list[Record]
    unit: str = "line"
    notes: tuple[str, ...] = ()


def read_records(
    path: Path, *, smiles_column: str | None = None, value_column: str | None = None
) -> MoleculeFile:
    """Every row of the file in order, blank lines skipped; each format also gzipped (.gz).

    - .csv, .tsv, .tab, .dat: a table of any dialect of `gmae_tf.utils.tables.read_table`.  The
      column of SMILES is found by its name, else by what it holds; without a header columns are
      called 1, 2, ....
    - .smi, .smiles, .ism, .can, .txt: SMILES, then anything after a blank, or a name before them;
      as a table if a column is asked for, or if it has a header and commas, semicolons or tabs.
    - .sdf, .sd, .mol, .mdl: `value_column` names a property of the records.

    Raises
    ------
    UserError: the file cannot be read, has no such column, or holds no row.
    """
    kind = _kind(path)
    if kind in _RECORDS:
        found = _read_sdf(path, value_column)
    elif kind in _LISTS and not (smiles_column or value_column or _has_table_header(path)):
        found = _read_list(path)
    else:
        found = _read_table(path, smiles_column, value_column)
    if not found.records:
        raise UserError(f"{path} holds no molecules: write at least one row.")
    return found


def _kind(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    kind = suffixes[-1] if suffixes else ""
    if kind not in (*_TABLES, *_LISTS, *_RECORDS):
        raise UserError(
            f"{path} is no source of molecules: give 'zinc', 'download', 'builtin', or a file "
            "that ends in .smi, .csv or .sdf (also with .gz)."
        )
    return kind


def _has_table_header(path: Path) -> bool:
    """Whether the first line names a column of SMILES among others."""
    first = next((line for line in read_text(path).lines if line.strip(" #\t")), "")
    cells = re.split(r"[,;\t]", first.lstrip("# "))
    return len(cells) > 1 and any(_is_smiles_name(cell) for cell in cells)


def _read_list(path: Path) -> MoleculeFile:
    """SMILES as the first word of each line, or as the second where the first ones are names."""
    lines, notes = read_text(path)
    rows = [(i, line.replace('"', " ").split()) for i, line in enumerate(lines, start=1)]
    rows = [(i, words) for i, words in rows if words and not words[0].startswith("#")]
    place = int(_votes(rows, 1) > _votes(rows, 0))
    if rows and any(map(_is_smiles_name, rows[0][1][: place + 1])):
        rows = rows[1:]
    if place:
        notes = (*notes, "SMILES read from the second column")
    records = [
        Record(i, words[place]) if len(words) > place else Record(i, "", problem="no SMILES")
        for i, words in rows
    ]
    return MoleculeFile(records, notes=notes)


def _votes(rows: Sequence[tuple[int, list[str]]], column: int) -> int:
    """In how many of the first rows a word is a molecule."""
    return sum(len(words) > column and is_smiles(words[column]) for _, words in rows[:_SAMPLE])


def _read_table(path: Path, smiles_column: str | None, value_column: str | None) -> MoleculeFile:
    asked = [name for name in (smiles_column, value_column) if name is not None]
    table = read_table(path, known=(*SMILES_COLUMNS, *asked), is_data=is_smiles)
    if not table.names:
        return MoleculeFile([])
    notes = table.notes
    if smiles_column is not None:
        name = table.find(smiles_column, "--smiles-column")
    elif (named := _named(table)) is not None:
        name = named
    else:
        name = _column_of_smiles(table)
        notes = (*notes, f"SMILES read from column {name}")
    values: Sequence[Measurement | str | None] = [None] * len(table)
    if value_column is not None:
        column = table.find(value_column, "--value-column")
        values, notes = table.measurements(column), (*notes, *table.comma_notes(column))
    records = [
        _record(line, text, value)
        for line, text, value in zip(table.lines, table.column(name), values, strict=True)
    ]
    records += [Record(place, text, None, reason) for place, text, reason in table.dropped]
    return MoleculeFile(sorted(records), notes=notes)


def _record(place: int, text: str, value: Measurement | str | None) -> Record:
    problem = value if isinstance(value, str) else None
    if not text:
        problem = "no SMILES"
    if isinstance(value, Measurement):
        return Record(place, text, value.value, problem, value.censoring)
    return Record(place, text, None, problem)


def _named(table: Table) -> str | None:
    """The column that is called as one of molecules usually is, or is the only one like it."""
    like = [name for name in table.names if "smiles" in name.lower()]
    return table.guess(SMILES_COLUMNS) or (like[0] if len(like) == 1 else None)


def _is_smiles_name(text: str) -> bool:
    return text.strip(' "').lower().replace("_", " ") in SMILES_COLUMNS


def _column_of_smiles(table: Table) -> str:
    """The column of which most cells are molecules."""
    counts = {}
    for name in table.names:
        cells = [cell for cell in table.column(name) if cell][:_SAMPLE]
        counts[name] = sum(map(is_smiles, cells)) / max(len(cells), 1)
    best = max(counts, key=lambda name: counts[name])
    if counts[best] < 0.5:
        raise UserError(
            f"{table.path} has no column called smiles; {table.about_columns}: name one with "
            "--smiles-column."
        )
    return best


def is_smiles(text: str) -> bool:
    """Whether RDKit reads a text as a molecule; a number is none."""
    from molecules.chem.reading import read_smiles

    return bool(text) and read_smiles(text) is not None


def _read_sdf(path: Path, value_property: str | None) -> MoleculeFile:
    try:
        rows, names = _sdf_rows(BytesIO(read_bytes(path)), value_property)
    except UnicodeDecodeError as error:
        raise UserError(
            f"cannot read {path} ({error}): write names and properties in UTF-8."
        ) from error
    if value_property is not None and rows and value_property not in names:
        raise UserError(
            f"no record of {path} has the property {value_property!r}; they have "
            f"{', '.join(sorted(names)) or 'none'}: name one of them with --value-column."
        )
    decimal = decimal_mark(cell for _, _, cell in rows) or "."
    records = []
    for place, smiles, cell in rows:
        if not smiles:
            problem = "not a molecule: RDKit cannot read the record"
            records.append(Record(place, "", problem=problem))
        elif value_property is None:
            records.append(Record(place, smiles))
        else:
            try:
                records.append(_record(place, smiles, parse_measurement(cell, decimal)))
            except ValueError as error:
                records.append(_record(place, smiles, str(error)))
    return MoleculeFile(records, "record")


def _sdf_rows(
    file: BinaryIO, value_property: str | None
) -> tuple[list[tuple[int, str, str]], set[str]]:
    """Number, SMILES ("" if RDKit cannot read it) and property of each record; all their names."""
    from rdkit import Chem, rdBase

    from molecules.chem.reading import LONGEST

    rows: list[tuple[int, str, str]] = []
    names: set[str] = set()
    with rdBase.BlockLogs():
        for place, mol in enumerate(Chem.ForwardSDMolSupplier(file), start=1):
            if mol is None or mol.GetNumAtoms() > LONGEST:
                rows.append((place, "", ""))
                continue
            names.update(mol.GetPropNames())
            wanted = value_property or ""
            cell = str(mol.GetProp(wanted)) if mol.HasProp(wanted) else ""
            rows.append((place, Chem.MolToSmiles(mol), cell))
    return rows, names
