"""Results as JSON: NumPy and dataclasses unpacked, no NaN, files written whole."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from gmae_tf.errors import UserError
from gmae_tf.utils.files import write_atomic


def to_json(value: Any) -> Any:
    """`value` in JSON's own types.

    NaN and infinity become None, arrays and tuples lists, NumPy scalars Python numbers, dataclasses
    dictionaries, paths and the keys of dictionaries text.

    Raises
    ------
    TypeError: for an object of any other kind.

    >>> to_json({"mean": np.array([0.5, np.nan]), 3: Path("runs")})
    {'mean': [0.5, None], '3': 'runs'}
    """
    if value is None or isinstance(value, (bool, str, int)):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, (np.generic, np.ndarray)):
        return to_json(value.tolist())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    if isinstance(value, PurePath):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def write_json(path: str | Path, value: Any, *, indent: int | None = 2) -> None:
    """Write `to_json(value)` to a file, whole or not at all.

    Raises
    ------
    UserError: the folder cannot be created or written.
    """
    text = json.dumps(to_json(value), indent=indent, allow_nan=False, ensure_ascii=False)
    write_atomic(path, text + "\n")


def read_json(path: str | Path) -> dict[str, Any]:
    """An object that `write_json` wrote.

    Raises
    ------
    UserError: the file is damaged.
    """
    found: Any = None
    with suppress(ValueError):
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise UserError(
            f"{path} is damaged: restore it from a copy, or delete it, and the same command makes "
            "it anew."
        )
    return found
