"""python -m experiments.papers.neighbours: runs, stars that seeds support, the command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from experiments.papers.neighbours import NeighboursConfig, draw, table, variants
from gmae_tf.errors import UserError
from tests.conftest import RunCli


def rows(**values: list[float]) -> list[dict]:
    return [
        {"neighbours": int(k[1:]), "seed": seed, "mse": 0.01, "fd_prior": value,
         "fd_ex_post": value / 2, "fd_reconstruction": 50.0}
        for k, numbers in values.items() for seed, value in enumerate(numbers)
    ]  # fmt: skip


def test_every_number_comes_with_every_seed():
    runs = list(variants(NeighboursConfig(seeds="0-1", neighbours=(2, 1, 2))))
    assert [(k, o.seed) for k, o in runs] == [(2, 0), (1, 0), (2, 1), (1, 1)]
    assert all(o.model == "eae" and o.model_options == {"neighbours": k} for k, o in runs)
    for wrong in (0, 100):
        with pytest.raises(UserError, match=f"--neighbours {wrong}: choose from 1 to 99"):
            list(variants(NeighboursConfig(neighbours=(1, wrong))))


def test_a_star_needs_the_seeds_to_support_it():
    titles, lines = table(rows(k1=[100, 102, 98], k2=[90, 91, 89], k3=[60, 140, 60], k5=[110] * 3))
    assert titles[:3] == ["neighbours", "MSE x 1000", "FD prior"]
    assert [line[0] for line in lines] == ["1", "2", "3", "5"]
    prior = [line[2] for line in lines]
    assert prior == ["100.0 ± 2.0", "90.0 ± 1.0 *", "86.7 ± 46.2", "110.0 ± 0.0"]
    assert all("*" not in line[4] for line in lines)  # equal everywhere
    one_seed = table(rows(k1=[100], k2=[50]))[1]
    assert one_seed[1][2] == "50.0"
    assert draw(rows(k1=[100, 102], k2=[90, 91])).startswith(b"\x89PNG")


def test_without_distances_there_are_errors_alone():
    titles, lines = table([{"neighbours": 2, "seed": 0, "mse": 0.012}])
    assert titles == ["neighbours", "MSE x 1000"]
    assert lines == [["2", "12.00"]]


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
def test_the_command_repeats_nothing(tmp_path: Path, toy_file: Path, run_here: RunCli):
    out = tmp_path / "out"
    command = (
        *("-m", "experiments.papers.neighbours", "--dataset", toy_file, "--out", out),
        *("--neighbours", "[1, 3]", "--seeds", "0", "--epochs", "1", "--n-data", "150"),
        *("--samples", "50", "--device", "cpu"),
    )
    first = run_here(*command)
    assert first.returncode == 0, first.stderr
    results = json.loads((out / "results.json").read_text())["results"]
    assert [(r["neighbours"], r["seed"]) for r in results] == [(1, 0), (3, 0)]
    assert all(0 < r["mse"] < 1 for r in results)
    assert results[0]["mse"] != results[1]["mse"]  # the option reaches the model

    again = run_here(*command)
    assert again.returncode == 0, again.stderr
    assert "epoch 1/1" in first.stdout
    assert "epoch 1/1" not in again.stdout
    assert json.loads((out / "results.json").read_text())["results"] == results

    wrong = run_here(*command, "--neighbours", "[0]")
    assert wrong.returncode == 2
    assert "--neighbours 0: choose from 1" in wrong.stderr
    assert "Traceback" not in wrong.stderr
