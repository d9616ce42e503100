"""The wheel holds what the packages read, nothing else, and runs where it is put."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("gmae_tf", "grammar", "molecules", "bayesopt")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that nothing of an earlier build is in it, and without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = ["pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([sys.executable, "-m", *build, "--wheel-dir", folder, source], check=True)
    [path] = folder.glob("*.whl")
    return path


def test_the_wheel_holds_every_file_of_the_packages_and_no_other(wheel: Path) -> None:
    there = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert held == there
    assert wheel.stat().st_size < 40e6


@pytest.mark.slow
def test_an_installed_wheel_runs_far_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    place = tmp_path / "environment"
    venv.create(place, symlinks=True, with_pip=False)
    python = place / "bin" / "python"
    paths = {"base": str(place), "platbase": str(place)}
    site = Path(sysconfig.get_path("purelib", scheme="venv", vars=paths))
    install = ["pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel]
    subprocess.run([sys.executable, "-m", *install], check=True)
    # What it depends on is that of this environment; the wheel's own packages come first.
    (site / "present.pth").write_text(sysconfig.get_path("purelib") + "\n")

    def run(*arguments: str) -> str:
        command = [python, *arguments]
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, env={"PATH": ""}
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert run("-c", "import bayesopt; print(bayesopt.__file__)").startswith(str(site))
    search = ["bayesopt.run", "--task", "expr", "--budget", "10", "--batch-size", "10"]
    run("-m", *search, "--no-baselines", "--out", "runs/expr")
    assert len((tmp_path / "runs/expr/results.csv").read_text().splitlines()) > 10
    assert "3 molecules" in run("-m", "molecules.sample", "--n", "3")
