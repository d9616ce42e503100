"""Targets of symbolic regression: the benchmark's function, a given one, or points of a file."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from grammar.errors import GrammarError
from grammar.expressions.evaluate import TARGET_X, evaluate
from grammar.expressions.evaluate import target as benchmark

BENCHMARK = "1/3+x+sin(x*x)"


@dataclass(frozen=True)
class Target:
    """Points x [n], y [n] to fit, and a name for reports."""

    x: np.ndarray
    y: np.ndarray
    name: str
    benchmark: bool = False


def load_target(expression: str | None, csv_file: str | Path | None) -> Target:
    """The target of the options; the benchmark when there is none.

    Raises `GrammarError` for both at once, a target that is not finite, or a CSV without numbers.
    """
    if expression is not None and csv_file is not None:
        raise GrammarError("--target and --target-csv exclude each other: give one of them")
    if csv_file is not None:
        x, y = read_points(csv_file)
        return Target(x, y, f"{Path(csv_file).name} ({len(x)} points)")
    if expression is None:
        return Target(TARGET_X, benchmark(TARGET_X), BENCHMARK, benchmark=True)
    y = evaluate(expression, TARGET_X)
    if not np.isfinite(y).all():
        raise GrammarError(
            f"the target {expression} is not finite everywhere on the 1,000 points from -10 to 10: "
            "give the points where it is as --target-csv"
        )
    return Target(TARGET_X, y, expression)


def read_points(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Columns x and y of a CSV file with a header; at least two rows of finite numbers.

    Raises `GrammarError` that names the line of a missing or wrong cell.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            names = [name.strip() for name in reader.fieldnames or ()]
            if not {"x", "y"} <= set(names):
                raise GrammarError(f"{path} needs columns named x and y in its first line: {names}")
            reader.fieldnames = names
            rows = [_point(row, reader.line_num, path) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise GrammarError(
            f"{path} cannot be read as a CSV file ({error}): check the path"
        ) from error
    if len(rows) < 2:
        raise GrammarError(f"{path} holds {len(rows)} points: at least 2 are needed")
    x, y = np.array(rows).T
    return x, y


def _point(row: dict[str, Any], line: int, path: str | Path) -> tuple[float, float]:
    values = []
    for name in ("x", "y"):
        text = (row[name] or "").strip()
        try:
            value = float(text)
        except ValueError:
            value = np.nan
        if not np.isfinite(value):
            what = f"{text!r} is not a finite number" if text else "the cell is empty"
            raise GrammarError(
                f"{path}, line {line}, column {name}: {what}; mend or remove the line"
            )
        values.append(value)
    return values[0], values[1]
