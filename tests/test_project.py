"""What the project promises about itself: pins, size of its rooms, nothing of the machine."""

from __future__ import annotations

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
PINNED = {
    "requirements.txt": [],
    "requirements-dev.txt": ["dev"],
    "requirements-docs.txt": ["docs"],
    "requirements-gpu.txt": ["gpu"],
}


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
def test_all_requirements_share_the_pins_of_the_product(python: str) -> None:
    product = pins("requirements.txt", python)
    for name in PINNED:
        assert product.items() <= pins(name, python).items()
    assert "pytest" in pins("requirements-dev.txt", python)
    assert "mkdocs-material" in pins("requirements-docs.txt", python)
    assert "nvidia-cudnn-cu12" in pins("requirements-gpu.txt", python)
    assert "setuptools" in product  # builds the editable installation without a download


def tracked_files() -> Iterator[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listing.returncode:
        pytest.skip("not a git checkout")
    for name in filter(None, listing.stdout.split("\0")):
        path = ROOT / name
        if path.is_file() and path != Path(__file__).resolve():
            yield path


def test_no_file_names_the_machine_it_was_written_on() -> None:
    machine = re.compile(rb"/(work|home|root|Users)/[\w.]|\.\./shared")
    hits = [str(path) for path in tracked_files() if machine.search(path.read_bytes())]
    assert hits == []


def test_make_help_lists_the_targets() -> None:
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    for target in ("run", "test", "test-data", "docs", "benchmark", "setup", "wheel", "clean"):
        assert re.search(rf"^make {target} +\w", done.stdout, re.MULTILINE), target


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_has_at_most_ten_modules_at_its_top(package: str) -> None:
    modules = [path.name for path in (ROOT / package).glob("*.py") if path.name != "__init__.py"]
    assert len(modules) <= 10, modules


def test_modules_are_short() -> None:
    sizes = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines())
        for package in (*PACKAGES, "experiments")
        for path in (ROOT / package).rglob("*.py")
    }
    assert len(sizes) > 100
    assert {name: size for name, size in sizes.items() if size > 400} == {}
