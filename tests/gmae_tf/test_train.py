"""python -m gmae_tf.train as a user runs it, on small images of two kinds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gmae_tf.errors import UserError
from gmae_tf.images.options import preset_of
from gmae_tf.images.training import build, prepare
from gmae_tf.models import MODELS
from gmae_tf.models.invariant_clusters import InvariantClusters
from gmae_tf.train import TrainConfig, load, with_preset
from tests.conftest import RunCli

QUICK = (
    *("--epochs", "2", "--latent-dim", "4", "--components", "2", "--batch-size", "50"),
    *("--plain-epochs", "1", "--no-evaluate", "--device", "cpu"),
)


def bars(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Images [n, 16, 16] of one bright bar, upright or lying, and which it is."""
    labels = rng.integers(0, 2, size=n)
    images = rng.integers(0, 30, size=(n, 16, 16), dtype=np.uint8)
    for image, label, place in zip(images, labels, rng.integers(2, 12, size=n), strict=True):
        image[(slice(None), slice(place, place + 3))[:: 1 if label else -1]] = 250
    return images, labels


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bars") / "bars.npz"
    rng = np.random.default_rng(0)
    (x_train, y_train), (x_test, y_test) = bars(240, rng), bars(60, rng)
    np.savez(path, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    return path


@pytest.mark.usefixtures("eager")
def test_a_run_trains_saves_and_continues(dataset: Path, tmp_path: Path, run_here: RunCli):
    from gmae_tf.images.model import ImageAutoencoder

    out = tmp_path / "run"
    command = ("-m", "gmae_tf.train", "--dataset", dataset, "--out", out, *QUICK)
    first = run_here(*command)
    assert first.returncode == 0, first.stderr
    assert "epoch 2/2" in first.stdout
    model = ImageAutoencoder.load(out)
    assert model.details["dataset"] == "bars"
    history = model.details["history"]
    assert len(history) == 2
    assert {"val_ks", "val_covariance", "val_assignment", "val_reconstruction"} <= set(history[0])
    assert sorted(p.name for p in (out / "samples").iterdir()) == [
        "epoch-0001.png", "epoch-0002.png",
    ]  # fmt: skip

    more = run_here(*command, "--epochs", "3")
    assert more.returncode == 0, more.stderr
    assert "continuing" in more.stdout
    assert "epoch 3/3" in more.stdout
    assert "epoch 1/3" not in more.stdout
    assert ImageAutoencoder.load(out).details["history"][:2] == history


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--dataset", "mnits"), "mnist"),
        (("--components", "30", "--latent-dim", "4"), "raise latent-dim from 4"),
        (("--guide-share", "2"), "guide_share is 2.0: give a share from 0 to 1"),
        (("--epochs", "0"), "epochs must be greater than 0"),
        (("--samples", "50"), "--samples is 50: evaluate at least 100"),
        (("--n-data", "-3"), "n-data must be greater than 0"),
        (("--size", "huge"), "size"),
        (("--classes", "[7]"), "7"),
        (("--model", "nonsense"), "'nonsense' is no model"),
        (("--model", "vae", "--model-options", '{"x": 1}'), "vae has no option 'x'"),
    ],
)
def test_bad_input_is_one_sentence(
    options: tuple[str, ...], sentence: str, dataset: Path, tmp_path: Path, run_here: RunCli
):
    command = ("--dataset", str(dataset), "--out", str(tmp_path / "run"), *options)
    result = run_here("-m", "gmae_tf.train", *command)
    assert result.returncode == 2
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.stderr


def test_models_are_listed_with_their_options(run_here: RunCli):
    result = run_here("-m", "gmae_tf.train", "--list-models")
    assert result.returncode == 0, result.stderr
    assert all(name in result.stdout for name in MODELS)
    assert "kl_weight: 0.312" in result.stdout


@pytest.mark.usefixtures("eager")
def test_another_model_trains_by_the_same_command_and_is_evaluated(
    dataset: Path, tmp_path: Path, run_here: RunCli
):
    result = run_here(
        *("-m", "gmae_tf.train", "--dataset", dataset, "--out", tmp_path / "run"),
        *("--model", "vade", "--latent-dim", "4", "--components", "2", "--epochs", "1"),
    )
    assert result.returncode == 0, result.stderr
    assert "216 training images at batch size 100 are 2 training steps an epoch" in result.stdout
    page = (tmp_path / "run" / "report.html").read_text()
    assert MODELS["vade"].title in page
    assert "the groups that the model has learnt" in page


def test_nothing_is_written_among_images_or_foreign_files(tmp_path: Path, run_here: RunCli):
    photos, other = tmp_path / "photos", tmp_path / "other"
    photos.mkdir()
    other.mkdir()
    (other / "thesis.txt").write_text("mine")
    for out, sentence in (
        (photos, "lies in the folder of images"),
        (photos / "run", "lies in the folder of images"),
        (other, "holds other files, such as thesis.txt"),
    ):
        result = run_here("-m", "gmae_tf.train", "--dataset", photos, "--out", out)
        assert (result.returncode, result.stderr.count("\n")) == (2, 1)
        assert sentence in result.stderr
    assert [path.name for path in (*photos.iterdir(), *other.iterdir())] == ["thesis.txt"]


def test_cheap_mistakes_are_found_before_the_backend_starts(tmp_path: Path, run_cli: RunCli):
    script = (
        "import sys, pytest\n"
        "from gmae_tf.errors import UserError\n"
        "from gmae_tf.train import TrainConfig, train\n"
        "for options in ({'dataset': 'mnits'}, {'samples': 5}, {'dataset': sys.argv[1]}):\n"
        "    with pytest.raises(UserError):\n"
        "        train(TrainConfig(**options))\n"
        "assert not {'keras', 'tensorflow', 'jax', 'sklearn'} & set(sys.modules)\n"
    )
    done = run_cli("-c", script, tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.usefixtures("eager")
def test_the_reconstruction_weight_is_the_inverse_of_the_error(dataset: Path, tmp_path: Path):
    config = with_preset(
        TrainConfig(
            dataset=str(dataset),
            latent_dim=4,
            components=2,
            guide="none",
            target_mse=5e-3,
            plain_epochs=1,
        )
    )
    data = load(config)
    assert prepare(config, data, tmp_path) == (200, None)
    measured, groups = prepare(replace(config, target_mse="auto"), data, tmp_path)
    history = json.loads((tmp_path / "without-penalty" / "state.json").read_text())["history"]
    assert groups is None
    # Clipped below: so short a training leaves a large error.
    assert measured == max(100, 1 / history[0]["val_reconstruction"])


def test_the_guide_of_invariance_reaches_the_network(dataset: Path):
    given = {"dataset": str(dataset), "latent_dim": 4, "components": 2, "guide": "invariance"}
    config = with_preset(TrainConfig(**given, guide_share=0.5, guide_rest=0.1, epochs=1))
    method = build(config, load(config), 100.0).method
    assert isinstance(method, InvariantClusters)
    assert method.term_weights["invariance"] == 250
    assert (method.until, method.rest, method.warp.flip) == (0.5, 0.1, True)
    assert with_preset(TrainConfig(dataset="mnist")).warps == "digits"
    other = with_preset(TrainConfig(**given, model="vae"))
    assert (other.guide, other.guide_weight) == ("none", 0)


def test_presets():
    paper = with_preset(TrainConfig(dataset="celeba", size="paper"))
    assert (paper.latent_dim, paper.components, paper.epochs, paper.batch_size) == (
        64,
        20,
        100,
        100,
    )
    assert (paper.learning_rate, paper.beta_1, paper.schedule) == (2e-3, 0.5, "plateau")
    assert paper.mean_scale == 1
    assert paper.target_mse == 5e-4
    assert preset_of("mnist", "paper")["learning_rate"] == 2e-4
    mine = with_preset(TrainConfig(dataset="somewhere/photos", latent_dim=12, components=3))
    assert (mine.latent_dim, mine.components) == (12, 3)
    assert mine.out == Path("runs/photos")


def test_without_a_mixture_there_is_no_guide():
    plain = with_preset(TrainConfig(dataset="mnist", model="ae", components=50))
    assert plain.guide == "none"
    with pytest.raises(UserError, match="50 components"):
        with_preset(TrainConfig(dataset="mnist", components=50))
