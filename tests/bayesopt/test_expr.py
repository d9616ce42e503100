"""The expression task: targets, users' data, what is hidden."""

from __future__ import annotations

import numpy as np
import pytest

from bayesopt.tasks.expr import ExprTask, load_target, read_points
from gmae_tf.errors import UserError
from grammar.errors import GrammarError, ParseError
from grammar.expressions import TARGET_X


@pytest.fixture(scope="module")
def task() -> ExprTask:
    return ExprTask(n_data=2000)


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
    with pytest.raises(UserError, match="not finite everywhere"):
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
    with pytest.raises(UserError, match=sentence):
        read_points(path)


def test_missing_and_binary_files_are_refused(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        read_points(tmp_path / "absent.csv")
    (tmp_path / "binary.csv").write_bytes(bytes(range(256)))
    with pytest.raises(UserError, match="cannot be read"):
        read_points(tmp_path / "binary.csv")


def test_target_and_points_exclude_each_other(tmp_path):
    with pytest.raises(UserError, match="exclude each other"):
        load_target("x", tmp_path / "points.csv")


def test_six_best_are_hidden_by_default():
    task = ExprTask(data="official")
    assert task.n_hidden == 6
    assert task.problem.scores.min() > 0.0363
    assert not {"1/3+(x)+sin(x*x)", "1/2+x+sin(x*x)"} & set(task.problem.strings)
    # Neither did the autoencoder see them.
    assert "1/3+(x)+sin(x*x)" not in task.model.training_strings
    assert "never saw a string" in task.notes[0]


def test_nothing_is_hidden_on_a_users_own_target():
    task = ExprTask(target="x*x", n_data=500)
    assert task.n_hidden == 0
    assert len(task.problem.strings) == 500
    assert task.published == ()


def test_everything_can_be_shown_and_too_much_cannot_be_hidden():
    assert ExprTask(n_data=500, exclude_better_than=-1).n_hidden == 0
    with pytest.raises(UserError, match="leaves 0 strings"):
        ExprTask(n_data=500, exclude_better_than=7.0)


def test_codes_scores_and_strings_belong_together(task):
    problem = task.problem
    rows = [0, 7, len(problem.strings) - 1]
    strings = [problem.strings[i] for i in rows]
    assert problem.codec.encode(strings) == pytest.approx(problem.codes[rows], abs=1e-5)
    assert problem.score(strings) == pytest.approx(problem.scores[rows])
    assert problem.codec.decode(problem.codes[rows]) == strings


def test_every_prior_sample_decodes_to_a_complete_string(task, rng):
    strings = task.problem.codec.decode(task.problem.sample_prior(2000, rng))
    assert None not in strings
    task.model.codec.encode(strings)  # every one parses
    assert len(set(strings)) > 1500


def test_training_data_are_known(task):
    assert all(task.problem.in_training_data(s) for s in task.problem.strings[:50])
    assert not task.problem.in_training_data("1/3+x+sin(x*x)")


def test_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(GrammarError, match="does not hold a trained grammar model"):
        ExprTask(model=tmp_path)
