"""The doors of the packages: each public name imports, is typed, and has an example that runs."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import RunCli

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {
    "gmae_tf": [
        "Autoencoder", "GaussianMixture", "GaussianMixturePenalty", "ImageAutoencoder",
        "LatentDensity", "LatentRegularizer", "NormPenalty", "UserError", "build_model",
    ],
    "grammar": [
        "Grammar", "GrammarAutoencoder", "GrammarError", "Parser", "RuleCodec", "evaluate_space",
        "load_grammar",
    ],
    "molecules": [
        "Constraints", "MoleculeAutoencoder", "Objective", "Scorer", "evaluate_space", "load",
        "load_molecules",
    ],
    "bayesopt": [
        "Dataset", "Optimizer", "SearchSpace", "SparseGP", "SymbolicRegressor", "search",
    ],
}  # fmt: skip
NAMES = [(package, name) for package, names in PACKAGES.items() for name in names]
SHOWN = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.mark.parametrize("package", PACKAGES)
def test_the_door_offers_what_is_documented(package: str) -> None:
    module = importlib.import_module(package)
    assert sorted(module.__all__) == PACKAGES[package]
    assert set(module.__all__) <= set(dir(module))
    page = (ROOT / "docs" / "api" / f"{package}.md").read_text()
    for name in PACKAGES[package]:
        assert f"::: {package}.{name}\n" in page
    with pytest.raises(AttributeError, match="no_such_name"):
        module.no_such_name  # noqa: B018


@pytest.mark.parametrize("package", PACKAGES)
def test_type_checkers_see_the_names_where_they_are_found(package: str) -> None:
    folder = ROOT / package
    module = importlib.import_module(package)
    assert (folder / "py.typed").is_file()
    (block,) = [
        node
        for node in ast.parse((folder / "__init__.py").read_text()).body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    shown = {
        alias.asname or alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert shown == module._HOME
    assert set(shown) == set(module.__all__)


def test_import_of_the_doors_loads_nothing_heavy() -> None:
    heavy = ("keras", "tensorflow", "jax", "gpflow", "rdkit", "sklearn", "scipy", "matplotlib")
    code = f"import sys, {', '.join(PACKAGES)}; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(("package", "name"), NAMES)
def test_public_name_has_an_example_that_runs(
    package: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    thing = getattr(importlib.import_module(package), name)
    assert thing.__module__.startswith(f"{package}."), "defined elsewhere"
    assert ">>> " in (inspect.getdoc(thing) or ""), f"the docstring of {name} has no example"
    monkeypatch.chdir(tmp_path)  # an example may write files
    results = run_examples(doctest.DocTestFinder().find(thing, name, globs={}))
    assert results.attempted > 0
    assert results.failed == 0  # doctest has printed what was expected and what was got


@pytest.mark.slow
@pytest.mark.jax
@pytest.mark.skipif(find_spec("jax") is None, reason="jax is not installed")
def test_the_same_examples_run_on_jax(run_cli: RunCli) -> None:
    chosen = "test_public_name and not bayesopt"
    done = run_cli(
        "-m", "pytest", "-n", "0", "-q", "-k", chosen, Path(__file__),
        env={"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def others() -> list[str]:
    """Modules with examples that are not in a class or function of the doors."""
    return [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        if ">>> " in path.read_text()
    ]


@pytest.mark.parametrize("module_name", others())
def test_other_examples_run(
    module_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importlib.import_module(module_name)
    public = [
        getattr(importlib.import_module(package), name)
        for package, name in NAMES
        if package == module_name.partition(".")[0]
    ]
    known = {f"{module_name}.{thing.__name__}" for thing in public}
    tests = [
        test
        for test in doctest.DocTestFinder().find(module, module_name)
        if not any(test.name == name or test.name.startswith(f"{name}.") for name in known)
    ]
    monkeypatch.chdir(tmp_path)
    assert run_examples(tests).failed == 0


def run_examples(tests: list[doctest.DocTest]) -> doctest.TestResults:
    """Run them one after the other, each with names of its own."""
    runner = doctest.DocTestRunner(optionflags=SHOWN)
    for test in tests:
        runner.run(test)
    return doctest.TestResults(runner.failures, runner.tries)
