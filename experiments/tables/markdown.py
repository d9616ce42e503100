"""Result files, and Markdown tables of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from grammar.autoencoder.model import GrammarAutoencoder
from molecules.presets import PRESETS

DOCS = Path(__file__).resolve().parents[2] / "docs"
RESULTS = DOCS / "results"
MODELS = {**GrammarAutoencoder.PRESETS, **PRESETS}
"""Folders of the shipped models, by name."""
BENCHMARKS = DOCS.parent / "experiments" / "benchmarks" / "results"
NOTHING = "not measured"


def read(path: Path) -> dict[str, Any]:
    """A JSON file; empty if it is not there."""
    content: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return content


def load(name: str, experiment: str) -> dict[str, Any]:
    """A result file by name."""
    return read(RESULTS / experiment / f"{name}.json")


def benchmark(name: str) -> dict[str, Any]:
    """The result file of a benchmark."""
    return read(BENCHMARKS / f"{name}.json")


def trained(model: str) -> dict[str, Any]:
    """Numbers of a shipped model."""
    results: dict[str, Any] = read(MODELS[model] / "model.json")["results"]
    return results


def grid(header: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """A Markdown table."""
    first, *lines = ["| " + " | ".join(map(str, line)) + " |" for line in (header, *rows)]
    return [first, "|" + "---|" * len(header), *lines]


def joined(*tables: list[str]) -> list[str]:
    """Tables one below the other, those that are empty left out."""
    return "\n\n".join("\n".join(table) for table in tables if table).split("\n")


def number(value: float | None, digits: int = 2, unit: str = "") -> str:
    """A number, or a dash where there is none."""
    return "–" if value is None else f"{value:,.{digits}f}{unit}"
