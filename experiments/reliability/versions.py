"""The wheel in a fresh environment of each Python and backend: main commands, some of the tests.

Each environment is made from the pinned requirements, and kept in --work.  Commands run in a folder
far from the checkout.  Python 3.10 has no JAX.  Rows of an older --out stay, those tried are new.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments.benchmarks.record import parser_of, record
from experiments.runner import ROOT, print_table

BACKENDS = {"tensorflow": "requirements-dev.txt", "jax": "requirements-jax.txt"}
"""What is installed for each; the tests run on TensorFlow."""
FORMULA = """
import numpy as np
from bayesopt import SymbolicRegressor
x = np.linspace(0, 20, 30)
model = SymbolicRegressor(seconds=5).fit(x[:, None], 850 * np.exp(-x / 7.3))
assert np.allclose(model.predict(x[:, None]), 850 * np.exp(-x / 7.3))
"""
PRESETS = """
import grammar
strings = grammar.GrammarAutoencoder.load("scientific").sample(3, seed=0)
assert len(strings) == 3 and None not in strings
"""
FILES = {
    "known.smi": "CC(=O)Nc1ccc(O)cc1\nc1ccccc1\nCCO\n",
    "strings.txt": "sin(x)\nx+1\n",
    "measured.csv": "smiles,y\n" + "".join(f"{'C' * n}O,{n}\n" for n in range(1, 21)),
}
JOBS: dict[str, list[str]] = {
    "molecules.sample": ["-m", "molecules.sample", "--n", "3"],
    "molecules.encode": ["-m", "molecules.encode", "known.smi"],
    "grammar.encode": ["-m", "grammar.encode", "strings.txt"],
    "grammar.train": [
        *("-m", "grammar.train", "--grammar", "arithmetic", "--n-data", "500", "--epochs", "1"),
        *("--out", "runs/grammar"),
    ],
    "scientific": ["-c", PRESETS],
    "SymbolicRegressor": ["-c", FORMULA],
}
"""Commands of every backend, arguments of Python by name."""
SEARCHES: dict[str, list[str]] = {
    "bayesopt.run expr": [
        *("-m", "bayesopt.run", "--task", "expr", "--budget", "20", "--batch-size", "10"),
        *("--no-baselines", "--out", "runs/expr"),
    ],
    "bayesopt.run molecules": [
        *("-m", "bayesopt.run", "--task", "molecules", "--budget", "10", "--batch-size", "5"),
        *("--no-baselines", "--out", "runs/molecules"),
    ],
    "bayesopt.run ask": [
        *("-m", "bayesopt.run", "ask", "--data", "measured.csv", "--value-column", "y"),
        *("--maximize", "--batch-size", "2", "--unconstrained", "--out", "runs/ask"),
    ],
    "bayesopt.run predict": ["-m", "bayesopt.run", "predict", "--out", "runs/ask", "known.smi"],
}
"""Those that need GPflow, so TensorFlow."""
TESTS = ("tests/gmae_tf/test_prior.py", "tests/grammar/parsing", "tests/molecules/chem")


def main() -> None:
    """The command."""
    parser = parser_of(__doc__)
    parser.add_argument("--pythons", nargs="+", default=["python3.10", "python3.11", "python3.12"])
    parser.add_argument("--backends", nargs="+", default=list(BACKENDS), choices=list(BACKENDS))
    parser.add_argument("--work", type=Path, help="folder that keeps the environments")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        shutil.rmtree(ROOT / "build", ignore_errors=True)  # files of an older wheel
        build = ["-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", scratch, str(ROOT)]
        subprocess.run([options.pythons[-1], *build], check=True)
        [wheel] = Path(scratch).glob("*.whl")
        rows = {}
        if options.out and options.out.exists():
            older = json.loads(options.out.read_text(encoding="utf-8"))["rows"]
            rows = {(row["python"], row["backend"]): row for row in older}
        for python in options.pythons:
            for backend in options.backends:
                if backend == "jax" and version(python).startswith("3.10."):
                    continue
                row = tried(python, backend, wheel, (options.work or Path(scratch)).resolve())
                rows[row["python"], backend] = row
                found = [rows[key] for key in sorted(rows)]
                record("versions", options, (), wheel_bytes=wheel.stat().st_size, rows=found)
                show(found)


def show(rows: Sequence[dict[str, Any]]) -> None:
    """A table on the terminal."""
    print_table(
        ["Python", "backend", "commands that run", "tests passed", "failed"],
        [
            [r["python"], r["backend"], f"{sum(r['commands'].values())} of {len(r['commands'])}"]
            + [str(r["tests"].get(word, "–")) for word in ("passed", "failed")]
            for r in rows
        ],
    )


def tried(python: str, backend: str, wheel: Path, work: Path) -> dict[str, Any]:
    """What works in the environment of an interpreter and a backend."""
    found = version(python)
    place = work / f"{found.rpartition('.')[0]}-{backend}"
    own = str(place / "bin" / "python")
    if not place.exists():
        subprocess.run([python, "-m", "venv", place], check=True)
    install = [own, "-m", "pip", "install", "--quiet"]
    subprocess.run([*install, "-r", ROOT / BACKENDS[backend]], check=True)
    subprocess.run([*install, "--no-deps", "--force-reinstall", wheel], check=True)
    jobs = JOBS if backend == "jax" else {**JOBS, **SEARCHES}
    with tempfile.TemporaryDirectory() as folder:
        for name, text in FILES.items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        commands = {name: works([own, *job], Path(folder), backend) for name, job in jobs.items()}
    tests = {} if backend == "jax" else tested(own)
    return {"python": found, "backend": backend, "commands": commands, "tests": tests}


def works(command: Sequence[str], folder: Path, backend: str) -> bool:
    """Whether a command ends well in a folder; what it says otherwise is printed."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    environment |= {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=1800
    )
    if done.returncode:
        print(*command, done.stderr[-2000:], sep="\n")
    return done.returncode == 0


def tested(python: str) -> dict[str, int]:
    """Numbers of the tests that passed, failed and were skipped."""
    command = [python, "-m", "pytest", "-n", "0", "-q", *TESTS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        print(done.stdout[-4000:])
    return {
        word: int(n) for n, word in re.findall(r"(\d+) (passed|failed|skipped|error)", done.stdout)
    }


def version(python: str) -> str:
    """Of an interpreter, as 3.11.7."""
    said = subprocess.run([python, "--version"], capture_output=True, text=True, check=True)
    return said.stdout.split()[-1]


if __name__ == "__main__":
    main()
