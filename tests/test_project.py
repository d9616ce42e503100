"""What the project promises about itself: pins, imports, documentation, names."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("gmae_tf", "grammar", "molecules", "bayesopt")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PYTHONS = ("3.10", "3.11", "3.12")
PINNED = {"requirements.txt": [], "requirements-dev.txt": ["dev"], "requirements-gpu.txt": ["gpu"]}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def pins(name: str, python: str) -> dict[str, Version]:
    """Package -> version that `name` pins for a Python on Linux; each at most once."""
    found: dict[str, Version] = {}
    for line in (ROOT / name).read_text().splitlines():
        if line.startswith("#"):
            continue
        pin = Requirement(line)
        [specifier] = pin.specifier
        assert specifier.operator == "==", line
        if applies(pin.marker, python):
            assert canonicalize_name(pin.name) not in found, line
            found[canonicalize_name(pin.name)] = Version(specifier.version)
    return found


def applies(marker: Marker | None, python: str) -> bool:
    machine = {"python_version": python, "python_full_version": f"{python}.9"}
    return marker is None or marker.evaluate({**machine, "sys_platform": "linux"})


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("name", PINNED)
def test_pins_are_in_the_ranges_of_pyproject(name: str, python: str) -> None:
    project = PROJECT["project"]
    wanted = project["dependencies"] + [
        line for extra in PINNED[name] for line in project["optional-dependencies"][extra]
    ]
    wanted += PROJECT["tool"]["uv"]["constraint-dependencies"]
    pinned = pins(name, python)
    required = {canonicalize_name(Requirement(line).name) for line in project["dependencies"]}
    assert required <= set(pinned)
    for requirement in map(Requirement, wanted):
        version = pinned.get(canonicalize_name(requirement.name))
        if version is not None and applies(requirement.marker, python):
            assert version in requirement.specifier, requirement


@pytest.mark.parametrize("python", PYTHONS)
def test_development_and_gpu_share_the_pins_of_the_product(python: str) -> None:
    product = pins("requirements.txt", python)
    for name in ("requirements-dev.txt", "requirements-gpu.txt"):
        assert product.items() <= pins(name, python).items()
    assert "pytest" in pins("requirements-dev.txt", python)
    assert "nvidia-cudnn-cu12" in pins("requirements-gpu.txt", python)
    assert "setuptools" in product  # builds the editable installation without a download


def tracked_files() -> Iterator[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listing.returncode:
        pytest.skip("not a git checkout")
    for name in filter(None, listing.stdout.split("\0")):
        path = ROOT / name
        if path.is_file() and path not in (Path(__file__).resolve(), ROOT / ".ci" / "run"):
            yield path


def test_no_file_names_the_machine_it_was_written_on() -> None:
    machine = re.compile(rb"/(work|home|root|Users)/[\w.]|\.\./shared")
    hits = [str(path) for path in tracked_files() if machine.search(path.read_bytes())]
    assert hits == []


def test_make_help_lists_the_targets() -> None:
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    for target in ("run", "test", "test-data", "benchmark", "setup", "clean"):
        assert re.search(rf"^make {target} +\w", done.stdout, re.MULTILINE), target


def test_import_contracts_hold() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    contracts = len(PROJECT["tool"]["importlinter"]["contracts"])
    assert f"Contracts: {contracts} kept, 0 broken." in done.stdout


def modules() -> list[Path]:
    return [path for name in PACKAGES for path in sorted((ROOT / name).rglob("*.py"))]


def public(node: ast.Module | ast.ClassDef) -> Iterator[ast.ClassDef | Function]:
    for child in node.body:
        if isinstance(child, ast.ClassDef | Function) and not child.name.startswith("_"):
            yield child
            if isinstance(child, ast.ClassDef):
                yield from public(child)


def overrides(function: ast.AST) -> bool:
    """Methods whose name and meaning a library sets; its documentation is theirs."""
    return getattr(function, "name", "") in {
        "build", "call", "compute_loss", "compute_output_shape", "from_config", "get_config",
        "on_epoch_begin", "on_epoch_end", "on_train_batch_end", "on_train_begin", "on_train_end",
    }  # fmt: skip


def unannotated(function: Function) -> bool:
    arguments = function.args.posonlyargs + function.args.args + function.args.kwonlyargs
    named = [a for a in arguments if a.arg not in ("self", "cls")]
    return function.returns is None or any(a.annotation is None for a in named)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_public_names_are_documented_annotated_and_short(path: Path) -> None:
    text = path.read_text()
    tree = ast.parse(text)
    names = list(public(tree))
    silent = [n.name for n in names if not ast.get_docstring(n) and not overrides(n)]
    untyped = [n.name for n in names if isinstance(n, Function) and unannotated(n)]
    assert (silent, untyped) == ([], [])
    assert ast.get_docstring(tree), "the module says nothing about itself"
    assert len(text.splitlines()) <= 400


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_code_is_made_of_text(path: Path) -> None:
    tree = ast.parse(path.read_text())
    called = {
        n.func.id
        for n in ast.walk(tree)
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
    }
    imported = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    imported |= {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module}
    assert not called & {"eval", "exec"}
    assert not imported & {"pickle", "dill", "cloudpickle", "marshal", "shelve"}
