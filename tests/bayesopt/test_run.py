"""python -m bayesopt.run as a user runs it."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bayesopt.cli.options import RunConfig, as_published
from bayesopt.run import main

ROOT = Path(__file__).parents[2]
SMALL = ("--n-data", 400, "--points", 300, "--inducing-points", 20, "--batch-size", 10)


@pytest.fixture(scope="module")
def killed(tmp_path_factory) -> tuple[Path, int]:
    """The folder of a run that was killed, and how many evaluations it had stored."""
    out = tmp_path_factory.mktemp("run") / "expr"
    command = [sys.executable, "-m", "bayesopt.run", "--task", "expr", *arguments_for(out)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 600
    while process.poll() is None and _scored(out) < 10 and time.monotonic() < deadline:
        time.sleep(0.1)
    process.kill()
    process.wait()
    return out, _scored(out)


@pytest.fixture(scope="module")
def finished(run_here, killed) -> Path:
    """The same run, continued to its end."""
    out, _ = killed
    done = run_here("-m", "bayesopt.run", "--task", "expr", *arguments_for(out))
    assert done.returncode == 0, done.stderr
    assert "continuing" in done.stdout
    assert "x" in done.stdout
    assert "report.html" in done.stdout
    return out


def test_killed_run_keeps_what_was_evaluated(killed):
    assert 10 <= killed[1] < 60  # cut short; of the strategy and two baselines together


def test_results_have_the_documented_keys(finished):
    results = json.loads((finished / "results.json").read_text())
    assert results["task"] == "expr"
    assert len(results["top"]) == 3
    row = results["top"][0]
    assert {"string", "score", "in_training_data", "evaluation"} <= set(row)
    assert {
        "rmse",
        "rmse_standard_error",
        "log_likelihood",
        "log_likelihood_standard_error",
    } <= set(results["surrogate"])
    assert results["validity"] == 1.0
    shares = results["sources"].values()
    assert sum(share["evaluations"] for share in shares) == pytest.approx(1.0)
    assert results["kernel"]["batches"] == results["chains"]["batches"] > 0
    assert results["evaluations"] == 20
    assert results["seeds"] == [0]
    assert set(results["baselines"]) == {"random", "prior"}
    assert results["config"]["budget"] == 20
    assert "gpflow" in results["versions"]


def test_every_trial_is_stored_once(finished):
    with sqlite3.connect(finished / "trials.sqlite") as store:
        rows = store.execute("SELECT string, score FROM trials WHERE strategy = 'joint'").fetchall()
    assert len(rows) == len({string for string, _ in rows}) == 20
    assert all(score is not None for _, score in rows)


def test_page_is_self_contained(finished):
    page = (finished / "report.html").read_text()
    assert "<img" in page
    assert 'src="http' not in page


def arguments_for(out: Path, *more: object) -> list[str]:
    return [str(a) for a in (*SMALL, "--budget", 20, "--out", out, *more)]


def test_same_command_evaluates_nothing_twice(finished, capsys):
    before = (finished / "results.json").read_text()
    main(arguments_for(finished))
    assert "continuing" in capsys.readouterr().out
    assert json.loads((finished / "results.json").read_text())["top"] == json.loads(before)["top"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--points", 200), "points was 300 and is now 200"),
        (("--target", "2*y"), r"\^"),
        (("--target-csv", "absent.csv"), "says nothing about formulas of a table"),
        (("--seeds", "9-0"), "run backwards"),
        (("--budget", "-5"), "--budget must be 0 or more"),
        (("--surrogate", "deep"), "does not read counts"),
        (("--revisit",), "leave out --revisit"),
        (("--model", "absent"), "absent does not hold a trained model"),
        (("--bugdet", "5"), "did you mean --budget"),
        (("--device", "gpu"), "GPU"),
    ],
)
def test_bad_input_is_one_sentence(finished, tmp_path, capsys, arguments, sentence):
    out = finished if arguments[0] == "--points" else tmp_path / "out"
    with pytest.raises(SystemExit) as stop:
        main(arguments_for(out, *arguments))
    assert stop.value.code == 2
    assert re.search(sentence, capsys.readouterr().err)


def test_mistake_ends_the_process_without_a_traceback(run_here, tmp_path):
    done = run_here("-m", "bayesopt.run", "--target", "2*y", "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "^" in done.stderr


CHEAP = """
import sys, time
from bayesopt.run import main
begun = time.perf_counter()
for arguments, sentence in (
    ("--model absent", "absent does not hold"),
    ("--target-csv absent.csv", "cannot read absent.csv"),
    ("--target 2*y", "2*y"),
    ("--data absent.txt", "absent.txt cannot be read"),
    ("--target-csv {broken}/training.npy", "training.npy is not a text file"),
    ("--task molecules --data {broken}/book.csv", "book.csv is a spreadsheet"),
    ("--out README.md", "README.md is a file"),
    ("--out README.md/run", "README.md is a file"),
    ("--task molecules --objective qde", "did you mean qed"),
    ("--task molecules --objective nomod:func", "nomod:func cannot be imported"),
    ("--task molecules --model {broken}", "a file is damaged or of another model"),
    ("--task molecules --data absent.csv", "absent.csv cannot be read"),
    ("--task molecules --scheduler nowhere", "no scheduler of dask.distributed answers"),
    ("--task molecules --jobs 2 --scheduler nowhere", "leave one of them out"),
    ("--task molecules --data {csv} --value-column y", "ask --data"),
    ("--task molecules --data {csv} --value-column pIC50 --objective qed", "no column 'pIC50'"),
    ("--task strings --objective a.b:c", "needs --model"),
    ("--task strings --model grammar/pretrained/expressions --objective a.b:c", "a.b:c cannot be"),
    ("status --out {broken}", "holds no batch"),
    ("predict --out {broken} absent.csv", "absent.csv cannot be read"),
    ("--task molecules --max-sa 0.5", "max_sa is 0.5"),
    ("ask --data {csv} --value-column pIC50 --maximize", "no column 'pIC50'"),
    ("ask --data {csv} --value-column y --maximize", "only 1 known molecules have a value"),
    ("tell --out {broken} {csv}", "holds no batch"),
):
    try:
        main(arguments.format(csv=sys.argv[1], broken=sys.argv[2]).split())
    except SystemExit as stop:
        assert stop.code == 2
    print("expected:", sentence, "@", file=sys.stderr)
heavy = {"tensorflow", "keras", "gpflow"} & sys.modules.keys()
assert not heavy, heavy
print(time.perf_counter() - begun)
"""


def test_wrong_paths_and_names_are_told_before_anything_heavy_is_imported(run_cli, tmp_path):
    csv = tmp_path / "mine.csv"
    csv.write_text("smiles,y\nCCO,1\n")
    broken = tmp_path / "broken"
    shutil.copytree(ROOT / "grammar/pretrained/expressions", broken)
    (broken / "book.csv").write_bytes(b"PK\x03\x04\xff\xfe")
    (broken / "model.weights.h5").write_bytes(b"cut")
    done = run_cli("-c", CHEAP, csv, broken)
    assert done.returncode == 0, done.stderr
    for told in done.stderr.split("@")[:-1]:
        message, expected = told.split("expected: ")
        assert "error: " in message
        assert expected.strip() in message


def test_damaged_store_is_refused_and_kept(finished, tmp_path, capsys):
    copy = tmp_path / "copy"
    shutil.copytree(finished, copy)
    store = copy / "trials.sqlite"
    damaged = b"SQLite format 3\x00" + b"\xff" * 3000
    store.write_bytes(damaged)
    with pytest.raises(SystemExit) as stop:
        main(arguments_for(copy))
    assert stop.value.code == 2
    assert "trials.sqlite" in capsys.readouterr().err
    assert store.read_bytes() == damaged


def _scored(out: Path) -> int:
    path = out / "trials.sqlite"
    if not path.exists():
        return 0
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5) as store:
            query = "SELECT count(*) FROM trials WHERE score IS NOT NULL"
            return int(store.execute(query).fetchone()[0])
    except sqlite3.OperationalError:
        return 0  # not created yet


def test_the_papers_protocol_takes_everything_back():
    config = as_published(RunConfig(protocol="paper", seeds="0-3", budget=7))
    assert (config.strategy, config.reads) == ("ei", "codes")
    assert (config.points, config.inducing_points) == (0, 500)
    assert (config.kernel, config.revisit) == ("squared_exponential", True)
    assert config.exclude_better_than == -1
    assert (config.seeds, config.budget) == ("0-3", 7)
    assert as_published(RunConfig(task="molecules", protocol="paper")).exclude_better_than is None
    assert as_published(RunConfig(seeds="2")) == RunConfig(seeds="2")
