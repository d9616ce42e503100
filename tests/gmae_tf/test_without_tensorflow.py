"""Where TensorFlow cannot be imported, JAX trains, evaluates, samples and interpolates."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.oracles.jax_commands import COMMANDS, SLOW

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

needs_jax = pytest.mark.skipif(find_spec("jax") is None, reason="jax is not installed")

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.jax
@needs_jax
@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in ("search", *SLOW)])
def test_the_command_works(name: str, jax_alone: tuple[Path, Any]):
    said = jax_alone[1][name]
    assert said["status"] == 0, said["err"]
    assert "Traceback" not in said["err"]


@pytest.mark.slow
@pytest.mark.jax
@needs_jax
def test_strings_of_a_grammar_are_learnt(jax_alone_slow: tuple[Path, Any]):
    folder, said = jax_alone_slow
    for name in SLOW:
        assert said[name]["status"] == 0, said[name]["err"]
        assert "Traceback" not in said[name]["err"]
    assert (folder / "strings" / "model.json").exists()
    assert len(list((folder / "strings" / "tensorboard").glob("*/events.out.tfevents.*"))) == 2


@pytest.mark.jax
@needs_jax
def test_jax_is_chosen_where_it_is_the_only_backend(jax_alone: tuple[Path, Any]):
    assert jax_alone[1]["backend"] == "jax"
    assert jax_alone[1]["seen"] == []


@pytest.mark.jax
@needs_jax
def test_what_the_commands_leave_is_whole(jax_alone: tuple[Path, Any]):
    folder = jax_alone[0]
    for name in ("images", "molecules"):
        assert (folder / name / "model.json").exists()
        events = list((folder / name / "tensorboard").glob("*/events.out.tfevents.*"))
        assert len(events) == 2
    assert (folder / "images" / "report.html").exists()
    assert len((folder / "drawn.csv").read_text().splitlines()) == 5
    assert len((folder / "path.csv").read_text().splitlines()) > 2


@pytest.mark.jax
@needs_jax
def test_the_search_says_what_it_needs(jax_alone: tuple[Path, Any]):
    said = jax_alone[1]["search"]
    assert said["status"] != 0
    assert "gpflow" in said["err"].lower() or "tensorflow" in said["err"].lower()


def packages(file: str) -> dict[str, Requirement]:
    lines = (ROOT / file).read_text().splitlines()
    wanted = [Requirement(line) for line in lines if not line.startswith("#")]
    return {canonicalize_name(each.name): each for each in wanted}


@pytest.mark.parametrize("file", ["requirements-jax.txt", "requirements-jax-cuda.txt"])
def test_the_requirements_of_jax_are_those_of_the_product_without_tensorflow(file: str):
    hidden, found = packages("requirements-jax.in").keys(), packages(file)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    base = {canonicalize_name(Requirement(line).name) for line in project["dependencies"]}
    assert base - found.keys() == hidden == {
        "check-shapes", "gpflow", "tensorflow", "tensorflow-probability", "tf-keras",
    }  # fmt: skip
    for name, pin in packages("requirements.txt").items():
        assert name not in found or found[name].specifier == pin.specifier
    assert {"jax", "jaxlib"} <= found.keys()
    assert ("jax-cuda12-plugin" in found) == ("cuda" in file)
