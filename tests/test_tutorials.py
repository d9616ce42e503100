"""The notebooks of docs/tutorials run from top to bottom, in a folder of their own.

With less training and fewer evaluations than they have, which `make docs` runs as they are.
"""

from __future__ import annotations

import ast
import json
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from sklearn.manifold import TSNE

from bayesopt.space import CandidateConfig
from tests.oracles.shorter import Shorter

TUTORIALS = sorted((Path(__file__).parent.parent / "docs" / "tutorials").glob("*.ipynb"))
LESS = {
    "ImageAutoencoder.fit": {"epochs": 1, "plain_epochs": 1, "batch_size": 300},
    "grammar.GrammarAutoencoder.fit": {"epochs": 1, "batch_size": 450},
    "model.fit": {"epochs": 2},
    "bayesopt.search": {"budget": 6},
}
"""Function -> keywords that it is called with."""
FEWER_CANDIDATES = partial(CandidateConfig, chains=50, steps=2, children=50)
FEWER_ITERATIONS = partial(TSNE, max_iter=250)


def test_there_are_five_of_them_and_they_hold_no_outputs():
    assert len(TUTORIALS) == 5
    for path in TUTORIALS:
        cells = json.loads(path.read_text())["cells"]
        assert not any(cell.get("outputs") for cell in cells), "make docs executes them"


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_tutorial_runs(
    path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("bayesopt.space.CandidateConfig", FEWER_CANDIDATES)
    monkeypatch.setattr("sklearn.manifold.TSNE", FEWER_ITERATIONS)
    if path.stem not in ("laboratory", "search"):  # which decode in many small steps
        request.getfixturevalue("eager")
    names: dict = {"__name__": "__main__"}
    for cell in json.loads(path.read_text())["cells"]:
        if cell["cell_type"] == "code":
            run(Shorter(LESS).visit(ast.parse("".join(cell["source"]))), names)
    plt.close("all")


def run(tree: ast.Module, names: dict) -> None:
    """Execute a cell, and show its last expression as a notebook would."""
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    if last is not None:
        repr(eval(compile(ast.Expression(last.value), "cell", "eval"), names))
