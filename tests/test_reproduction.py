"""docs/reproduction.md says what the result files and the papers say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from experiments.tables import (
    image_tables,
    markdown,
    order_tables,
    pages,
    reproduction,
    string_tables,
)
from gmae_tf.images.options import preset_of
from gmae_tf.prior import GaussianMixture

DOCS = Path(__file__).parent.parent / "docs"


def row(scale, seed=0, guide="none", sliced=0.0, **values):
    known = {"accuracy": 0.6, "nmi": 0.5, "mse": 0.01, "fd_ex_post": 20.0}
    known |= {"fd_reconstruction": 15.0, "features": "fd_clf[mnist-abc]"}
    if scale is not None:
        known["fd_prior"] = 30.0
    return {"guide": guide, "scale": scale, "sliced": sliced, "seed": seed, **known, **values}


def write_study(folder, name, rows):
    options = {"size": "small", "epochs": 8, "learning_rate": 1e-3, "schedule": "cosine"}
    content = {
        "settings": {"samples": 5000},
        "options": {**options, "target_mse": 5e-4},
        "training_images": 20_000,
        "machine": {"devices": ["CPU:0"]},
        "results": rows,
    }
    (folder / f"{name}.json").write_text(json.dumps(content))


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A folder of result files of images and benchmarks, empty at first; others are beside."""
    folder = tmp_path / "images"
    folder.mkdir()
    monkeypatch.setattr(markdown, "RESULTS", tmp_path)
    monkeypatch.setattr(markdown, "BENCHMARKS", folder)
    return folder


def preset_row(seed, dataset="mnist", **values):
    options = preset_of(dataset, "small")
    return row(options["mean_scale"], seed, options["guide"], **values)


def cells(lines, start):
    """Cells of the only line whose first cell starts so."""
    (line,) = (line for line in lines if line.startswith(f"| {start}"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_without_result_files_every_table_says_so(results):
    needed = {"headline", "tables", "molecules", "discrete", "space"}  # of models and searches
    for name in pages.BLOCKS.keys() - needed - {"fid", "recovery"}:
        assert "not measured" in "\n".join(pages.BLOCKS[name]()).lower(), name


def test_a_changed_result_changes_the_page(results):
    page = DOCS / "images.md"
    write_study(results, "final_mnist", [row(None), preset_row(0, accuracy=0.9)])
    before = pages.page_with_tables(page)
    write_study(results, "final_mnist", [row(None), preset_row(0, accuracy=0.91)])
    after = pages.page_with_tables(page)
    assert "90.00 %" in before
    assert "90.00 %" not in after
    assert "91.00 %" in after


def test_means_and_deviations_over_seeds(results):
    rows = [row(None), preset_row(0, accuracy=0.9, nmi=0.7), preset_row(1, accuracy=0.8, nmi=0.8)]
    write_study(results, "final_mnist", rows)
    found = cells(reproduction.bar_table(), "MNIST: clustering accuracy")
    assert found[1] == "85.00 ± 7.07 %"
    assert found[2] == "**no**"  # the papers have 85.53 %
    found = cells(reproduction.bar_table(), "MNIST: NMI")
    assert found[1:3] == ["0.750 ± 0.071", "yes"]


@pytest.mark.parametrize(
    ("prior", "ex_post", "plain", "gap", "near", "below"),
    [
        (20.9, 20.0, 21.0, "4.5 %", "yes", "yes"),
        (21.1, 20.0, 22.0, "5.5 %", "**no**", "yes"),
        (18.0, 20.0, 19.0, "-10.0 %", "yes", "**no**"),
    ],
)
def test_bars_of_distances(results, prior, ex_post, plain, gap, near, below):
    rows = [row(None, fd_ex_post=plain), preset_row(0, fd_prior=prior, fd_ex_post=ex_post)]
    write_study(results, "final_mnist", rows)
    found = cells(reproduction.bar_table(), "MNIST: prior samples at most")
    assert found[1:3] == [gap, near]
    assert cells(reproduction.bar_table(), "MNIST: both below")[2] == below


def test_the_published_loss_stands_beside_the_preset(results):
    write_study(results, "final_mnist", [row(None), preset_row(0, accuracy=0.9)])
    write_study(results, "study_mnist", [row(1.0, accuracy=0.34), row(2.0, accuracy=0.5)])
    assert cells(reproduction.bar_table(), "MNIST: clustering accuracy")[3] == "34.00 %"


def test_orders_compare_with_the_papers(results):
    guided = preset_row(0, "fashion_mnist", fd_prior=30.0, fd_ex_post=20.0)
    fashion = [row(None, fd_ex_post=19.0), guided]
    write_study(results, "final_fashion_mnist", fashion)
    lines = reproduction.order_table()
    start = "Fashion-MNIST | "
    assert cells(lines, f"{start}ex-post mixture below prior")[2:] == [
        "26.62 < 33.70", "20.00 < 30.00", "yes",
    ]  # fmt: skip
    assert cells(lines, f"{start}prior samples below")[2:] == [
        "33.70 ≥ 29.59", "30.00 ≥ 19.00", "yes",
    ]  # fmt: skip
    assert cells(lines, f"{start}ex-post mixture below the")[4] == "**no**"
    assert cells(lines, f"{start}interpolations")[4] == "not measured"


def test_study_has_a_column_for_every_loss(results):
    rows = [row(None), row(6.0, accuracy=0.1), row(6.0, sliced=1.0, accuracy=0.2)]
    rows += [row(6.0, guide="neighbours", accuracy=0.3), row(3.0, accuracy=0.4)]
    write_study(results, "study_mnist", rows)
    lines = [line for line in image_tables.study_table() if " %, " in line]
    assert cells(lines, "6 ") == [
        "6", "10.00 %, 0.500", "20.00 %, 0.500", "30.00 %, 0.500", "not measured",
    ]  # fmt: skip
    assert cells(lines, "3 ")[1:3] == ["40.00 %, 0.500", "not measured"]
    assert cells(lines, "no penalty")[1] == "60.00 %, 0.500"


def test_speed_is_relative_to_pytorch(results):
    frameworks = {
        "tensorflow": {"step_ms": 50.0, "images_per_second": 2000.0, "ratio": 1.25},
        "torch": {"step_ms": 62.5, "images_per_second": 1600.0, "ratio": 1.0},
    }
    for found in frameworks.values():
        found |= {"cpu_ratio": 1.1, "device": "cpu"}
    content = {"size": "paper", "batch_size": 100, "frameworks": frameworks, "machine": "here"}
    (results / "image_step_cpu.json").write_text(json.dumps(content))
    line = image_tables.speed_table()[2]
    assert "| tensorflow | 50.0 | 2,000 | 1.25 | 1.10 | here |" in line


@pytest.mark.parametrize(("scale", "components"), [(1.0, 10), (3.0, 10), (1.0, 20)])
def test_recovery_is_that_of_samples(scale, components, rng):
    """Beside a simulation by Bayes' rule; 34.1 % with the published prior."""
    n = 20_000
    own = rng.integers(components, size=n)
    prior = GaussianMixture.one_hot(components, components, scale)
    z = prior.means[own] + rng.standard_normal((n, components))
    share = np.mean(prior.responsibilities(z).argmax(axis=1) == own)
    assert image_tables.recovery(scale, components) == pytest.approx(share, abs=0.012)


def test_published_numbers_agree_with_each_other():
    """The slides and the appendix print the same means."""
    fid, bars = reproduction.PAPERS["fid"], reproduction.PAPERS["error_bars"]
    for data in ("fashion_mnist", "svhn", "celeba"):
        for kind in ("samples", "ex-post mixture"):
            assert fid[data]["GMAE"][fid["columns"].index(kind)] == bars[data][kind][0]
        assert all(len(values) == len(fid["columns"]) for values in fid[data].values())


def test_evaluation_names_model_features_and_missing_measures(results):
    sets = [{"name": "prior samples", "frechet": 12.34, "sliced_wasserstein": 0.05, "kernel": None}]
    features = {"name": "fd_clf[mnist-abc]", "dim": 128, "test_accuracy": 0.99}
    terms = {"ks": 1.25, "covariance": 1.5}
    content = {
        "options": {
            "size": "small", "epochs": 10, "seed": 3, "guide": "neighbours",
            "sliced_weight": 0.0, "mean_scale": 4.0,
        },
        "data": {"train": 50_000},
        "generation": {"n": 10_000, "extractor": features, "rows": sets},
        "latent": {"terms": terms, "independence": {"correlation": 0.05, "floor": 0.008}},
        "reconstruction": {"mse": 0.01, "psnr": 20.0},
        "clusters": {"accuracy": 0.7, "nmi": 0.6, "map": 0.65},
    }  # fmt: skip
    (results / "evaluation_mnist.json").write_text(json.dumps(content))
    lines = image_tables.evaluation_table()
    assert lines[0].startswith("MNIST: guided, scale 4, small network, 50,000 training images")
    assert (
        "`fd_clf[mnist-abc]`, 128 dimensions, of a classifier with test accuracy 0.99" in lines[0]
    )
    assert "ks 1.25, covariance 1.50" in lines[0]
    assert cells(lines, "prior samples")[1:3] == ["12.3", "–"]
    assert lines[-1] == "Fashion-MNIST: not measured."
    found = cells(reproduction.cluster_table(), "the evaluated model")
    assert found[1:] == ["70.00 %", "0.600", "0.650", *["not measured"] * 3]


def test_ablation_shows_each_term_and_empty_components(results):
    rows = [
        {
            "terms": "ks", "epoch": 30, "ks": 1.5, "covariance": 190.0, "sliced": 12.0,
            "share": [1.0, 0.0], "distance": [2.5, None], "accuracy": 0.55,
        },
    ]  # fmt: skip
    (results / "ablation.json").write_text(json.dumps({"results": rows}))
    found = cells(image_tables.ablation_table(), "KS alone")
    assert found[1:] == ["30", "1.50", "190.00", "12.00", "100 %, 0 %", "2.50, –", "55.0 %"]


def compare_row(model, **values):
    return {"model": model, "seed": 0, "fd_ex_post": 50.0, **values}


def test_orders_of_models_count_pairs_and_name_reversals(results):
    rows = [
        compare_row("vae", fd_prior=200.0),
        compare_row("wae-mmd", fd_prior=250.0),
        compare_row("2s-vae", fd_prior=220.0),
        compare_row("ae"),
    ]
    (results / "compare_mnist.json").write_text(json.dumps({"results": rows}))
    lines = order_tables.order_tables(reproduction.PAPERS)
    # Published: 2-Stage VAE 12.6, VAE 52.0, WAE-MMD 115.0.
    assert (
        "- MNIST; here MNIST, samples: 2 of 3 pairs of models in the same order (Kendall's tau "
        "0.33, p 1.00); the reverse here: 2-Stage VAE before VAE (fixed variance)." in lines
    )
    found = cells(lines, "VAE (fixed variance)")
    assert found == ["VAE (fixed variance)", "52", "84.6", "160.5", "55.9", "200.0", "–"]
    # A model without a prior is judged by its mixture.
    assert cells(lines, "AE, mixture")[-1] == "50.0"
    assert "- samples; here Fashion-MNIST, samples: not measured." in lines


def test_a_mixture_stands_beside_the_samples_of_the_same_model(results):
    rows = [compare_row("injflow", fd_prior=70.0, fd_reconstruction=30.0)]
    (results / "compare_mnist.json").write_text(json.dumps({"results": rows}))
    lines = order_tables.order_tables(reproduction.PAPERS)
    assert cells(lines, "InjFlow |")[-2:] == ["30.0", "70.0"]
    assert cells(lines, "InjFlow, mixture")[-2:] == ["30.0", "50.0"]


def test_larger_is_better_for_precision(results):
    rows = [compare_row("vae", precision=0.6), compare_row("flexae", precision=0.9)]
    (results / "compare_mnist.json").write_text(json.dumps({"results": rows}))
    lines = order_tables.order_tables(reproduction.PAPERS)
    assert (
        "- MNIST precision; here MNIST, precision: 1 of 1 pairs of models in the same order."
        in (lines)
    )


def test_strings_stand_beside_random_draws_and_the_papers(results):
    def one(model, seed, rmse, top):
        draws = {"best": 0.5, "top": [{"string": "x", "score": 0.5}]}
        return {
            "model": model, "seed": seed, "rmse": rmse, "log_likelihood": -1.0,
            "best": top, "top": [{"string": f"{model}{seed}", "score": top}],
            "baselines": {"random": draws},
        }  # fmt: skip

    rows = [one("gvae", 0, 1.0, 0.2), one("gvae", 1, 1.2, 0.1), one("gmae", 0, 0.7, 0.0)]
    settings = {"epochs": 5, "latent_dim": 25, "budget": 250, "samples": 1000}
    draws = [{"model": "random", "seed": 0, **rows[0]["baselines"]["random"]}]
    content = {"settings": settings, "strings": 100, "results": rows, "random": draws}
    expressions = results.parent / "expressions"
    expressions.mkdir()
    (expressions / "compare.json").write_text(json.dumps(content))
    lines = string_tables.string_table("expressions")
    assert lines[0].startswith("100 expressions, 5 epochs, 25 latent dimensions, seeds 0, 1")
    assert cells(lines, "GP test RMSE")[1:] == ["1.100 ± 0.141 (2)", "0.700 (1)", "–"]
    assert cells(lines, "best three")[1:] == ["0.10, 0.20", "0.00", "0.50"]
    (found,) = (row for row in string_tables.reproduction_rows() if row[0].startswith("GVAE"))
    assert found[1:4] == ["-1.000 ± 0.000", "1.100 ± 0.141", "0.10, 0.20"]
    assert set(found[4:]) == {"–"}
