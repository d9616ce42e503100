"""Pictures: their size, that something is drawn in each field, and their text."""

from __future__ import annotations

import io
from pathlib import Path
from xml.etree import ElementTree

import matplotlib.image
import numpy as np
import pytest

from gmae_tf.errors import UserError
from molecules.chem.draw import HEIGHT, WIDTH, grid

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"
ALKANE = "C" * 38


def test_a_png_has_every_molecule_in_its_field(tmp_path: Path) -> None:
    path = grid([ASPIRIN, ALKANE, "CC"], tmp_path / "new" / "a.png", ["1.23", "11.19", ""], 2)
    pixels = matplotlib.image.imread(io.BytesIO(path.read_bytes()))
    assert pixels.shape[:2] == (2 * HEIGHT, 2 * WIDTH)
    ink = pixels[..., :3].min(axis=-1) < 0.5
    fields = ink.reshape(2, HEIGHT, 2, WIDTH).sum(axis=(1, 3))
    assert fields[1, 1] == 0
    assert fields[1, 0] > 20
    # A small molecule beside a long one is not drawn small: it fills its field.
    columns = np.flatnonzero(ink[: HEIGHT * 3 // 4, :WIDTH].any(axis=0))
    assert np.ptp(columns) > WIDTH / 2


def test_an_svg_file_is_well_formed(tmp_path: Path) -> None:
    path = grid([ASPIRIN] * 5, tmp_path / "a.SVG", columns=3)
    root = ElementTree.fromstring(path.read_text())
    assert root.tag.endswith("svg")
    assert root.get("width") == f"{3 * WIDTH}px"
    assert root.get("height") == f"{2 * HEIGHT}px"


@pytest.mark.parametrize(
    ("smiles", "name", "legends", "message"),
    [
        (["C"], "a.pdf", None, ".png or .svg"),
        ([], "a.png", None, "give 1 to"),
        (["C"] * 401, "a.png", None, "give 1 to"),
        (["C", "CC"], "a.png", ["one"], "1 legends for 2"),
        (["CCCCC1cccc(c1)"], "a.png", None, "is not a molecule"),
    ],
)
def test_what_cannot_be_drawn_is_refused_and_nothing_is_written(
    tmp_path: Path, smiles: list[str], name: str, legends: list[str] | None, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        grid(smiles, tmp_path / name, legends)
    assert list(tmp_path.iterdir()) == []
