"""Pictures of molecules: grids as PNG or SVG files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rdkit.Chem.Draw import rdMolDraw2D

from gmae_tf.errors import UserError
from gmae_tf.utils.files import write_atomic
from molecules.chem.properties import parse

WIDTH, HEIGHT = 320, 260
"""Pixels of a molecule with its legend."""
MOST_DRAWN = 400


def grid(
    smiles: Sequence[str],
    path: str | Path,
    legends: Sequence[str] | None = None,
    columns: int = 4,
) -> Path:
    """Write a picture of N molecules in rows; the end of `path` says whether as PNG or SVG.

    Raises
    ------
    UserError: another ending, a SMILES that is no molecule, none or more than MOST_DRAWN of them,
        or legends that are not N.
    """
    path = Path(path)
    legends = [""] * len(smiles) if legends is None else list(legends)
    if path.suffix.lower() not in (".png", ".svg"):
        raise UserError(f"{path} is not a picture: end its name with .png or .svg.")
    if not 0 < len(smiles) <= MOST_DRAWN:
        raise UserError(f"{len(smiles)} molecules make no picture: give 1 to {MOST_DRAWN}.")
    if len(legends) != len(smiles):
        raise UserError(f"there are {len(legends)} legends for {len(smiles)} molecules.")
    columns = max(1, min(columns, len(smiles)))
    size = (WIDTH * columns, HEIGHT * -(-len(smiles) // columns), WIDTH, HEIGHT)
    if path.suffix.lower() == ".png":
        drawer = rdMolDraw2D.MolDraw2DCairo(*size)
    else:
        drawer = rdMolDraw2D.MolDraw2DSVG(*size)
    write_atomic(path, _drawn(drawer, smiles, legends))
    return path


def _drawn(drawer: Any, smiles: Sequence[str], legends: Sequence[str]) -> Any:
    """The finished picture: bytes of a PNG, or text of an SVG."""
    options = drawer.drawOptions()
    options.legendFontSize = 18
    options.legendFraction = 0.18
    options.padding = 0.08
    options.drawMolsSameScale = False  # or one long chain makes the others unreadable
    options.bondLineWidth = 2
    options.fixedBondLength = 30  # pixels at most, so that ethane does not fill its field
    drawer.DrawMolecules([parse(text) for text in smiles], legends=list(legends))
    drawer.FinishDrawing()
    return drawer.GetDrawingText()
