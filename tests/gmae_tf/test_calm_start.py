"""A command in a plain shell prints no line of another library, with good and with bad input."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from experiments.reliability.environments import OTHERS

ROOT = Path(__file__).resolve().parents[2]
QUIET = ("TF_CPP_MIN_LOG_LEVEL", "CUDA_VISIBLE_DEVICES", "TF_ENABLE_ONEDNN_OPTS", "PYTHONWARNINGS")
"""Variables by which tests, or a careful user, would silence others."""


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    variables = {name: value for name, value in os.environ.items() if name not in QUIET}
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env={**variables, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_a_command_that_starts_tensorflow_is_silent_on_the_error_output(tmp_path: Path):
    (tmp_path / "strings.txt").write_text("x+1\nsin(x)\n")
    done = run(tmp_path, "grammar.encode", "strings.txt", "--model", "expressions")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        "gmae_tf.train --dataset images.npz --batch-size 10 --epochs 1 --samples 100",
        "molecules.train --data mine.csv --epochs 1 --latent-dim 10 --units 8",
        "bayesopt.run ask --data mine.csv --value-column y --maximize --batch-size 2",
        "bayesopt.improve --data mine.csv --molecules 1 --budget 2 --batch-size 2 --points 50",
    ],
)
def test_a_command_that_trains_or_searches_says_nothing_of_other_libraries(
    command: str, tmp_path: Path
):
    images = np.random.default_rng(0).integers(0, 255, size=(320, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "images.npz", x_train=images[:200], x_test=images[200:])
    chains = [f"{'C' * n}{end}" for n in range(1, 21) for end in ("O", "N", "Cl", "C(C)C")]
    rows = "".join(f"{smiles},{len(smiles)}\n" for smiles in chains)
    (tmp_path / "mine.csv").write_text(f"smiles,y\n{rows}")
    done = run(tmp_path, *command.split(), "--out", "run")
    assert (done.returncode, done.stderr) == (0, "")
    assert not OTHERS.search(done.stdout)


@pytest.mark.parametrize(
    "arguments",
    [
        ("gmae_tf.evaluate", "nothing"),
        ("bayesopt.run", "status", "--out", "nothing"),
        ("molecules.sample", "--near", "C1CC"),  # which RDKit would complain of
    ],
)
def test_a_refusal_is_one_sentence_and_nothing_else(arguments: tuple[str, ...], tmp_path: Path):
    done = run(tmp_path, *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(f"python -m {arguments[0]}")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_a_user_can_have_the_log_of_tensorflow():
    code = "import gmae_tf, os; print(os.environ['TF_CPP_MIN_LOG_LEVEL'])"
    for given, found in ((None, "3"), ("0", "0")):
        variables = {k: v for k, v in os.environ.items() if k not in QUIET}
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**variables, **({} if given is None else {QUIET[0]: given})},
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        assert done.stdout.strip() == found
