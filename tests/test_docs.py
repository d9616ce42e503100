"""The documentation says what the result files say, and its examples run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from experiments.tables import pages

ROOT = Path(__file__).parent.parent


COMMAND = re.compile(
    r"python -m ((?:gmae_tf|grammar|molecules|bayesopt|experiments)[\w.]*)([^#`]*)"
)


@pytest.mark.parametrize("page", pages.PAGES, ids=lambda page: page.name)
def test_tables_are_those_of_the_result_files(page):
    made = pages.page_with_tables(page)
    assert page.read_text() == made, "run: python -m experiments.tables.pages --write"


def test_every_table_is_on_a_page():
    text = "".join(page.read_text() for page in pages.PAGES)
    missing = {name for name in pages.BLOCKS if f"<!-- {name}: begin -->" not in text}
    assert not missing


def documented_commands() -> dict[str, set[str]]:
    """Modules that pages, docstrings and result files tell to start, with the options named."""
    found: dict[str, set[str]] = {}
    sources = [*pages.PAGES, ROOT / "Makefile", *sorted((ROOT / "experiments").rglob("*.py"))]
    sources += [ROOT / "experiments" / "README.md", *sorted((ROOT / "docs").rglob("*.json"))]
    for source in sources:
        text = source.read_text().replace("\\\n", " ")
        for line in text.splitlines():
            for module, rest in COMMAND.findall(line):
                options = re.findall(r"(?<=[\s\[])--[a-z][a-z-]+", rest)
                words = rest.split()
                if module == "bayesopt.run" and words[:1] in (["ask"], ["tell"]):
                    module = f"{module} {words[0]}"
                found.setdefault(module.rstrip("."), set()).update(options)
    return found


COMMANDS = documented_commands()


@pytest.mark.parametrize("command", [c for c in COMMANDS if ".NAME" not in c and ".X" not in c])
def test_documented_commands_have_their_options(command, run_here):
    done = run_here("-m", *command.split(), "--help")
    assert done.returncode == 0, done.stderr
    known = set(re.findall(r"--[a-z][a-z-]+", done.stdout))
    known |= {f"--no-{name[2:]}" for name in known}
    assert COMMANDS[command] <= known


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
