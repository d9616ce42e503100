"""Reports: one set of tables for the terminal and for a page that needs nothing but itself."""

from __future__ import annotations

import io
import math

import numpy as np
from rich.console import Console

from gmae_tf.utils.plotting import Picture, new_figure, png
from gmae_tf.utils.report import Page, Section, Table, number, percent

WIDE = Table(
    "Samples",
    ("strings", "complete share", "distinct share", "mean length", "distance", "mean score"),
    [("prior samples of a model with a long name", "100.0 %", "99.1 %", "12.30", "0.123", "4.567")],
    "Below <it>.",
)


def page() -> Page:
    picture = Picture("space", "dot", "A dot", "Shows a dot.", png(new_figure(1, 1)))
    return Page(
        kicker="Evaluation",
        title="a <b>run</b>",
        lead="Measured.",
        headline=[("Exact", "99 %")],
        sections=[
            Section("Measures", [WIDE], ["A sentence with [brackets]."]),
            Section("Details", [Table("Walk", ("string",), [("x+1",)])], (), [picture], False),
        ],
        command="python -m grammar.evaluate run",
        details={"Options": {"n": 3, "data": None}},
    )


def test_the_page_escapes_what_it_shows_and_loads_nothing():
    text = page().html()
    assert "a &lt;b&gt;run&lt;/b&gt;" in text
    assert "Below &lt;it&gt;." in text
    assert text.count("<table") == 2
    assert 'src="data:image/png;base64,' in text
    assert "http" not in text.replace("http-equiv", "")
    assert "<script" not in text


def test_the_terminal_gets_whole_cells_within_80_columns():
    out = io.StringIO()
    page().print(Console(file=out, width=80))
    printed = out.getvalue()
    assert max(map(len, printed.splitlines())) <= 80
    for word in ("complete", "distinct", "99.1 %", "4.567", "A sentence with [brackets]."):
        assert word in printed
    assert "…" not in printed
    assert "Walk" not in printed


def test_unknown_numbers_are_dashes():
    assert number(None) == number(math.nan) == percent(None) == percent(np.nan) == "–"
    assert number(1234.5, 1) == "1,234.5"
    assert percent(0.4567) == "45.7 %"
