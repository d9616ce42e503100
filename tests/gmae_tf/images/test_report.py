"""The page and the tables of an evaluation."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from rich.console import Console

from gmae_tf.images.evaluation.tables import SECTIONS, number, percent, sentences, tables
from gmae_tf.images.figures import image_grid
from gmae_tf.images.report import print_results, render, write_page
from gmae_tf.utils.html import png_size
from gmae_tf.utils.plotting import Picture, png

NASTY = "<script>x</script> & [red]"
VOID = {"meta", "img", "br", "hr", "link", "input"}


def make_results(**changes: Any) -> dict[str, Any]:
    row = {
        "n": 500, "what": "decoded", "kind": "model", "sliced_wasserstein": 0.0123,
        "frechet": 13.114, "kernel": 0.00342, "kernel_std": 0.001, "f8": 0.91, "f1_8": 0.92,
        "precision": 0.81, "recall": 0.82,
    }  # fmt: skip
    rows = [
        {**row, "name": "prior samples"},
        {**row, "name": "ex-post mixture", "frechet": 12.82},
        {**row, "name": "uniform noise", "kind": "anchor", "frechet": 1610.4},
    ]
    results = {
        "run": "toy",
        "model": {"words": "Autoencoder", "size": "small", "parameters": 12345, "prior": None},
        "data": {
            "name": NASTY, "source": f"From {NASTY}.", "train": 1000, "validation": 100,
            "test": 100, "side": 32, "channels": 1, "class_names": ["a", "b"],
        },
        "seed": 0,
        "command": "python -m gmae_tf.evaluate runs/toy",
        "options": {"dataset": NASTY, "side": None},
        "environment": {"python": "3.11"},
        "seconds": {"encoding": 1.0},
        "generation": {
            "reference": "test images", "n": 500, "rows": rows, "prior_gap_percent": 2.29,
            "extractor": {"name": "fd_clf[toy-abc123]", "dim": 128, "test_accuracy": 0.9912},
        },
        "clusters": {
            "source": "the 2 components of the prior", "components": 2, "images": 100,
            "accuracy": 0.873, "majority_accuracy": 0.874, "nmi": 0.7351, "map": 0.75,
            "map_definition": "macro average precision", "confidence": 0.97,
            "component_shares": [0.4, 0.6],
        },
        "latent": {
            "latent_dim": 10, "images": 100, "batch_size": 100,
            "terms": {"ks": 1.02, "covariance": 0.98, "sliced": 1.1},
            "independence": {
                "active": 9, "correlation": 0.0213, "covariance": 0.02, "correlation_gap": 0.01,
                "covariance_gap": 0.011, "floor": 0.008,
            },
            "log_likelihood": {"mixture": -14.2, "gaussian": -15.0, "kde": -14.5, "prior": -15.1},
        },
        "reconstruction": {"images": 100, "mse": 0.00431, "psnr": 23.66},
        "notes": ["One thing to know."],
    }  # fmt: skip
    return {**results, **changes}


@pytest.fixture
def picture() -> Picture:
    cells = np.random.default_rng(0).integers(0, 256, (2, 3, 16, 16, 1), dtype=np.uint8)
    return Picture("generation", "samples", "Samples", "Decoded.", png(image_grid(cells)))


class Checker(HTMLParser):
    """Every tag that opens closes; collects ids, images, links and text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def parsed(page: str) -> Checker:
    checker = Checker()
    checker.feed(page)
    assert not checker.open
    assert len(set(checker.ids)) == len(checker.ids)
    return checker


def test_the_page_is_whole_and_needs_nothing_else(picture: Picture):
    checker = parsed(render(make_results(), [picture]))
    assert not {tag for tag, _ in checker.tags} & {"script", "link", "a", "iframe"}
    (image,) = [attrs for tag, attrs in checker.tags if tag == "img"]
    kind, data = image["src"].split(",", 1)
    assert kind == "data:image/png;base64"
    assert base64.b64decode(data) == picture.png
    assert NASTY in checker.text  # escaped in the source, plain to the reader
    assert {"generation-table", "clusters-table", "terms-table", "samples"} <= set(checker.ids)
    policy = next(a["content"] for t, a in checker.tags if a.get("http-equiv"))
    assert policy.startswith("default-src 'none'")


def test_the_page_says_what_its_numbers_are(picture: Picture):
    text = " ".join(parsed(render(make_results(), [picture])).text.split())
    for words in (
        "fd_clf[toy-abc123]", "99.1 % of its test images", "It is not FID", "500 images",
        "13.11", "12.82", "1,610", "87.3 %", "2.3 % above", "8 bits", "One thing to know.",
        "nearest of 256 levels", "mean of a mixture is not 0",
    ):  # fmt: skip
        assert words in text


def test_what_is_not_there_is_left_out():
    results = make_results(clusters=None, generation=None)
    results["latent"]["terms"] = None
    checker = parsed(render(results, []))
    assert "generation" not in checker.ids
    assert "clusters" not in checker.ids
    assert "terms-table" not in checker.ids
    assert tables(results)["generation"] == []


def test_a_guided_training_is_named():
    assert not any("guided" in text for text in sentences(make_results())["clusters"])
    for guide in ("neighbours", "invariance"):
        guided = make_results(options={"guide": guide})
        assert any(f"--guide {guide}" in text for text in sentences(guided)["clusters"])


def test_without_an_extractor_only_pixels_are_compared():
    results = make_results()
    results["generation"] |= {"extractor": None, "prior_gap_percent": None}
    (table,) = tables(results)["generation"]
    assert [" ".join(c.split()) for c in table.columns] == ["images", "sliced W2 ↓"]
    assert len(sentences(results)["generation"]) == 2


def test_tables_have_a_cell_for_each_column():
    for section, made in tables(make_results()).items():
        assert section in SECTIONS
        for table in made:
            for row in table.rows:
                assert len(row.cells) == (len(table.columns) or 2)


def test_the_terminal_shows_every_row_and_note():
    out = io.StringIO()
    print_results(make_results(), Console(file=out, width=80))
    shown = out.getvalue()
    assert "…" not in shown
    shown = shown.replace("\u00a0", " ")
    for words in ("prior samples", "13.11", "87.3 %", "−14.200", "One thing to know."):
        assert words in shown


def test_write_page(tmp_path, picture: Picture):
    path = write_page(make_results(), [picture], tmp_path / "report.html")
    assert path.read_text().startswith("<!doctype html>")


def test_png_size_is_that_of_pillow(picture: Picture):
    assert png_size(picture.png) == Image.open(io.BytesIO(picture.png)).size


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (13.114, "13.11"), (1610.44, "1,610"), (0.003421, "0.003421"), (0.0, "0"), (None, "–"),
        (-2.5, "−2.500"), (1.0, "1.000"), (84.999, "85.00"), (1e-12, "0.00000000"),
    ],
)  # fmt: skip
def test_numbers(value, shown):
    assert number(value) == shown


@settings(deadline=None)
@given(st.floats(1e-4, 1e6))
def test_numbers_keep_four_digits(value):
    shown = number(value)
    assert re.fullmatch(r"[\d,]+(\.\d+)?", shown)
    assert float(shown.replace(",", "")) == pytest.approx(value, rel=6e-4)


@pytest.mark.parametrize(
    ("share", "shown"), [(0.99999, "99.9"), (1.0, "100"), (0.0, "0"), (0.8553, "85.5")]
)
def test_percent_never_rounds_to_all(share, shown):
    assert percent(share) == f"{shown}\u00a0%"
