"""The comparison of methods: targets are what their names say, and rows are counted rightly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from experiments.regression import __main__ as study
from experiments.regression.methods import measure
from experiments.regression.summary import medians, solved
from experiments.regression.targets import MULTIVARIATE, TARGETS, UNIVARIATE

if TYPE_CHECKING:
    from conftest import RunCli


def test_there_are_twelve_and_twelve() -> None:
    assert (len(UNIVARIATE), len(MULTIVARIATE), len(TARGETS)) == (12, 12, 24)


@pytest.mark.parametrize("name", TARGETS)
def test_targets_are_finite_and_have_one_per_cent_of_noise(name: str) -> None:
    target = TARGETS[name]
    x, y, x_test, y_test = target.draw(0)
    assert (x.shape, x_test.shape) == ((200, len(target.ranges)), (1000, len(target.ranges)))
    exact = target.function(*x.T)
    assert np.isfinite(exact).all()
    assert np.std(y - exact) == pytest.approx(0.01 * np.std(exact), rel=0.2)
    np.testing.assert_array_equal(target.function(*x_test.T), y_test)
    np.testing.assert_array_equal(target.draw(0)[1], y)
    assert not np.array_equal(target.draw(1)[0], x)


@pytest.mark.parametrize(
    ("name", "at", "value"),
    [
        ("Nguyen-4", [2.0], 126.0),
        ("Keijzer-4", [0.0], 0.0),
        ("Nguyen-12", [1.0, 2.0], 0.0),
        ("Keijzer-14", [1.0, 1.0], 2.0),
        ("Feynman-I.9.18", [1, 2, 1, 4, 1, 4, 2, 4, 3], 2 / 14),
        ("Feynman-I.8.14", [0, 3, 0, 4], 5.0),
    ],
)
def test_known_values(name: str, at: list[float], value: float) -> None:
    assert TARGETS[name].function(*np.array(at, dtype=float)[:, None])[0] == pytest.approx(value)


def row(target: str, method: str, seed: int, r2: float | None) -> dict[str, Any]:
    return {"target": target, "method": method, "seed": seed, "r2": r2,
            "solved": r2 is not None and r2 > 0.999}  # fmt: skip


def test_rows_are_counted() -> None:
    rows = [row("Nguyen-1", "ours", 0, 0.9999), row("Nguyen-1", "ours", 1, None),
            row("Nguyen-9", "ours", 0, 0.5)]  # fmt: skip
    assert solved(rows, "ours") == [(1, 2), (0, 1), (1, 3)]
    found = medians(rows, ["ours", "gplearn"])
    assert found["Nguyen-1"] == [pytest.approx((0.0001 + 9) / 2), None]
    assert found["Nguyen-9"] == [0.5, None]


def test_ours_is_measured() -> None:
    found = measure("Nguyen-8", "ours", 0, 20.0)
    assert found["solved"]
    assert found["expressions"] > 1_000
    assert sum(found["sources"].values()) == found["expressions"]


def test_a_study_continues(
    tmp_path: Path, run_here: RunCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def measured(target: str, method: str, seed: int, seconds: float) -> dict[str, Any]:
        asked.append(method)
        numbers = {"budget": seconds, "seconds": 1.0, "processor_seconds": 1.0}
        return {**row(target, method, seed, 1.0), **numbers, "expressions": 5, "formula": "x1"}

    monkeypatch.setattr(study, "_measured", measured)
    command = study.StudyConfig(tmp_path, 1.0, methods="ours,gplearn", targets="Nguyen-1")
    study.study(command)
    study.study(command)
    assert asked == ["ours", "gplearn"]
    assert len(json.loads((tmp_path / "regression.json").read_text())["rows"]) == 2
    done = run_here("-m", "experiments.regression", "--methods", "other")
    assert done.returncode == 2
    assert "'other' is none of ours" in done.stderr
