"""Where TensorFlow cannot be imported, JAX trains, evaluates, samples and interpolates."""

from __future__ import annotations

import json
import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from conftest import RunCli

pytestmark = [
    pytest.mark.jax,
    pytest.mark.skipif(find_spec("jax") is None, reason="jax is not installed"),
]

ROOT = Path(__file__).resolve().parents[2]
SESSION = """
import io, json, runpy, sys, time, traceback
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

results = {}
for name, module, *arguments in json.loads(Path("commands.json").read_text()):
    sys.argv, status, out, err = [module, *arguments], 0, io.StringIO(), io.StringIO()
    started = time.time()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        except SystemExit as stop:
            status = int(stop.code or 0)
        except Exception:
            traceback.print_exc()
            status = 1
    results[name] = {"status": status, "out": out.getvalue(), "err": err.getvalue()}
    print(name, round(time.time() - started, 1), file=sys.__stderr__)
import keras
results["backend"] = keras.backend.backend()
results["seen"] = sorted(sys.modules.keys() & {"tensorflow", "gpflow", "tf_keras"})
Path("results.json").write_text(json.dumps(results))
"""
"""Many commands in one process, because starting one takes longer than most of them."""

SMALL = ("--epochs", "1", "--batch-size", "50", "--components", "2", "--device", "cpu")


def commands(folder: Path) -> list[tuple[str, ...]]:
    """A name, a module and its arguments each."""
    images, molecules = ("--run", "images"), ("--model", "molecules")
    return [
        ("train images", "gmae_tf.train", "--dataset", "noise.npz", "--out", "images",
         *SMALL, "--latent-dim", "3", "--plain-epochs", "1", "--no-evaluate"),
        ("evaluate images", "gmae_tf.evaluate", *images, "--device", "cpu"),
        ("train strings", "grammar.train", "--grammar", "sums.cfg", "--out", "strings", *SMALL,
         "--n-data", "150", "--max-length", "4", "--latent-dim", "3", "--no-xla"),
        ("train molecules", "molecules.train", "--data", "builtin", "--out", "molecules", *SMALL,
         "--n-data", "150", "--dense", "16", "--units", "8", "--latent-dim", "4",
         "--samples", "20"),
        ("sample molecules", "molecules.sample", *molecules, "--n", "4", "--out", "drawn.csv"),
        ("interpolate molecules", "molecules.interpolate", *molecules,
         "--start", "CCO", "--end", "CCN", "--steps", "3", "--out", "path.csv"),
        ("search", "bayesopt.run", "--task", "expr", "--out", "search"),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def session(run_cli: RunCli, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """The folder of a process that cannot import TensorFlow, and what its commands said."""
    folder = tmp_path_factory.mktemp("jax-alone")
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, size=(220, 8, 8), dtype=np.uint8)
    labels = rng.integers(0, 2, size=220)
    np.savez(folder / "noise.npz", x_train=noise[:110], y_train=labels[:110],
             x_test=noise[110:], y_test=labels[110:])  # fmt: skip
    letters = " | ".join(f"'{letter}'" for letter in "abcdefghijkl")
    (folder / "sums.cfg").write_text(f"S -> S '+' T | S '*' T | T\nT -> {letters}\n")
    (folder / "commands.json").write_text(json.dumps(commands(folder)))
    env = {
        "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "tests" / "without_tensorflow", ROOT))),
        "KERAS_BACKEND": "",  # as unset: JAX is all there is
        "JAX_PLATFORMS": "cpu",
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",  # to compile takes longer than to compute
    }
    done = run_cli("-c", SESSION, cwd=folder, env=env)
    assert done.returncode == 0, done.stderr
    return folder, json.loads((folder / "results.json").read_text())


@pytest.mark.parametrize("name", [name for name, *_ in commands(Path()) if name != "search"])
def test_the_command_works(name: str, session: tuple[Path, Any]):
    said = session[1][name]
    assert said["status"] == 0, said["err"]
    assert "Traceback" not in said["err"]


def test_jax_is_chosen_where_it_is_the_only_backend(session: tuple[Path, Any]):
    assert session[1]["backend"] == "jax"
    assert session[1]["seen"] == []


def test_what_the_commands_leave_is_whole(session: tuple[Path, Any]):
    folder = session[0]
    for name in ("images", "strings", "molecules"):
        assert (folder / name / "model.json").exists()
        events = list((folder / name / "tensorboard").glob("*/events.out.tfevents.*"))
        assert len(events) == 2
    assert (folder / "images" / "report.html").exists()
    assert len((folder / "drawn.csv").read_text().splitlines()) == 5
    assert len((folder / "path.csv").read_text().splitlines()) > 2


def test_the_search_says_what_it_needs(session: tuple[Path, Any]):
    said = session[1]["search"]
    assert said["status"] != 0
    assert "gpflow" in said["err"].lower() or "tensorflow" in said["err"].lower()
