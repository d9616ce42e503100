"""python -m experiments.papers.little_data: its runs, its table, and a small run."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from experiments.papers.little_data import (
    CAPACITIES,
    REPEATS,
    LittleDataConfig,
    _repeated,
    _runs,
    draw,
    little_data,
    table,
)
from gmae_tf.errors import UserError
from gmae_tf.images.datasets import load_images


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    """A folder with a few bars in the place of MNIST: the classifier of digits is at hand."""
    rng = np.random.default_rng(0)
    arrays = {}
    for part, n in (("train", 400), ("test", 100)):
        labels = rng.integers(0, 10, size=n)
        images = rng.integers(0, 60, size=(n, 28, 28))
        images[np.arange(n), 2 * labels + 4] = 250
        arrays |= {f"x_{part}": images.astype(np.uint8), f"y_{part}": labels}
    np.savez(tmp_path / "mnist.npz", **arrays)
    return tmp_path


def test_capacities_grow() -> None:
    sizes = []
    for widths in CAPACITIES:
        layers = (32, *widths, 32)
        sizes.append(sum((a + 1) * b for a, b in itertools.pairwise(layers)))
    assert len(sizes) == 6
    assert sizes[0] == 33 * 32
    assert sizes == sorted(set(sizes))


def test_only_the_generator_differs_between_models() -> None:
    runs = list(_runs(LittleDataConfig(seeds="0-1", models=(1, 6))))
    assert [tuple(about.values()) for about, _ in runs[:4]] == [
        ("flexae", 1, 0), ("flexae", 6, 0), ("wae-mmd", None, 0), ("ae", None, 0)
    ]  # fmt: skip
    small, large = (options for _, options in runs[:2])
    assert small.model_options.pop("widths") == []
    assert large.model_options.pop("widths") == [1024] * 4
    assert small == large
    assert {options.seed for _, options in runs} == {0, 1}
    assert len(list(_runs(LittleDataConfig(seeds="0", controls=False)))) == 6


def test_few_images_are_repeated_and_none_is_added(digits: Path) -> None:
    data = load_images("mnist", data_dir=digits, n=60)
    few = _repeated(data)
    assert len(few.train) == len(few.train_labels) == 60 * REPEATS
    assert {image.tobytes() for image in few.train} == {image.tobytes() for image in data.train}
    np.testing.assert_array_equal(few.test, data.test)


def test_table_has_a_line_a_model() -> None:
    row = {"model": "flexae", "capacity": 2, "fd_reconstruction": 8.0, "mse": 0.02}
    row["fd_training"] = 5.0
    rows = [{**row, "fd_generation": 20.0}, {**row, "fd_generation": 30.0}]
    rows += [{**row, "model": "ae", "capacity": None, "fd_generation": 9.0}]
    titles, lines = table(rows)
    assert all(len(line) == len(titles) for line in lines)
    assert [
        "FlexAE, model 2",
        "1 x 32",
        "8.0 ± 0.0",
        "25.0 ± 7.1",
        "5.0 ± 0.0",
        "20.00 ± 0.00",
    ] in lines
    assert ["mixture fitted afterwards, AE", "–", "8.0", "9.0", "5.0", "20.00"] in lines
    assert draw(rows).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"models": (0, 1)}, "--models are numbers from 1 to 6"),
        ({"models": (), "controls": False}, "nothing to train"),
        ({"epochs": 0}, "epochs must be greater"),
        ({"dataset": "nowhere"}, "nowhere"),
    ],
)
def test_useless_options_are_refused(tmp_path: Path, change: dict, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        little_data(LittleDataConfig(out=tmp_path / "run", **change))
    assert not (tmp_path / "run").exists()


@pytest.mark.slow  # its parts are tested above, and a study from end to end in images/test_study.py
@pytest.mark.usefixtures("eager")
def test_a_study_runs_and_repeats_nothing(digits: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("experiments.papers.little_data.CONTROLS", {"ae": "mixture, AE"})
    config = LittleDataConfig(
        out=digits / "run",
        data_dir=digits,
        models=(2,),
        n_data=50,
        epochs=1,
        samples=60,
        latent_dim=4,
        seeds="0",
        device="cpu",
    )
    little_data(config)
    rows = json.loads((config.out / "results.json").read_text())["results"]
    assert [(row["model"], row["capacity"]) for row in rows] == [("flexae", 2), ("ae", None)]
    assert all(
        row["fd_training"] > 0 and row["fd_generation"] > 0 and 0 < row["mse"] < 1 for row in rows
    )
    assert [row["generator_parameters"] for row in rows] == [5 * 32 + 33 * 4, None]
    assert {row["steps"] for row in rows} == {10}
    assert (config.out / "little_data.png").read_bytes().startswith(b"\x89PNG")

    monkeypatch.setattr("gmae_tf.images.training.fit_network", None)  # nothing is left to train
    little_data(config)
    assert json.loads((config.out / "results.json").read_text())["results"] == rows
