"""Evaluation of a small model on images that are made here."""

from __future__ import annotations

import itertools
import json
import re
import shlex
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
from sklearn.metrics import normalized_mutual_info_score
from sklearn.neighbors import NearestNeighbors

from gmae_tf.errors import UserError
from gmae_tf.evaluate import (
    EvaluateConfig,
    Progress,
    command_line,
    evaluate_run,
    load_data,
    with_flag,
)
from gmae_tf.images.evaluation import numbers
from gmae_tf.images.evaluation.material import Material
from gmae_tf.images.evaluation.sets import (
    draw,
    image_sets,
    midpoints,
    nearest,
    percent_above,
    shuffled,
)
from gmae_tf.images.model import ImageAutoencoder
from gmae_tf.penalties import GaussianMixturePenalty
from gmae_tf.prior import GaussianMixture
from gmae_tf.utils.cli import parse_config

SIDE, CLASSES = 16, 3
FIGURES = {
    "samples", "samples_expost", "interpolations", "walk", "neighbours", "components",
    "confusion", "latent_pairs", "marginals", "reconstructions", "training_curves",
}  # fmt: skip


class PixelMeans:
    """Features without a network: means of 16 patches."""

    name, dim = "fd_patches", 16

    def __call__(self, images: np.ndarray) -> np.ndarray:
        patches = images.mean(axis=3).reshape(len(images), 4, SIDE // 4, 4, SIDE // 4)
        return patches.mean(axis=(2, 4)).reshape(len(images), 16) / 255


def make_images(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A bright band at one of three heights, over noise."""
    labels = rng.integers(0, CLASSES, n)
    images = rng.integers(0, 60, (n, SIDE, SIDE), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[5 * label : 5 * label + 4] += 190
    return images, labels


def make_run(folder: Path, *, labelled: bool = True, prior: GaussianMixture | None = None) -> Path:
    """A run folder as the training leaves it, with an untrained network."""
    import keras

    rng = np.random.default_rng(0)
    arrays = {}
    for name, n in (("train", 400), ("validation", 130), ("test", 120)):
        arrays[f"x_{name}"], labels = make_images(n, rng)
        if labelled:
            arrays[f"y_{name}"] = labels
    folder.mkdir(parents=True)
    np.savez(folder / "bands.npz", **arrays)
    keras.utils.set_random_seed(0)
    penalty = None if prior is None else GaussianMixturePenalty(prior, midpoint=True)
    model = ImageAutoencoder.build(SIDE, 1, 4, "small", penalty)
    config = {"dataset": str(folder / "bands.npz"), "batch_size": 20, "seed": 0}
    history = [{"reconstruction": 1 / i, "ks": 9 / i} for i in (1, 2, 3)]
    model.details = {"config": config, "history": history}
    model.save(folder / "run")
    record = {"kind": "gmae_tf.train", "starts": []}
    (folder / "run" / "environment.json").write_text(json.dumps(record))
    return folder / "run"


@pytest.fixture(scope="module")
def mixture_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    prior = GaussianMixture.one_hot(CLASSES, 4, 3.0)
    return make_run(tmp_path_factory.mktemp("evaluate") / "mixture", prior=prior)


@pytest.fixture(scope="module")
def results(mixture_run: Path) -> dict:
    with pytest.MonkeyPatch.context() as patch:
        target = "gmae_tf.images.features.extractors.make_extractor"
        patch.setattr(target, lambda *args: PixelMeans())
        return evaluate_run(mixture_run, EvaluateConfig(mixture_run, n=500))


@pytest.fixture(scope="module")
def material(mixture_run: Path) -> Material:
    model = ImageAutoencoder.load(mixture_run)
    return Material.collect(model, load_data(model.details, None), 110, 3)


def test_everything_is_written(results: dict, mixture_run: Path):
    assert json.loads((mixture_run / "evaluation.json").read_text()) == json.loads(
        json.dumps(results)
    )
    assert {path.stem for path in (mixture_run / "figures").glob("*.png")} == FIGURES
    page = (mixture_run / "report.html").read_text()
    for name in FIGURES:
        assert f'id="{name}"' in page
    assert "fd_patches" in page
    anchors = re.findall(r'\bid="([^"]+)"', page)
    assert len(set(anchors)) == len(anchors)


def test_sets_are_as_large_as_the_smallest_part_allows(results: dict):
    assert results["generation"]["n"] == 120
    assert {row["n"] for row in results["generation"]["rows"]} == {120}
    assert any("no more test images" in note for note in results["notes"])


def test_floor_and_ceilings_enclose_the_table(results: dict):
    rows = {row["name"]: row for row in results["generation"]["rows"]}
    assert list(rows)[:4] == ["prior samples", "ex-post mixture", "ex-post Gaussian", "ex-post KDE"]
    others = [row["frechet"] for name, row in rows.items() if name != "training images"]
    assert rows["training images"]["frechet"] < 0.1 * min(others)
    assert rows["training images"]["recall"] > 0.5 > rows["uniform noise"]["recall"]
    gap = rows["prior samples"]["frechet"] / rows["ex-post mixture"]["frechet"] - 1
    assert results["generation"]["prior_gap_percent"] == pytest.approx(100 * gap)


def test_clusters_are_the_most_likely_components(results: dict, mixture_run: Path):
    model = ImageAutoencoder.load(mixture_run)
    arrays = np.load(mixture_run.parent / "bands.npz")
    labels = arrays["y_test"]
    z = model.encode(arrays["x_test"][..., None])
    near = np.linalg.norm(z[:, None] - model.prior.means, axis=2).argmin(axis=1)
    best = max(
        np.mean(np.array(label_of)[near] == labels)
        for label_of in itertools.permutations(range(CLASSES))
    )
    found = results["clusters"]
    assert found["accuracy"] == pytest.approx(best)
    assert found["nmi"] == pytest.approx(normalized_mutual_info_score(labels, near))
    assert np.allclose(found["component_shares"], np.bincount(near, minlength=CLASSES) / 120)
    assert np.sum(found["confusion"]["counts"]) == 120
    trained = model.encode(arrays["x_train"][..., None])
    seen = np.linalg.norm(trained[:, None] - model.prior.means, axis=2).argmin(axis=1)
    majority = {
        k: np.bincount(arrays["y_train"][seen == k]).argmax() for k in range(3) if any(seen == k)
    }
    right = np.mean([majority.get(k, -1) == label for k, label in zip(near, labels, strict=True)])
    assert found["majority_accuracy"] == pytest.approx(right)


def test_reconstruction_error_is_that_of_the_pixels(results: dict, mixture_run: Path):
    model = ImageAutoencoder.load(mixture_run)
    images = np.load(mixture_run.parent / "bands.npz")["x_test"][..., None]
    gaps = [
        float(np.mean((a / 255 - b / 255) ** 2))
        for a, b in zip(images, model.reconstruct(images), strict=True)
    ]
    assert results["reconstruction"]["mse"] == pytest.approx(np.mean(gaps), rel=1e-5)
    psnr = np.mean([10 * np.log10(1 / gap) for gap in gaps])
    assert results["reconstruction"]["psnr"] == pytest.approx(psnr, rel=1e-5)


def test_terms_are_those_of_the_training(results: dict, mixture_run: Path):
    """With the training's batch size and target; untrained codes must be far from the prior."""
    from gmae_tf.metrics.latent import prior_terms

    model = ImageAutoencoder.load(mixture_run)
    z = model.encode(np.load(mixture_run.parent / "bands.npz")["x_test"][..., None])
    assert results["latent"]["batch_size"] == 20
    assert results["latent"]["terms"] == pytest.approx(
        prior_terms(z, model.prior, 20, midpoint=True), rel=1e-4
    )
    assert results["latent"]["terms"]["ks"] > 3
    assert results["latent"]["log_likelihood"]["prior"] == pytest.approx(
        model.prior.log_prob(z).mean(), rel=1e-4
    )


def test_the_sets_are_what_they_are_called(material: Material):
    made = {one.name: one.make() for one in image_sets(material)}
    shape = (110, SIDE, SIDE, 1)
    assert {name: images.shape for name, images in made.items()} == dict.fromkeys(made, shape)
    known = {image.tobytes() for image in material.data.train}
    assert {image.tobytes() for image in made["training images"]} <= known
    assert len({image.tobytes() for image in made["training images"]}) == 110
    again = {one.name: one.make() for one in image_sets(material)}
    assert all(np.array_equal(made[name], again[name]) for name in made)
    validation = {image.tobytes() for image in material.model.reconstruct(material.data.validation)}
    assert {image.tobytes() for image in made["reconstructions"]} <= validation


def test_midpoints_lie_between_two_different_codes(material: Material):
    codes = material.validation.codes.astype(np.float64)
    pairs = (codes[:, None] + codes[None]) / 2
    pairs[np.arange(len(codes)), np.arange(len(codes))] = np.inf
    for middle in midpoints(material)[:10]:
        assert np.abs(pairs - middle).max(axis=2).min() < 1e-6


def test_shuffling_moves_whole_pixels_within_an_image(rng: np.random.Generator):
    images = rng.integers(0, 256, (6, 5, 5, 3), dtype=np.uint8)
    moved = shuffled(images, rng)
    for before, after in zip(images, moved, strict=True):
        assert sorted(map(tuple, before.reshape(-1, 3))) == sorted(map(tuple, after.reshape(-1, 3)))
        assert not np.array_equal(before, after)


def test_draw_takes_no_image_twice(rng: np.random.Generator):
    images = np.arange(50, dtype=np.uint8)[:, None, None, None]
    taken = draw(images, 30, rng).ravel()
    assert len(set(taken)) == 30


def test_nearest_is_that_of_scikit_learn(rng: np.random.Generator):
    points, queries = rng.normal(size=(57, 6)), rng.normal(size=(4, 6))
    blocks = [points[:20], points[20:50], points[50:]]
    found = nearest(queries, blocks, 5)
    expected = NearestNeighbors(n_neighbors=5).fit(points).kneighbors(queries)[1]
    assert np.array_equal(found, expected)


def test_without_labels_classifier_and_prior(tmp_path: Path):
    run = make_run(tmp_path / "plain", labelled=False)
    found = evaluate_run(run, EvaluateConfig(run, n=100))
    assert found["clusters"] is None
    assert found["latent"]["terms"] is None
    assert found["generation"]["extractor"] is None
    assert "prior samples" not in {row["name"] for row in found["generation"]["rows"]}
    assert all(row["frechet"] is None for row in found["generation"]["rows"])
    assert any("pixels only" in note for note in found["notes"])
    assert "no labels" in (run / "report.html").read_text()
    drawn = {path.stem for path in (run / "figures").glob("*.png")}
    assert drawn == FIGURES - {"samples_expost", "confusion"}


def test_a_prior_without_components_is_clustered_afterwards(tmp_path: Path):
    run = make_run(tmp_path / "normal", prior=GaussianMixture.standard_normal(4))
    model = ImageAutoencoder.load(run)
    made = Material.collect(model, load_data(model.details, None), 100, 0)
    assert made.clusters.n_components == CLASSES
    found = numbers.clusters(made)
    assert found is not None
    assert "fitted to the training codes afterwards" in found["source"]
    # The bands are far apart even in an untrained encoder, so a mixture must find them.
    assert found["accuracy"] > 0.9


def test_few_images_are_not_compared(mixture_run: Path, tmp_path: Path, monkeypatch):
    model = ImageAutoencoder.load(mixture_run)
    arrays = dict(np.load(mixture_run.parent / "bands.npz"))
    arrays |= {"x_test": arrays["x_test"][:9], "y_test": arrays["y_test"][:9]}
    np.savez(tmp_path / "few.npz", **arrays)
    model.details["config"]["dataset"] = str(tmp_path / "few.npz")
    model.save(tmp_path)
    monkeypatch.setattr("gmae_tf.images.evaluation.pictures.pictures", lambda *args: iter(()))
    found = evaluate_run(tmp_path)
    assert found["generation"] is None
    assert any("only 9 test images" in note for note in found["notes"])


def test_mistakes_are_told_in_one_sentence(mixture_run: Path, tmp_path: Path):
    with pytest.raises(UserError, match="no run folder"):
        evaluate_run(tmp_path / "nowhere")
    with pytest.raises(UserError, match="at least 100"):
        evaluate_run(mixture_run, EvaluateConfig(mixture_run, n=99))
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(UserError, match="trained image model"):
        evaluate_run(other)
    (other / "environment.json").write_text('{"kind": "bayesopt.run"}')
    with pytest.raises(UserError, match=r"a run of bayesopt\.run"):
        evaluate_run(other)
    (other / "environment.json").write_text("{")
    with pytest.raises(UserError, match="damaged"):
        evaluate_run(other)


def test_damaged_models_and_lost_data(mixture_run: Path, tmp_path: Path):
    for name in ("model.json", "model.weights.h5"):
        (tmp_path / name).write_bytes((mixture_run / name).read_bytes())
    weights = bytearray((tmp_path / "model.weights.h5").read_bytes())
    weights[len(weights) // 2] ^= 255
    (tmp_path / "model.weights.h5").write_bytes(weights)
    with pytest.raises(UserError, match="damaged"):
        evaluate_run(tmp_path)
    model = ImageAutoencoder.load(mixture_run)
    model.details["config"]["dataset"] = str(tmp_path / "gone.npz")
    with pytest.raises(UserError, match=r"cannot be read again: .*gone\.npz"):
        load_data(model.details, None)


def test_a_named_classifier_must_exist(mixture_run: Path, tmp_path: Path):
    config = EvaluateConfig(mixture_run, n=100, classifier=tmp_path / "none")
    with pytest.raises(UserError, match="classifier"):
        evaluate_run(mixture_run, config)


def test_seconds_of_a_step_that_comes_twice_add_up():
    heard: list[str] = []
    step = Progress(heard.append)
    for name in ("a", "b", "a", ""):
        step(name)
    assert heard == ["a", "b", "a", ""]
    assert set(step.seconds) == {"a", "b"}


def test_the_command_line_repeats_the_evaluation():
    config = EvaluateConfig(Path("runs/my run"), n=500, classifier=Path("c"))
    arguments = shlex.split(command_line(config))[3:]
    again = parse_config(EvaluateConfig, prog="evaluate", argv=with_flag(arguments))
    assert again == config


def test_percent_above():
    assert percent_above(13.11, 12.82) == pytest.approx(2.262, abs=1e-3)
    assert percent_above(None, 1.0) is None
    assert percent_above(1.0, None) is None


def test_the_run_may_stand_first():
    assert with_flag(["runs/mnist", "--n", "200"]) == ["--run", "runs/mnist", "--n", "200"]
    assert with_flag(["--n", "200"]) == ["--n", "200"]
    assert with_flag([]) == []


def test_the_command_answers_at_once(run_cli, tmp_path: Path):
    start = perf_counter()
    shown = run_cli("-m", "gmae_tf.evaluate", "--help")
    assert shown.returncode == 0
    assert "--classifier" in shown.stdout
    failed = run_cli("-m", "gmae_tf.evaluate", tmp_path / "nowhere")
    assert failed.returncode == 2
    assert "no run folder" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert perf_counter() - start < 30
