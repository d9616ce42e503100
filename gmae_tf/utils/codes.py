"""Files of latent codes: CSV for people and spreadsheets, NumPy arrays for programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gmae_tf.errors import UserError
from gmae_tf.utils.files import atomic_path

ENDINGS = (".csv", ".npz")


def check_codes_file(out: Path, data: Path) -> None:
    """`UserError` for an ending that is not known, or a file of data that is not there."""
    if out.suffix not in ENDINGS:
        raise UserError(f"--out {out} must end in {' or '.join(ENDINGS)}.")
    if data.suffix and not data.is_file():
        raise UserError(f"{data} cannot be read: there is no such file.")


def write_codes(path: Path, strings: Sequence[str], codes: NDArray[np.floating], name: str) -> None:
    """Write strings [N] and their codes [N, D].

    A .csv file has the columns `name`, z1, ..., zD; an .npz file the arrays strings and codes.
    """
    with atomic_path(path) as file:
        if path.suffix == ".npz":
            np.savez_compressed(file, strings=np.array(strings, dtype=str), codes=codes)
            return
        import pandas as pd

        table = pd.DataFrame(codes, columns=[f"z{i}" for i in range(1, codes.shape[1] + 1)])
        table.insert(0, name, list(strings))
        table.to_csv(file, index=False, float_format="%.7g", lineterminator="\n")
