"""python -m experiments.search.exhaustive: every string, its score, and ranks among all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from experiments.search.enumeration import Enumeration
from experiments.search.exhaustive import Oracle
from gmae_tf.errors import UserError
from grammar.cfg.grammar import Grammar
from grammar.codec import RuleCodec
from grammar.expressions.evaluate import TARGET_X, fit_errors, target
from grammar.library import load_grammar
from grammar.sampling.counting import Derivations
from tests.conftest import RunCli


@pytest.fixture(scope="module")
def grammar() -> Grammar:
    return load_grammar("arithmetic").grammar


def test_every_derivation_is_enumerated_once(grammar):
    derivations = Derivations(grammar, 8)
    codec = RuleCodec(grammar, 8)
    rules = [list(derivations.derivation(i)) for i in range(derivations.total)]
    rows = np.array([row + [grammar.padding] * (8 - len(row)) for row in rules], dtype=np.uint8)
    found = [text for n in range(1, 9) for text in Enumeration(grammar).strings(n)]
    assert len(found) == derivations.total == 21_088
    assert set(found) == set(codec.decode(rows))


def test_lengths_that_no_derivation_has_are_empty(grammar):
    enumeration = Enumeration(grammar)
    assert [sum(1 for _ in enumeration.strings(n)) for n in range(-1, 11)] == [
        0, 0, 0, 4, 0, 60, 0, 1044, 0, 19_980, 0, 407_268
    ]  # fmt: skip


def test_the_command_ranks_scores_and_strings(tmp_path: Path, run_cli: RunCli, grammar):
    out = tmp_path / "oracle.npz"
    done = run_cli(
        *("-m", "experiments.search.exhaustive", "--longest", "8", "--top", "2", "--out", out),
        *("--rank", '["x", "0.9"]'),
    )
    assert done.returncode == 0, done.stderr
    texts = [text for n in range(1, 9) for text in Enumeration(grammar).strings(n)]
    scores = fit_errors(texts, TARGET_X, target(TARGET_X))
    own = float(fit_errors(["x"], TARGET_X, target(TARGET_X))[0])
    assert "21,088 expressions of at most 8 productions, 1/3+x+sin(x*x)" in done.stdout
    assert f"x: score {own:.6f}, rank {np.sum(scores < own - 1e-9) + 1:,}," in done.stdout
    assert f"0.9: score 0.900000, rank {np.sum(scores < 0.9 - 1e-9) + 1:,}," in done.stdout
    oracle = Oracle.load(out)
    assert np.array_equal(oracle.scores, np.sort(scores))
    assert fit_errors(oracle.best, TARGET_X, target(TARGET_X)) == pytest.approx(
        np.sort(scores)[: len(oracle.best)]
    )
    assert oracle.rank(oracle.scores[0]) == 1


def test_points_and_mistakes(tmp_path: Path, run_here: RunCli):
    points = tmp_path / "points.csv"
    points.write_text("x,y\n0,1\n1,2\n2,3\n")
    command = ("-m", "experiments.search.exhaustive", "--target-csv", points, "--longest")
    done = run_here(*command, "6", "--top", "1")
    assert done.returncode == 0, done.stderr
    assert "  0.000000  " in done.stdout
    wrong = run_here(*command, "1")
    assert wrong.returncode == 2
    assert "--longest 1: arithmetic has no string so short" in wrong.stderr
    with pytest.raises(UserError, match=r"no file of python -m experiments\.search"):
        Oracle.load(points)
