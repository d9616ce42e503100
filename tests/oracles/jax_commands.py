"""What the tests of JAX run in a process of its own, one command after the other.

    KERAS_BACKEND=jax python -m tests.oracles.jax_commands [NAME ...]

In a folder that `prepare` has made; writes `results.json` into it: status and output of each, or
of those that are named.  One process for all, because starting one takes longer than most of them.
"""

from __future__ import annotations

import io
import json
import runpy
import sys
import traceback
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np

SMALL = ("--epochs", "1", "--batch-size", "50", "--components", "2", "--device", "cpu")
IMAGES, MOLECULES = ("--run", "images"), ("--model", "molecules")
COMMANDS = {
    "train images": (
        "gmae_tf.train", "--dataset", "noise.npz", "--out", "images", *SMALL,
        "--latent-dim", "3", "--guide", "none", "--no-evaluate",
    ),
    "evaluate images": ("gmae_tf.evaluate", *IMAGES, "--device", "cpu"),
    "train strings": (
        "grammar.train", "--grammar", "sums.cfg", "--out", "strings", *SMALL,
        "--n-data", "150", "--max-length", "4", "--latent-dim", "3",
    ),
    "train molecules": (
        "molecules.train", "--data", "builtin", "--out", "molecules", *SMALL,
        "--n-data", "150", "--dense", "16", "--units", "8", "--latent-dim", "4", "--samples", "20",
    ),
    "sample molecules": ("molecules.sample", *MOLECULES, "--n", "4", "--out", "drawn.csv"),
    "interpolate molecules": (
        "molecules.interpolate", *MOLECULES, "--start", "CCO", "--end", "CCN", "--steps", "3",
        "--out", "path.csv",
    ),
    "library": ("tests.oracles.jax_session", "library"),
    "scan": ("tests.oracles.scan_session", "scan"),
    "search": ("bayesopt.run", "--task", "expr", "--out", "search"),
}  # fmt: skip
"""A name -> a module and its arguments."""
SLOW = ("train strings",)
"""A test of its own: the molecules train the same networks on strings, and are sampled besides."""


def prepare(folder: Path) -> None:
    """The files that the commands read: images of noise, and a grammar."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, size=(220, 8, 8), dtype=np.uint8)
    labels = rng.integers(0, 2, size=220)
    np.savez(folder / "noise.npz", x_train=noise[:110], y_train=labels[:110],
             x_test=noise[110:], y_test=labels[110:])  # fmt: skip
    letters = " | ".join(f"'{letter}'" for letter in "abcdefghijkl")
    (folder / "sums.cfg").write_text(f"S -> S '+' T | S '*' T | T\nT -> {letters}\n")
    (folder / "library").mkdir()
    (folder / "scan").mkdir()


def run(module: str, *arguments: str) -> dict[str, object]:
    """`python -m MODULE ARGUMENTS` in this process."""
    status, out, err = 0, io.StringIO(), io.StringIO()
    sys.argv = [module, *arguments]
    with redirect_stdout(out), redirect_stderr(err):
        try:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        except SystemExit as stop:
            status = int(stop.code or 0)
        except Exception:
            traceback.print_exc()
            status = 1
    return {"status": status, "out": out.getvalue(), "err": err.getvalue()}


def main() -> None:
    """Run them."""
    names = sys.argv[1:] or COMMANDS
    results: dict[str, object] = {name: run(*COMMANDS[name]) for name in names}
    import keras

    results["backend"] = keras.backend.backend()
    results["seen"] = sorted(sys.modules.keys() & {"tensorflow", "gpflow", "tf_keras"})
    Path("results.json").write_text(json.dumps(results))


if __name__ == "__main__":
    main()
