"""The command on a user's table: columns, weights, files, sentences."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bayesopt.regression.table import read_user_table
from gmae_tf.errors import UserError

if TYPE_CHECKING:
    from conftest import RunCli

RUN = ("-m", "bayesopt.run", "--task", "expr", "--processes", "1", "--seconds", "20")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rows = ["dose [mg];other;signal;n"]
    for i in range(30):
        dose, other = 1 + 0.3 * i, (7 * i) % 11
        value = dose * other + 2.5 if i % 5 else 1e6
        rows.append(f"{dose};{other};{value};{1 if i % 5 else 0}".replace(".", ","))
    path = tmp_path / "own.csv"
    path.write_text("\n".join([*rows, "3,1;4;lost;1"]) + "\n")
    return path


def test_a_table_is_fitted_and_reported(table: Path, tmp_path: Path, run_here: RunCli) -> None:
    out = tmp_path / "run"
    done = run_here(
        *RUN, "--target-csv", table, "--y-column", "signal", "--weight-column", "n", "--out", out
    )
    assert done.returncode == 0, done.stderr
    assert "31 rows read, 30 used, 1 not used" in done.stdout
    results = json.loads((out / "results.json").read_text())
    assert results["columns"]["x"] == ["dose [mg]", "other"]
    assert results["formula"]["exact"]
    assert results["formula"]["formula"] in ("dose_mg*other + 2.5", "other*dose_mg + 2.5")
    rows = list(csv.DictReader((out / "front.csv").open()))
    assert len(rows) == len(results["front"])
    assert {"complexity", "rmse", "r2", "sympy", "latex"} <= set(rows[0])
    page = (out / "report.html").read_text()
    assert "fits exactly" in page
    assert page.count("data:image/png") == 2


def test_columns_are_guessed(tmp_path: Path) -> None:
    path = tmp_path / "two.csv"
    path.write_text("x1,x2,y,note\n1,2,3,a\n2,3,4,b\n3,5,6,c\n")
    found = read_user_table(path, None, None, None)
    assert (found.names, found.y_name, found.weights) == (("x1", "x2"), "y", None)
    found = read_user_table(path, "x2", "x1", None)
    np.testing.assert_array_equal(found.x[:, 0], [2, 3, 5])


@pytest.mark.parametrize("of_table", [True, False])
def test_an_interrupted_fit_starts_anew_and_an_interrupted_search_continues(
    of_table: bool, table: Path, tmp_path: Path, run_here: RunCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("gmae_tf.utils.locks.lock_folder", stop)
    monkeypatch.setattr("gmae_tf.utils.locks.lock_run", stop)
    options = ("--target-csv", table, "--y-column", "signal") if of_table else ("--target", "x+1")
    done = run_here(*RUN, *options, "--out", tmp_path / "out")
    assert done.returncode == 130
    assert ("starts anew" if of_table else "continues where") in done.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--target", "x+1"), "exclude each other"),
        (("--budget", "5"), "--budget says nothing about formulas"),
        (("--seconds", "0"), "give the search some time"),
        (("--seeds", "0-3"), "take one seed"),
        (("--x-columns", "absent", "--y-column", "signal"), "no column 'absent'"),
    ],
)
def test_mistakes(table: Path, run_here: RunCli, options: tuple[str, ...], words: str) -> None:
    done = run_here(*RUN, "--target-csv", table, *options)
    assert done.returncode == 2
    assert words in done.stderr


def test_too_many_columns_and_bad_weights(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    names = [f"x{i}" for i in range(1, 12)]
    rows = [",".join([*names, "y", "w"])] + [",".join(["1.5"] * 12 + ["-1"])] * 3
    path.write_text("\n".join(rows))
    with pytest.raises(UserError, match="at most 9"):
        read_user_table(path, None, None, None)
    with pytest.raises(UserError, match="column w: weights must be"):
        read_user_table(path, "x1", "y", "w")


def test_columns_of_text_are_no_inputs_and_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "named.csv"
    path.write_text("name,x,signal,n\na,1,2,1\nb,2,4,1\nc,3,6,2\n")
    found = read_user_table(path, None, "signal", "n")
    assert found.names == ("x",)
    assert found.report.notes[-2:] == (
        "inputs: x; output: signal; weights: n",
        "columns without numbers, not used: name",
    )
    path.write_text("name,y\na,1\nb,2\n")
    with pytest.raises(UserError, match="no number stands in name"):
        read_user_table(path, None, "y", None)


def test_an_input_is_named_once(tmp_path: Path) -> None:
    path = tmp_path / "two.csv"
    path.write_text("t,y\n1,2\n2,4\n")
    with pytest.raises(UserError, match="column t is named more than once"):
        read_user_table(path, "t,T", "y", None)


def test_a_unit_beyond_floating_point_numbers_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "two.csv"
    path.write_text("x,y\n1,2e200\n2,4e200\n")
    with pytest.raises(UserError, match=r"column y: values up to 4e\+200"):
        read_user_table(path, None, None, None)


def test_an_output_without_a_name_is_y(tmp_path: Path) -> None:
    path = tmp_path / "points.txt"
    path.write_text("1 2\n2 4\n3 6\n")
    assert read_user_table(path, None, None, None).label == "y"
