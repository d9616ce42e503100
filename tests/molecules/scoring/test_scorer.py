"""Scores from processes: equal to direct ones, and nothing that a molecule does ends a batch."""

from __future__ import annotations

import _thread
import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from gmae_tf.errors import UserError
from molecules.chem.penalized import ZINC_B, Normalisation
from molecules.chem.properties import find
from molecules.scoring.objective import Objective
from molecules.scoring.scorer import Scorer

ROOT = Path(__file__).resolve().parents[3]
ODD = """
import os, signal, subprocess, sys, time
from pathlib import Path

HERE = Path(__file__).parent

def value(smiles):
    with open(HERE / "asked.txt", "a") as file:
        file.write(smiles + "\\n")
    (HERE / "pid.txt").write_text(str(os.getpid()))
    if "N" in smiles: raise ValueError("no\\nnitrogen")
    if "F" in smiles: return float("nan")
    if "S" in smiles:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        while True: pass
    if "P" in smiles: os.kill(os.getpid(), signal.SIGKILL)
    if "Cl" in smiles: sys.exit(3)
    if "Br" in smiles: return None
    if "B" in smiles: os._exit(7)
    if "I" in smiles: print("a line that is no answer", flush=True); return input() or 1
    if "Ge" in smiles: hoard = b"x" * 500_000_000; time.sleep(60)
    if "K" in smiles: time.sleep(2)
    if "O" in smiles:
        child = subprocess.Popen(["sleep", "300"])
        (HERE / "child.txt").write_text(str(child.pid))
        child.wait()
    return len(smiles)

constant = 3
"""


@pytest.fixture
def odd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder, the current one, with a module whose function does anything."""
    (tmp_path / "odd_objective.py").write_text(ODD)
    (tmp_path / "broken_objective.py").write_text("raise RuntimeError('half written')")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def scorer() -> Iterator[Scorer]:
    with Scorer("penalized_logp", jobs=2) as scorer:
        yield scorer


def test_scores_are_the_properties_own_and_failures_have_reasons(scorer: Scorer) -> None:
    asked = ["CCCCCCCCCCCC", None, "CCCCC1cccc(c1)", "", "C1CC", "C(CCC)CCCCCCCC"]
    results = scorer.score(asked)
    assert [result.smiles for result in results] == asked
    assert [result.ok for result in results] == [True, False, False, False, False, True]
    assert results[0].value == results[5].value == pytest.approx(4.1535, abs=1e-3)
    assert results[0].canonical == results[5].canonical == "CCCCCCCCCCCC"
    assert "kekulize" in results[2].reason
    assert results[2].canonical is None
    assert all(result.reason and math.isnan(result.value) for result in results[1:5])
    assert scorer.maximise
    assert not Scorer("sa").maximise


def test_many_molecules_on_two_workers_keep_their_order(scorer: Scorer) -> None:
    asked = ["C" * length + end for length in range(1, 110) for end in ("", "O", "N", "c1ccccc1")]
    asked += ["C" * length + "C(=O)O" for length in range(1, 110)]
    told: list[int] = []
    found = [result.value for result in scorer.score(asked, progress=lambda: told.append(1))]
    direct = find("penalized_logp")
    assert found == [direct(smiles) for smiles in asked]
    assert len(asked) > 500
    assert 0 < len(told) <= len(asked)
    assert scorer.score([]) == []


def test_every_way_to_fail_is_told_and_ends_nothing(odd: Path) -> None:
    asked = ["CN", "C", "CF", "CS", "CC", "CP", "CCl", "CBr", "CB", "CI", "CCC", "x"]
    with Scorer("odd_objective:value", jobs=2, time_limit=0.5) as scorer:
        results = dict(zip(asked, scorer.score(asked), strict=True))
    assert {s: r.value for s, r in results.items() if r.ok} == {"C": 1.0, "CC": 2.0, "CCC": 3.0}
    reasons = {"CN": "ValueError: no nitrogen", "CF": "nan", "CS": "took longer than 0.5 s",
               "CP": "ended its process (SIGKILL)", "CCl": "SystemExit: 3", "CBr": "TypeError",
               "CB": "ended its process (exit status 7)", "CI": "EOFError", "x": "'x'"}  # fmt: skip
    for smiles, reason in reasons.items():
        assert reason in results[smiles].reason, smiles
    assert scorer.maximise


def test_no_molecule_is_paid_for_twice(odd: Path) -> None:
    with Scorer("odd_objective:value", jobs=2, time_limit=0.5) as scorer:
        first = scorer.values(["CCC", "C(C)C", "CS", "CN"])
        again = scorer.values(["C(C)C", "SC", "NC", "CCC"])
    assert np.array_equal(first, [3, 3, np.nan, np.nan], equal_nan=True)
    assert np.array_equal(again, [3, np.nan, np.nan, 3], equal_nan=True)
    assert sorted((odd / "asked.txt").read_text().split()) == ["CCC", "CN", "CS"]


def test_a_time_limit_also_ends_the_programs_that_a_function_started(odd: Path) -> None:
    with Scorer("odd_objective:value", jobs=1, time_limit=1) as scorer:
        before = time.monotonic()
        assert scorer.score(["CCO", "CC"])[1].value == 2.0
        assert time.monotonic() - before < 20
        assert _gone(int((odd / "child.txt").read_text()))
        worker = int((odd / "pid.txt").read_text())
        assert not _gone(worker, wait=0)
    assert _gone(worker)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc")
def test_a_memory_limit_ends_one_molecule_and_no_other(odd: Path) -> None:
    with Scorer("odd_objective:value", jobs=1, time_limit=30, memory_limit=0.4) as scorer:
        large, small = scorer.score(["C[GeH3]", "CC"])
    assert large.reason == "took more than 0.4 GB of memory"
    assert small.value == 2.0
    with pytest.raises(UserError, match="the memory limit is 0: give positive gigabytes"):
        Scorer("logp", memory_limit=0)


def test_an_interruption_leaves_no_process_behind(odd: Path) -> None:
    scorer = Scorer("odd_objective:value", jobs=1, time_limit=600)
    scorer.score(["C"])
    timer = threading.Timer(0.5, _thread.interrupt_main)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        scorer.score(["CS", "CC"])
    assert _gone(int((odd / "pid.txt").read_text()))
    with scorer:
        assert scorer.values(["CCC"]).tolist() == [3.0]


def test_workers_end_when_their_parent_is_killed(odd: Path) -> None:
    program = (
        "import os; from molecules.scoring.scorer import Scorer; "
        "s = Scorer('odd_objective:value', jobs=1); s.score(['C']); os.kill(os.getpid(), 9)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", program], env=environment, timeout=120, check=False)
    assert _gone(int((odd / "pid.txt").read_text()))


def test_a_worker_says_nothing_of_a_parent_that_was_killed(odd: Path) -> None:
    program = (
        "import os, threading; from molecules.scoring.scorer import Scorer; "
        "s = Scorer('odd_objective:value', jobs=1); s.score(['C']); "
        "threading.Timer(0.5, os.kill, (os.getpid(), 9)).start(); s.score(['[K]'])"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        timeout=120,  # until the worker, too, has closed its error output
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (-9, "")


def test_a_killed_idle_worker_is_replaced(odd: Path) -> None:
    with Scorer("odd_objective:value", jobs=1) as scorer:
        scorer.score(["C"])
        pid = int((odd / "pid.txt").read_text())
        os.kill(pid, 9)
        time.sleep(0.2)
        assert scorer.values(["CC"]).tolist() == [2.0]


def test_similarity_and_own_normalisation_reach_the_workers() -> None:
    own = Normalisation((1.0, -2.0, 0.0), (2.0, 3.0, 4.0))
    for objective in (
        Objective("similarity", to="CCCCO"),
        Objective("penalized_logp_data", normalisation=own),
    ):
        direct = find(objective.name, objective.to, objective.normalisation)
        with Scorer(objective, jobs=1) as scorer:
            assert scorer.values(["CCCO"]).tolist() == [direct("CCCO")]
    assert Objective.from_json(Objective("x", None, ZINC_B).to_json()).normalisation == ZINC_B


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        ("logq", "did you mean logp"),
        ("similarity", "--to"),
        ("no_such_module_here:value", "No module named"),
        ("odd_objective:missing", "no attribute 'missing'"),
        ("odd_objective:constant", "not a function but int"),
        ("broken_objective:value", "half written"),
        ("odd objective:value", "package.module:function"),
    ],
)
def test_a_wrong_objective_is_refused_at_once(odd: Path, objective: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        Scorer(objective)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("jobs", "limit"), [(0, 1.0), (1, 0.0), (1, math.nan), (1, math.inf)])
def test_impossible_settings_are_refused(jobs: int, limit: float) -> None:
    with pytest.raises(UserError, match="give"):
        Scorer("logp", jobs=jobs, time_limit=limit)


def _gone(pid: int, wait: float = 10) -> bool:
    """Whether a process ends within `wait` seconds; one that nobody has reaped has ended."""
    end = time.monotonic() + wait
    while True:
        try:
            os.kill(pid, 0)
            state = subprocess.check_output(["ps", "-o", "state=", "-p", str(pid)], text=True)
        except (ProcessLookupError, subprocess.CalledProcessError):
            return True
        if state.startswith("Z"):
            return True
        if time.monotonic() >= end:
            return False
        time.sleep(0.05)
