"""The terminal tables, the JSON file and the HTML page of a report."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from bayesopt.report import figures
from bayesopt.report.page import comparison, percent, print_report, search_tables, write_report
from bayesopt.report.summary import SearchRecord, results_json
from bayesopt.storage import SurrogateFit, Trial
from bayesopt.tasks.base import PublishedRow
from gmae_tf.errors import UserError
from gmae_tf.utils.plotting import Picture, panels
from tests.bayesopt.report.records import BATCH, WORST, WordsOnly, record_of

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


def task_of(**changes) -> WordsOnly:
    """A task with a training sample and published rows."""
    rng = np.random.default_rng(1)
    rows = (
        PublishedRow("GVAE", {"rmse": 0.884, "top": ("0.04", "0.10", "0.37")}, "Kusner 2017"),
        PublishedRow("other", {"oracle_calls": 500.0}, "somebody"),
    )
    known = (rng.normal(size=(200, 4)), rng.uniform(0, 6, 200))
    return WordsOnly(**{"published": rows, "known": known, **changes})


def full_record(task: WordsOnly) -> SearchRecord:
    """Three seeds, two baselines, held-out predictions."""
    rng = np.random.default_rng(1)
    truth = rng.uniform(0, 6, 500)
    fits = tuple(
        SurrogateFit(s, 0.8 + 0.01 * s, -1.2, truth, truth + rng.normal(size=500), np.ones(500))
        for s in range(3)
    )
    trials = make_trials("ei", 3)
    trials[3] = replace(trials[3], string=NASTY, score=0.0, in_training_data=True)
    names = ("random", "prior")
    return record_of(
        trials,
        task=task,
        fits=fits,
        baselines={name: make_trials(name, 2, predict=False) for name in names},
        config={"budget": 20, "nested": {"a": [1, 2]}},
        versions={"numpy": np.__version__},
        notes=("A note <with> markup [bold].",),
        command="python -m bayesopt.run --task expr",
    )


@pytest.fixture(scope="module")
def full() -> SearchRecord:
    return full_record(task_of())


@pytest.fixture(scope="module")
def drawn(full) -> list[Picture]:
    """The pictures of `full`, which take longer than all else."""
    return figures.standard_pictures(full)


def page_of(record: SearchRecord, folder: Path, drawn: list[Picture] | None = None) -> str:
    """The page with the pictures of every task."""
    pictures = figures.standard_pictures(record) if drawn is None else drawn
    return write_report(results_json(record), folder, pictures).read_text()


def printed(record: SearchRecord, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    print_report(results_json(record), console)
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


def test_page_is_self_contained_and_escapes_what_was_found(full, drawn, tmp_path):
    html = page_of(full, tmp_path, drawn)
    page = Page(html)
    assert page.text.count(NASTY) == 2  # headline and table
    assert "x<b>1" not in html
    assert page.tags.count("img") == 4
    assert all(address.startswith("data:image/png") for address in page.loads)
    assert not {"script", "link", "iframe"} & set(page.tags)
    assert "url(" not in html
    assert "@import" not in html
    assert "python -m bayesopt.run --task expr" in page.text
    assert "log(1 + MSE) <against> the target" in page.text


def test_pictures_have_words(drawn):
    assert [p.name for p in drawn] == ["trace", "held-out", "map", "calibration"]
    for picture in drawn:
        assert picture.png.startswith(b"\x89PNG")
        assert picture.title
        assert picture.caption.endswith(".")


def test_same_record_gives_the_same_page(full, drawn, tmp_path):
    assert page_of(full, tmp_path / "a", drawn) == page_of(full, tmp_path / "b")


def test_json_file_holds_the_results(full, drawn, tmp_path):
    page_of(full, tmp_path, drawn)
    assert json.loads((tmp_path / "results.json").read_text()) == results_json(full)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "results.json"]


def test_terminal_shows_numbers_and_leaves_markup_alone(full):
    text = printed(full, width=140)
    assert NASTY in text
    assert "0.810 ± 0.006" in text  # the mean and standard error of 0.80, 0.81, 0.82
    assert "A note <with> markup [bold]." in text
    for name in ("random", "prior", "GVAE", "0.10", "0.884"):
        assert name in text


def test_the_search_itself_is_told_on_the_page_and_on_the_terminal(tmp_path):
    trials = [replace(t, source="latent") for t in make_trials("ei", 1)]
    record = record_of(trials, batches=[BATCH, {**BATCH, "kernel": {"atoms": 0.8}}])
    tables = search_tables(results_json(record))
    assert list(tables) == ["Sources", "Kernels", "Chains"]
    assert tables["Sources"].to_numpy().tolist() == [["latent", "100 %", "100 %"]]
    assert tables["Kernels"].to_numpy().tolist() == [
        ["atoms", "-0.500"],
        ["atoms, codes", "-0.300"],
    ]
    chains = tables["Chains"].to_numpy().tolist()
    assert chains[1] == ["step 0.2", "40", "25.0 %", "10.0 %"]
    assert chains[3] == ["step 0.5", "0", "–", "–"]
    assert chains[-1] == ["jump", "16", "–", "12.5 %"]
    for text in (Page(page_of(record, tmp_path)).text, printed(record, width=400)):
        for part in ("12.5 %", "atoms, codes", "which was in 1 of them", "temperature 1.0 or 0.3"):
            assert part in text


def test_what_is_not_known_of_the_search_is_left_out(full, drawn, tmp_path):
    assert search_tables(results_json(full)) == {}
    assert "Chains" not in page_of(full, tmp_path, drawn)


def test_a_long_string_stands_whole_on_a_line_of_its_own(full):
    long = "C" * 300
    trials = [replace(t, string=long, score=-1.0) for t in make_trials("ei", 1, 1)]
    lines = printed(record_of(trials), width=60).splitlines()
    assert f"   {long}" in lines


def test_comparison_puts_equal_quantities_in_equal_columns(full):
    table = comparison(results_json(full))
    methods = [method.partition("\n")[0] for method in table.method]
    assert methods == ["this search (ei)", "random", "prior", "GVAE", "other"]
    assert table.columns[-1] == "oracle calls"
    assert table["GP\nRMSE"].tolist() == ["0.810\n± 0.006", "–", "–", "0.884", "–"]
    assert table.evaluations.tolist() == ["3 × 20", "2 × 20", "2 × 20", "–", "–"]
    assert table["best 3"][3] == "0.04\n0.10\n0.37"


def test_nothing_evaluated(tmp_path):
    html = page_of(record_of(), tmp_path)
    assert "Nothing was evaluated." in html
    assert "<img" not in html
    assert "Nothing was evaluated." in printed(record_of())


def test_all_invalid(tmp_path):
    record = record_of([replace(t, string=None, score=WORST) for t in make_trials("ei", 2)])
    assert "Nothing valid was found" in page_of(record, tmp_path)
    assert "0 % of the proposals" in printed(record)


def test_one_seed_without_baselines_or_predictions(tmp_path):
    record = record_of(make_trials("random", 1, predict=False))
    html = page_of(record, tmp_path)
    assert Page(html).tags.count("img") == 1  # the trace; nothing was predicted
    assert "±" not in html.split("<tbody>")[2].split("</tbody>")[0]


def test_trace_of_what_found_nothing_beside_what_did():
    trials = make_trials("ei", 2)
    nothing = [replace(t, string=None, score=WORST) for t in make_trials("prior", 1)]
    others = {"random": [], "prior": nothing}
    assert figures.score_trace(record_of(trials, baselines=others)) is not None
    assert figures.score_trace(record_of([], baselines={"random": trials})) is not None
    assert figures.score_trace(record_of(nothing)) is None


@pytest.mark.parametrize("batches", [1, 4, 40])
def test_calibration_fits_any_number_of_batches(batches):
    trials = [replace(t, batch=i % batches + 1) for i, t in enumerate(make_trials("ei", 2))]
    assert figures.calibration_by_batch(record_of(trials)) is not None


def test_score_axis_shows_zero_below_the_logarithmic_part() -> None:
    _, (axes,) = panels(1, 1, height=2)
    assert figures.score_axis(axes, np.array([0.0, 0.0274, 0.5, 6.9]))
    ticks = axes.get_yticks()
    heights = axes.transData.transform(np.column_stack([np.ones_like(ticks), ticks]))[:, 1]
    assert ticks[0] == 0
    assert axes.get_ylim()[0] < 0
    assert np.all(np.diff(heights) > 5)  # pixels: 0 stands apart, no two labels collide
    assert not figures.score_axis(axes, np.array([1.0, 2.0]))


def test_unwritable_folder_is_one_sentence(full, drawn, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="file"):
        page_of(full, tmp_path / "file" / "below", drawn)


@pytest.mark.parametrize(
    ("share", "text"), [(None, "–"), (1.0, "100 %"), (0.9996, "99.9 %"), (0.5, "50.0 %")]
)
def test_percent(share: float | None, text: str) -> None:
    assert percent(share) == text


def test_page_of_a_maximised_score_speaks_of_it(tmp_path):
    record = full_record(task_of(maximize=True, score_name="penalised logP", noun="molecule"))
    text = Page(page_of(record, tmp_path)).text
    assert "penalised logP 0 (higher is better)" in text
    assert "lower is better" not in text
    assert "Best molecules" in text
    assert "-6.9088" in text  # the worst score, log 1001, is shown as its negative
    trace = figures.score_trace(record)
    assert trace is not None
    assert "higher and the further left a line rises" in trace.caption
    assert "logarithmic" not in trace.caption
    assert "penalised logP" in printed(record, width=140)
