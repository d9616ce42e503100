"""The documentation says what the result files say, and its examples run."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import numpy as np
import pytest

from experiments.tables import pages
from tests.oracles.shorter import Shorter

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


README = (ROOT / "README.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.S)
(GRAMMAR,) = re.findall(r"```\n(S -> .*?)```", README, re.S)


class Numbers:
    """A model of the strings "0" to "40", for examples that search."""

    latent_dim = 1

    def encode(self, strings):
        return np.array([[int(s) / 10 - 2] for s in strings])

    def decode(self, codes):
        return [
            str(n) if 0 <= n <= 40 else None for n in np.rint(10 * codes[:, 0] + 20).astype(int)
        ]


def stand_ins(code: str) -> dict:
    """What an example of the README takes for given, small."""
    rng = np.random.default_rng(0)
    if "ImageAutoencoder" in code:
        return {"images": rng.integers(0, 256, (64, 8, 8, 1), dtype=np.uint8)}
    if "Optimizer" in code:
        known = [str(n) for n in range(0, 40, 3)]
        values = [-abs(int(s) - 31.0) for s in known]
        measured = lambda batch: [-abs(int(s) - 31.0) for s in batch]  # noqa: E731
        return {"model": Numbers(), "smiles": known, "values": values, "measured": measured}
    if "bayesopt.search" in code:
        return {"model": Numbers(), "objective": lambda s: -abs(int(s) - 31.0)}
    if "SymbolicRegressor" in code:
        x = np.linspace(0, 20, 30)
        return {"X": x[:, None], "y": 850 * np.exp(-x / 7.3)}
    if "GrammarAutoencoder" in code:
        Path("my.cfg").write_text(GRAMMAR)
        return {"strings": [f"{a}{sign}{b}" for a in "x125" for sign in "+-*" for b in "x125"]}
    return {}


@pytest.mark.parametrize("code", EXAMPLES, ids=range(len(EXAMPLES)))
def test_example_of_the_readme_runs(code, tmp_path, monkeypatch, request):
    monkeypatch.chdir(tmp_path)
    if "Autoencoder.fit" in code:
        request.getfixturevalue("eager")
    names = stand_ins(code)
    less = {
        name: {"epochs": 1} for name in ("ImageAutoencoder.fit", "grammar.GrammarAutoencoder.fit")
    }
    tree = Shorter(less).visit(ast.parse(code))
    exec(compile(tree, "README.md", "exec"), names)  # our own README, not a decode
    if "LatentRegularizer" in code:
        x = np.random.default_rng(0).random((64, 784)).astype("float32")
        losses = names["model"].fit(x, x, batch_size=32, epochs=2, verbose=0).history["loss"]
        assert losses[1] < losses[0]
    if "new" in names:
        assert len(names["new"]) == (16 if "ImageAutoencoder" in code else 100)
    if "batch" in names:
        assert len(names["batch"]) > 0
        assert not set(names["batch"]) & set(names["smiles"])
    if "found" in names:
        assert names["found"]["string"][0] == "31"
    if "rules" in names:
        assert names["parser"].exact


def test_the_readme_shows_every_door():
    shown = "\n".join(EXAMPLES)
    for package in ("gmae_tf", "grammar", "molecules", "bayesopt"):
        assert re.search(rf"^(from|import) {package}\b", shown, re.MULTILINE)


@pytest.mark.parametrize("page", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))])
def test_links_lead_somewhere(page):
    prose = re.sub(r"`[^`\n]*`", "", page.read_text())  # SMILES can look like links
    for target in re.findall(r"\]\(([^)#]+)\)", prose):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
