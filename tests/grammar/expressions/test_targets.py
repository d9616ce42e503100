"""What expressions are to fit: benchmark, expression, points of a file."""

from __future__ import annotations

import numpy as np
import pytest

from grammar.errors import GrammarError, ParseError
from grammar.expressions.evaluate import TARGET_X
from grammar.expressions.targets import load_target, read_points


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
    x, y = read_points(path)
    assert (x.tolist(), y.tolist()) == ([0.0, 10.0], [1.5, -2.0])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x,y\n1,2\n3,\n", "line 3, column y: the cell is empty"),
        ("x,y\n1,2\n3,four\n", "line 3, column y: 'four' is not a finite number"),
        ("x,y\n1,nan\n3,4\n", "line 2, column y: 'nan' is not a finite number"),
        ("x,y\n1\n3,4\n", "line 2, column y: the cell is empty"),
        ("a,b\n1,2\n", "needs columns named x and y"),
        ("x,y\n1,2\n", "1 points: at least 2"),
        ("", "needs columns named x and y"),
    ],
)
def test_bad_points_are_named_by_line_and_column(tmp_path, text, sentence):
    path = tmp_path / "points.csv"
    path.write_text(text)
    with pytest.raises(GrammarError, match=sentence):
        read_points(path)


def test_missing_and_binary_files_are_refused(tmp_path):
    with pytest.raises(GrammarError, match="cannot be read"):
        read_points(tmp_path / "absent.csv")
    (tmp_path / "binary.csv").write_bytes(bytes(range(256)))
    with pytest.raises(GrammarError, match="cannot be read"):
        read_points(tmp_path / "binary.csv")


def test_target_and_points_exclude_each_other(tmp_path):
    with pytest.raises(GrammarError, match="exclude each other"):
        load_target("x", tmp_path / "points.csv")
