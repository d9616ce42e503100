"""Lists of molecules as files: SMILES, CSV or SDF, and a picture beside them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd
from rdkit import Chem
from rdkit.Chem import rdDepictor

from gmae_tf.errors import UserError
from gmae_tf.utils.cli import console
from gmae_tf.utils.files import make_folder, write_atomic
from molecules.chem.draw import grid
from molecules.chem.properties import find, parse

ENDINGS = (".smi", ".csv", ".sdf")
MOST_DRAWN = 60


def check_output(path: Path, properties: Sequence[str]) -> None:
    """`UserError` for an ending or a property that is not known, or no place for the file."""
    if path.suffix not in ENDINGS:
        raise UserError(f"{path} must end in {', '.join(ENDINGS)}")
    make_folder(path.parent)
    for name in properties:
        find(name)


@contextmanager
def warnings_printed() -> Iterator[None]:
    """Print the sentences of the library's `UserWarning`s in place of its lines of code."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        yield
    for each in caught:
        if each.category is UserWarning:
            console().print(str(each.message), soft_wrap=True, markup=False)
        else:
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)


def write_molecules(
    smiles: Sequence[str], path: Path, properties: Sequence[str], *, picture: bool
) -> None:
    """Write molecules with their properties [N each], and draw the first of them.

    A .smi file has a SMILES and a name a line; .csv and .sdf also have the properties.
    """
    functions = {name: find(name) for name in properties}
    mols = [parse(text) for text in smiles]
    values = [[function(mol) for function in functions.values()] for mol in mols]
    if path.suffix == ".smi":
        text = "".join(f"{s} molecule-{i}\n" for i, s in enumerate(smiles, start=1))
    elif path.suffix == ".csv":
        table = pd.DataFrame(values, columns=list(properties), dtype=float)
        table.insert(0, "smiles", smiles)
        text = table.to_csv(index=False, float_format="%.6g", lineterminator="\n")
    else:
        text = _sdf(mols, [dict(zip(properties, map(_short, row), strict=True)) for row in values])
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, text)
    if picture and smiles:
        legends = [
            "  ".join(f"{name} {value:.2f}" for name, value in zip(properties, row, strict=True))
            for row in values
        ]
        grid(smiles[:MOST_DRAWN], path.with_suffix(".png"), legends[:MOST_DRAWN])


def write_table(table: pd.DataFrame, path: Path, *, smiles_column: str = "smiles") -> None:
    """Write the molecules of a table as an SDF, with the other columns as properties.

    A cell without a value gives no property.
    """
    others = table.drop(columns=smiles_column)
    rows = [
        {str(name): _short(cell) for name, cell in row.items() if not pd.isna(cell)}
        for row in others.to_dict("records")
    ]
    make_folder(path.parent)
    write_atomic(path, _sdf([parse(text) for text in table[smiles_column]], rows))


def _short(cell: Any) -> str:
    return f"{cell:.6g}" if isinstance(cell, float) else str(cell)


def _sdf(mols: Sequence[Chem.Mol], rows: Sequence[Mapping[str, str]]) -> str:
    buffer = StringIO()
    writer = Chem.SDWriter(buffer)
    for number, (mol, row) in enumerate(zip(mols, rows, strict=True), start=1):
        rdDepictor.Compute2DCoords(mol)
        mol.SetProp("_Name", f"molecule-{number}")
        for name, value in row.items():
            mol.SetProp(name, value)
        writer.write(mol)
    writer.close()
    return buffer.getvalue()
