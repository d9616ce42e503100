"""One process at a time writes a folder, and the end of a process, however it comes, frees it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gmae_tf.errors import UserError
from gmae_tf.utils.locks import lock_folder
from gmae_tf.utils.run_dir import open_run

ROOT = Path(__file__).parents[3]
HOLD = """
import sys, time
from gmae_tf.utils.run_dir import open_run
open_run(sys.argv[1], {}, "train")
print("held", flush=True)
time.sleep(600)
"""
HURRIED = """
import runpy, sys
for module, options in (
    ("gmae_tf.train", "--dataset synthetic"),
    ("grammar.train", ""),
    ("molecules.train", "--data builtin"),
    ("bayesopt.improve", ""),
    ("bayesopt.run", ""),
    ("bayesopt.run", "ask --data mine.csv --value-column y --maximize"),
    ("bayesopt.run", "tell mine.csv"),
    ("bayesopt.run", "--target-csv table.csv"),
    ("gmae_tf.evaluate", "--run"),
    ("grammar.evaluate", "expressions"),
    ("molecules.evaluate", "compact"),
    ("experiments.images.ablation", ""),
    ("experiments.images.compare", ""),
    ("experiments.images.study", ""),
    ("experiments.papers.cluster_term", ""),
    ("experiments.papers.dimensions", ""),
    ("experiments.papers.little_data", ""),
    ("experiments.papers.neighbours", ""),
    ("experiments.strings.compare_expressions", ""),
    ("experiments.strings.compare_molecules", ""),
):
    place = [sys.argv[-1]] if options == "--run" else ["--out", sys.argv[-1]]
    sys.argv = [module, *options.split(), *place]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as stop:
        assert stop.code == 2
heavy = {"tensorflow", "keras", "gpflow"} & sys.modules.keys()
assert not heavy, heavy
"""
COMMANDS = HURRIED.count('    ("')


def hold(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_folder_in_use_is_refused_until_the_process_is_killed(tmp_path: Path, run_cli) -> None:
    process = hold(tmp_path)
    with pytest.raises(UserError, match=rf"{tmp_path} is in use by process {process.pid}: wait"):
        open_run(tmp_path, {}, "train")
    (tmp_path / "table.csv").write_text("x,y\n" + "".join(f"{i},{i * i}\n" for i in range(9)))
    done = run_cli("-c", HURRIED.replace("table.csv", str(tmp_path / "table.csv")), tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(f"is in use by process {process.pid}") == COMMANDS, done.stderr
    process.kill()
    process.wait()
    assert open_run(tmp_path, {}, "train").continued


def test_a_process_may_open_its_own_folder_again(tmp_path: Path) -> None:
    for _ in range(2):
        open_run(tmp_path, {}, "train")
    lock_folder(tmp_path / "absent")
    assert not (tmp_path / "absent").exists()
