"""What expressions are to fit: benchmark, expression, points of a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from grammar.errors import GrammarError, ParseError
from grammar.expressions.evaluate import TARGET_X
from grammar.expressions.targets import load_target, read_points

CASES = Path(__file__).parents[2] / "cases" / "expr"


def test_benchmark_target_is_the_published_function():
    target = load_target(None, None)
    x = np.linspace(-10, 10, 1000)
    assert target.benchmark
    assert target.y == pytest.approx(1 / 3 + x + np.sin(x * x))


def test_target_expression():
    target = load_target("0.5*x**2 - cos(x)", None)
    assert not target.benchmark
    assert target.y == pytest.approx(0.5 * TARGET_X**2 - np.cos(TARGET_X))


@pytest.mark.parametrize("expression", ["log(x)", "1/(x-x)", "exp(exp(x))"])
def test_target_must_be_finite(expression):
    with pytest.raises(GrammarError, match="not finite everywhere"):
        load_target(expression, None)


def test_target_that_cannot_be_read_is_shown_with_a_caret():
    with pytest.raises(ParseError, match=r"\^"):
        load_target("2*y+1", None)


def test_points_are_read_by_column_name(tmp_path):
    path = tmp_path / "points.csv"
    path.write_text("label, y ,x\na,1.5,0\nb,-2,1e1\n")
    points = read_points(path)
    assert (points.x.tolist(), points.y.tolist()) == ([[0.0], [10.0]], [1.5, -2.0])
    assert (points.x_names, points.y_name) == (("x",), "y")
    target = load_target(None, path)
    assert (target.x.tolist(), target.y.tolist()) == ([0.0, 10.0], [1.5, -2.0])
    assert target.name == "points.csv (2 points)"
    assert str(target.report).startswith(f"{path}: 2 rows read, 2 used\n")


@pytest.mark.parametrize("name", ["comments", "semicolon", "tab", "units", "upper"])
def test_tables_of_every_dialect(name):
    points = read_points(CASES / f"{name}.csv")
    assert points.x[:2].tolist() == [[0], [1]]
    assert points.y[:2].tolist() == [1, 2]
    assert points.report.dropped == ()


@pytest.mark.parametrize(
    ("text", "x", "y"),
    [
        ("time;temperature\n0;1,5\n1;2,5", [[0], [1]], [1.5, 2.5]),
        ("0 1.5\n1 2.5\n", [[0], [1]], [1.5, 2.5]),
        (",x,y\n0,5,1.5\n1,6,2.5\n", [[5], [6]], [1.5, 2.5]),
        ("y,t\n1.5,0\n2.5,1\n", [[0], [1]], [1.5, 2.5]),
        ("x1,x_2 (m),y\n0,3,1.5\n1,4,2.5\n", [[0, 3], [1, 4]], [1.5, 2.5]),
        ("# x y\n0 1.5\n1 2.5\n", [[0], [1]], [1.5, 2.5]),
    ],
)
def test_columns_are_guessed(tmp_path, text, x, y):
    path = tmp_path / "points.txt"
    path.write_text(text)
    points = read_points(path)
    assert (points.x.tolist(), points.y.tolist()) == (x, y)


def test_columns_are_named(tmp_path):
    path = tmp_path / "points.csv"
    path.write_text("a,b,c (kg)\n0,3,1.5\n1,4,2.5\n")
    points = read_points(path, x_columns=["b", "a"], y_column="c")
    assert (points.x.tolist(), points.x_names) == ([[3, 0], [4, 1]], ("b", "a"))
    with pytest.raises(GrammarError, match=r"one variable.*--x-columns"):
        load_target(None, path, x_columns=["b", "a"], y_column="c")
    with pytest.raises(GrammarError, match=r"no column 'd'.*--x-columns"):
        read_points(path, x_columns=["d"], y_column="c")
    with pytest.raises(GrammarError, match="both input and output"):
        read_points(path, x_columns=["a"], y_column="a")


def test_rows_without_numbers_are_left_out_and_told(tmp_path):
    path = tmp_path / "points.csv"
    path.write_text("x,y\n1,2\n3,\n4,four\n5,nan\n6\n7,8,9\n>8,1\n9,10\n")
    points = read_points(path)
    assert points.y.tolist() == [2, 10]
    assert points.report.read == 8
    assert points.report.dropped == (
        (3, "3,", "no value in column y"),
        (4, "4,four", "not a number in column y: 'four'"),
        (5, "5,nan", "no value in column y"),
        (6, "6,", "no value in column y"),
        (7, "7,8,9", "more cells than columns: 3 for 2"),
        (8, ">8,1", "not a number in column x: '>8'"),
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a,b,c\n1,2,3\n", "needs columns named x and y.*its columns are a, b, c"),
        ("1,2,3\n4,5,6\n", "needs columns named x and y.*no header.*1, 2, 3"),
        ("x,y\n1,2\n", "1 points: at least 2"),
        ("x,y\n1,2\n3,four\n", r"1 points.*line 3: not a number in column y: 'four'\)$"),
        ("x,y,y\n1,2,3\n", "columns 2 and 3 both 'y'"),
        ("", "needs columns named x and y"),
    ],
)
def test_tables_that_cannot_be_used(tmp_path, text, sentence):
    path = tmp_path / "points.csv"
    path.write_text(text)
    with pytest.raises(GrammarError, match=sentence):
        read_points(path)


def test_missing_and_binary_files_are_refused(tmp_path):
    with pytest.raises(GrammarError, match="cannot read"):
        read_points(tmp_path / "absent.csv")
    (tmp_path / "binary.csv").write_bytes(bytes(range(256)))
    with pytest.raises(GrammarError, match="not a text file"):
        read_points(tmp_path / "binary.csv")


def test_target_and_points_exclude_each_other(tmp_path):
    with pytest.raises(GrammarError, match="exclude each other"):
        load_target("x", tmp_path / "points.csv")
