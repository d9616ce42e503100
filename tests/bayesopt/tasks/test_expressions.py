"""The expression task: targets, users' data, what is hidden."""

from __future__ import annotations

import numpy as np
import pytest

from bayesopt.optimizer import Optimizer
from bayesopt.tasks.expressions import ExprTask
from gmae_tf.errors import UserError
from grammar.autoencoder.model import GrammarAutoencoder
from grammar.errors import GrammarError
from grammar.expressions.data import load_expressions


@pytest.fixture(scope="module")
def task() -> ExprTask:
    return ExprTask(n_data=2000)


def test_six_best_are_hidden_by_default(monkeypatch):
    # The codes of 100,000 strings take long, and say nothing about what is hidden.
    codes = np.random.default_rng(0).normal(size=(100_000, 2))
    monkeypatch.setattr(GrammarAutoencoder, "encode", lambda self, strings: codes[: len(strings)])
    task = ExprTask(data="official")
    assert task.n_hidden == 6
    assert task.dataset.values.min() > 0.0363
    best = {"1/3+(x)+sin(x*x)", "1/2+x+sin(x*x)"}
    assert not best & set(task.dataset.strings)
    assert best <= set(task.space.pool)  # the random baseline is given every chance
    # Neither did the autoencoder see them.
    assert "1/3+(x)+sin(x*x)" not in task.model.training_strings
    assert "never saw a string" in task.notes[0]


def test_nothing_is_hidden_on_a_users_own_target():
    task = ExprTask(target="x*x", n_data=500)
    assert task.n_hidden == 0
    assert len(task.dataset.strings) == 500
    (best,) = task.published
    assert (best.method, best.values["top"][0]) == ("best known before", task.dataset.values.min())


def test_a_target_beyond_the_limit_of_errors_is_said_to_be(tmp_path):
    def csv_of(*values: float):
        path = tmp_path / f"{len(values)}.csv"
        path.write_text("x,y\n" + "".join(f"{x},{y}\n" for x, y in enumerate(values)))
        return path

    with pytest.raises(UserError, match="divide y by"):
        ExprTask(target_csv=csv_of(*[-7777.0] * 20), n_data=300)
    task = ExprTask(target_csv=csv_of(0.0, *[-7777.0] * 9), n_data=300)
    assert "divide y by" in task.notes[0]
    assert ExprTask(target="x*x", n_data=300).notes == ()


def test_rows_and_lines_that_are_left_out_are_reported(tmp_path):
    points, strings = tmp_path / "points.csv", tmp_path / "strings.txt"
    points.write_text("X (s);Y\n0;0,5\n1;none\n2;2,5\n")
    strings.write_text("\n".join(["y", *load_expressions("official", n=120)]))
    task = ExprTask(target_csv=points, data=str(strings))
    assert task.target.y.tolist() == [0.5, 2.5]
    target, known = task.reports
    assert (target.read, target.used) == (3, 2)
    assert [d.place for d in target.dropped] == [3]
    assert (known.read, known.used) == (121, 120)
    assert [d.place for d in known.dropped] == [1]
    points.write_text("a,b,c\n0,1,2\n3,4,5\n")
    task = ExprTask(target_csv=points, data=str(strings), x_columns="c", y_column="a")
    assert (task.target.x.tolist(), task.target.y.tolist()) == ([2, 5], [0, 3])


def test_everything_can_be_shown_and_too_much_cannot_be_hidden():
    assert ExprTask(n_data=500, exclude_better_than=-1).n_hidden == 0
    with pytest.raises(UserError, match="leaves 0 strings"):
        ExprTask(n_data=500, exclude_better_than=7.0)


def test_codes_scores_and_strings_belong_together(task):
    data = task.dataset
    rows = [0, 7, len(data) - 1]
    strings = [data.strings[i] for i in rows]
    assert task.space.encode(strings) == pytest.approx(data.codes[rows], abs=1e-5)
    assert task.evaluate(strings) == pytest.approx(data.values[rows])
    assert task.space.codec.decode(data.codes[rows]) == strings


def test_every_prior_sample_decodes_to_a_complete_string(task, rng):
    strings = task.space.codec.decode(task.space.sample_prior(2000, rng))
    assert None not in strings
    task.model.codec.encode(strings)  # every one parses
    assert len(set(strings)) > 1500


def test_training_data_are_known(task):
    optimizer = Optimizer(task.space, task.dataset, maximize=False, strategy="random")
    batch = optimizer.ask(50)
    assert {t.in_training_data for t in batch.trials} == {True}
    assert "1/3+x+sin(x*x)" not in task.space.training_strings


def test_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(GrammarError, match="does not hold a trained grammar model"):
        ExprTask(model=tmp_path)
