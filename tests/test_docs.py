"""The documentation says what the result files say, and its examples run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from experiments.tables import pages as TABLES

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("page", TABLES.PAGES, ids=lambda page: page.name)
def test_tables_are_those_of_the_result_files(page):
    assert page.read_text() == TABLES.page_with_tables(page), (
        "run: python -m experiments.tables.pages --write"
    )


def test_readme_example_of_the_regulariser_runs(rng):
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    names: dict = {}
    exec(code, names)  # our own README, not a decode
    x = rng.random((64, 784)).astype("float32")
    history = names["model"].fit(x, x, batch_size=32, epochs=2, verbose=0).history
    assert history["loss"][1] < history["loss"][0]


def test_readme_grammar_is_sound():
    from grammar.cfg.grammar import Grammar
    from grammar.parsing.parser import Parser

    (text,) = re.findall(r"```\n(S -> .*?)```", (ROOT / "README.md").read_text(), re.S)
    parser = Parser(Grammar(text))
    assert parser.exact
    assert len(parser.parse("5*cos(x)-x")) > 0


@pytest.mark.parametrize("page", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))])
def test_links_lead_somewhere(page):
    prose = re.sub(r"`[^`\n]*`", "", page.read_text())  # SMILES can look like links
    for target in re.findall(r"\]\(([^)#]+)\)", prose):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
