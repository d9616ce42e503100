"""The terminal tables, the JSON file and the HTML page of a report."""

from __future__ import annotations

import base64
import io
import json
import math
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from rich.console import Console

from bayesopt.report import figures
from bayesopt.report.page import comparison, percent, print_report, write_report
from bayesopt.report.summary import PublishedRow, SearchRecord, results_json
from bayesopt.storage import SurrogateFit, Trial
from gmae_tf.errors import UserError
from gmae_tf.utils.plotting import panels

WORST = math.log(1001)
NASTY = "x<b>1</b>&[red]$x_1^{$"


def make_trials(strategy: str, seeds: int, n: int = 20, *, predict: bool = True) -> list[Trial]:
    rng = np.random.default_rng(0)
    trials = []
    for seed in range(seeds):
        for i in range(n):
            valid, code, score = rng.random() > 0.2, rng.normal(size=4), float(rng.uniform(0.02, 5))
            mean, sd = (score + rng.normal(), 1.0) if predict else (None, None)
            string = f"x+{seed}+{i}" if valid else None
            score = score if valid else WORST
            batch = i // 5 + 1
            trials.append(
                Trial(strategy, seed, batch, i + 1, string, score, False, code, code, mean, sd)
            )
    return trials


@pytest.fixture
def full() -> SearchRecord:
    """Three seeds, two baselines, held-out predictions, a training sample and published rows."""
    rng = np.random.default_rng(1)
    truth = rng.uniform(0, 6, 500)
    fits = tuple(
        SurrogateFit(s, 0.8 + 0.01 * s, -1.2, truth, truth + rng.normal(size=500), np.ones(500))
        for s in range(3)
    )
    trials = make_trials("ei", 3)
    trials[3] = replace(trials[3], string=NASTY, score=0.0, in_training_data=True)
    names = ("random", "prior")
    return SearchRecord(
        task="expr",
        objective="log(1 + MSE) <against> the target",
        strategy="ei",
        trials=tuple(trials),
        fits=fits,
        baselines={name: tuple(make_trials(name, 2, predict=False)) for name in names},
        training_codes=rng.normal(size=(200, 4)),
        training_scores=rng.uniform(0, 6, 200),
        worst_score=WORST,
        known_rows=(
            PublishedRow("GVAE", {"rmse": 0.884, "top": ("0.04", "0.10", "0.37")}, "Kusner 2017"),
            PublishedRow("other", {"oracle_calls": 500.0}, "somebody"),
        ),
        config={"budget": 20, "nested": {"a": [1, 2]}},
        versions={"numpy": np.__version__},
        notes=("A note <with> markup [bold].",),
        data_protocol="Everything is visible.",
        command="python -m bayesopt.run --task expr",
    )


@pytest.fixture
def empty(full: SearchRecord) -> SearchRecord:
    """What a budget of zero leaves: no trials, no fits, no training sample."""
    codes, scores = np.zeros((0, 4)), np.zeros(0)
    return replace(
        full, trials=(), fits=(), baselines={}, training_codes=codes, training_scores=scores
    )


def printed(record: SearchRecord, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    print_report(record, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


class Page(HTMLParser):
    """Collects the text, the tags, and every address that a browser would load."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loads: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [value or "" for name, value in attrs if name in ("src", "href", "srcset")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_page_is_self_contained_and_escapes_what_was_found(
    full: SearchRecord, tmp_path: Path
) -> None:
    x = np.linspace(-1, 1, 50)
    fits = figures.top_fits(x, x**2, {NASTY: x**2}, {NASTY: 0.0})
    assert fits is not None
    html = write_report(full, tmp_path, [fits]).read_text()
    page = Page(html)
    assert page.text.count(NASTY) == 2  # headline and table
    assert "x<b>1" not in html
    assert page.tags.count("img") == 5
    assert all(address.startswith("data:image/") for address in page.loads)
    assert not {"script", "link", "iframe"} & set(page.tags)
    assert "url(" not in html
    assert "@import" not in html
    assert "python -m bayesopt.run --task expr" in page.text
    assert "log(1 + MSE) <against> the target" in page.text


def test_pictures_are_well_formed_svg(full: SearchRecord) -> None:
    plots = figures.standard_plots(full)
    assert len(plots) == 4
    for plot in plots:
        kind, data = plot.image.split(",", 1)
        assert kind == "data:image/svg+xml;base64"
        assert ElementTree.fromstring(base64.b64decode(data)).tag.endswith("svg")
        assert plot.title
        assert plot.caption.endswith(".")


def test_same_record_gives_the_same_page(full: SearchRecord, tmp_path: Path) -> None:
    first = write_report(full, tmp_path / "a").read_bytes()
    assert write_report(full, tmp_path / "b").read_bytes() == first


def test_json_file_holds_the_results(full: SearchRecord, tmp_path: Path) -> None:
    write_report(full, tmp_path)
    assert json.loads((tmp_path / "results.json").read_text()) == results_json(full)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "results.json"]


def test_terminal_shows_numbers_and_leaves_markup_alone(full: SearchRecord) -> None:
    text = printed(full, width=140)
    assert NASTY in text
    assert "0.810 ± 0.006" in text  # the mean and standard error of 0.80, 0.81, 0.82
    assert "A note <with> markup [bold]." in text
    for name in ("random", "prior", "GVAE", "0.10", "0.884"):
        assert name in text


def test_comparison_puts_equal_quantities_in_equal_columns(full: SearchRecord) -> None:
    columns, rows = comparison(full, results_json(full))
    assert [row.method for row in rows] == ["this search (ei)", "random", "prior", "GVAE", "other"]
    assert columns[-1] == "oracle calls"
    rmse = columns.index("GP\nRMSE")
    assert [row.cells[rmse].value for row in rows] == ["0.810", "–", "–", "0.884", "–"]
    assert rows[0].cells[rmse].error == "± 0.006"
    assert rows[0].cells[columns.index("evaluations")].value == "3 × 20"
    assert rows[3].cells[0].value == "0.04\n0.10\n0.37"


def test_nothing_evaluated(empty: SearchRecord, tmp_path: Path) -> None:
    html = write_report(empty, tmp_path).read_text()
    assert "Nothing was evaluated yet" in html
    assert "<img" not in html
    assert "Nothing was evaluated." in printed(empty)
    assert figures.standard_plots(empty) == []


def test_all_invalid(empty: SearchRecord, tmp_path: Path) -> None:
    invalid = [replace(t, string=None, score=WORST) for t in make_trials("ei", 2)]
    record = replace(empty, trials=tuple(invalid))
    assert "Nothing valid was found" in write_report(record, tmp_path).read_text()
    assert "0 % of the proposals" in printed(record)


def test_one_seed_without_baselines_or_predictions(empty: SearchRecord, tmp_path: Path) -> None:
    record = replace(empty, trials=tuple(make_trials("random", 1, predict=False)))
    html = write_report(record, tmp_path).read_text()
    assert Page(html).tags.count("img") == 1  # the trace; nothing was predicted
    assert "±" not in html.split("<tbody>")[2].split("</tbody>")[0]


def test_maximised_objectives_with_negative_scores_are_drawn(empty: SearchRecord) -> None:
    trials = [replace(t, score=-3.0 if t.string else 5.0) for t in make_trials("ei", 2)]
    plot = figures.score_trace(replace(empty, trials=tuple(trials), worst_score=5.0))
    assert plot is not None
    assert "logarithmic" not in plot.caption


@pytest.mark.parametrize("batches", [1, 4, 40])
def test_calibration_fits_any_number_of_batches(empty: SearchRecord, batches: int) -> None:
    trials = [replace(t, batch=i % batches + 1) for i, t in enumerate(make_trials("ei", 2))]
    assert figures.calibration_by_batch(replace(empty, trials=tuple(trials))) is not None


def test_score_axis_shows_zero_below_the_logarithmic_part() -> None:
    _, (axes,) = panels(1, 1, height=2)
    assert figures.score_axis(axes, np.array([0.0, 0.0274, 0.5, 6.9]))
    ticks = axes.get_yticks()
    heights = axes.transData.transform(np.column_stack([np.ones_like(ticks), ticks]))[:, 1]
    assert ticks[0] == 0
    assert axes.get_ylim()[0] < 0
    assert np.all(np.diff(heights) > 5)  # pixels: 0 stands apart, no two labels collide
    assert not figures.score_axis(axes, np.array([1.0, 2.0]))


def test_top_fits_survive_constants_and_gaps() -> None:
    x = np.linspace(-1, 1, 20)
    predictions = {"3": np.array(3.0), "1/x": np.where(np.arange(20) == 3, np.inf, x)}
    assert figures.top_fits(x, x, predictions, {}) is not None
    assert figures.top_fits(x, x, {}, {}) is None


def test_unwritable_folder_is_one_sentence(full: SearchRecord, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="file"):
        write_report(full, tmp_path / "file" / "below")


@pytest.mark.parametrize(
    ("share", "text"), [(None, "–"), (1.0, "100 %"), (0.9996, "99.9 %"), (0.5, "50.0 %")]
)
def test_percent(share: float | None, text: str) -> None:
    assert percent(share) == text


def test_page_of_a_maximised_score_speaks_of_it(full: SearchRecord, tmp_path: Path) -> None:
    record = replace(full, maximize=True, score_name="penalised logP", noun="molecule")
    text = Page(write_report(record, tmp_path).read_text()).text
    assert "penalised logP, higher is better" in text
    assert "lower is better" not in text
    assert "Best molecules" in text
    assert "-6.9088" in text  # the worst score, log 1001, is shown as its negative
    trace = figures.score_trace(record)
    assert trace is not None
    assert "higher and the further left a line rises" in trace.caption
    assert "logarithmic" not in trace.caption
    assert "penalised logP" in printed(record, width=140)
