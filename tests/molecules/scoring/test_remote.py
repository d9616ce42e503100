"""Scores from the workers of a cluster: those of this machine, each once, whoever dies."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import dask
import numpy as np
import pytest
from distributed import LocalCluster

import bayesopt
from gmae_tf.errors import UserError
from molecules.scoring import remote
from molecules.scoring.scorer import Scorer
from tests.bayesopt.toy import ExactGP

RECORD = """
import os, signal, time
from pathlib import Path

def value(text):
    with open(Path(__file__).parent / "asked.txt", "a") as file:
        file.write(f"{text} {os.getppid()}\\n")
    if text == "hangs": time.sleep(60)
    if text == "ends": os.kill(os.getpid(), signal.SIGKILL)
    if text == "kills": os.kill(os.getppid(), signal.SIGKILL); time.sleep(60)
    time.sleep(0.05)
    return len(text)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder on the path, with a function that writes down what it is asked."""
    (tmp_path / "recording.py").write_text(RECORD)
    monkeypatch.syspath_prepend(tmp_path)
    before = [path for path in [os.environ.get("PYTHONPATH")] if path]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *before]))
    return tmp_path


@pytest.fixture
def threads() -> Iterator[str]:
    """A cluster whose two workers are threads of this process."""
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        yield cluster.scheduler_address


def asked(folder: Path) -> list[str]:
    return [line.split()[0] for line in (folder / "asked.txt").read_text().splitlines()]


def test_a_cluster_scores_as_this_machine_does(folder: Path, threads: str) -> None:
    smiles = ["C" * n for n in range(1, 120)] + ["OCC", "CCO", "C1CC"]
    counted: list[int] = []
    with Scorer("qed", jobs=1) as here, Scorer("qed", scheduler=threads) as there:
        assert there.score(smiles, lambda: counted.append(1)) == here.score(smiles)
        assert len(counted) == 120  # two spellings are one molecule, and one string is none
    with Scorer("recording:value", time_limit=0.5, molecules=False, scheduler=threads) as scorer:
        scores = scorer.score(["a", "hangs", "ends", "abc"])
    assert [score.value for score in scores if score.ok] == [1, 3]
    assert [score.reason for score in scores if not score.ok] == [
        "took longer than 0.5 s",
        "ended its process (SIGKILL)",
    ]
    assert sorted(asked(folder)) == ["a", "abc", "ends", "hangs"]
    assert not any(remote._idle.values())  # no process is left behind


def test_what_a_cluster_cannot_do_is_one_sentence(threads: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"on a worker .*absent_module:value cannot be imported"):
        Scorer("absent_module:value", scheduler=threads)
    with pytest.raises(UserError, match="leave one of them out"):
        Scorer("qed", jobs=2, scheduler=threads)
    (tmp_path / "scheduler.json").write_text("{}")
    for wrong in ("nowhere", "http://host:1", "tcp:/host:1", str(tmp_path / "scheduler.json")):
        with pytest.raises(UserError, match="no scheduler of dask"):
            Scorer("qed", scheduler=wrong)


def test_processes_of_a_search_that_has_gone_are_ended(
    threads: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, other = Scorer("qed", scheduler=threads), Scorer("logp", scheduler=threads)
    gone.values(["C"])
    [[(_, worker)]] = [waiting for waiting in remote._idle.values() if waiting]
    assert worker._process is not None
    monkeypatch.setattr(remote, "IDLE_LIMIT", 0.0)
    other.values(["C"])
    assert worker._process is None
    other.close()
    gone.close()


class Numbers:
    """A model of the strings "0" to "40"."""

    latent_dim = 1

    def encode(self, strings):
        return np.array([[int(s) / 10 - 2] for s in strings])

    def decode(self, codes):
        return [
            str(n) if 0 <= n <= 40 else None for n in np.rint(10 * codes[:, 0] + 20).astype(int)
        ]


@pytest.mark.slow
def test_a_killed_worker_loses_nothing_and_counts_nothing_twice(folder: Path) -> None:
    strings = [f"{number:03d}" for number in range(40)] + ["kills"]
    quick = dask.config.set({"distributed.scheduler.allowed-failures": 0})
    with quick, LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        counted: list[int] = []

        def kill() -> None:
            while len(counted) < 10:
                time.sleep(0.02)
            os.kill(cluster.workers[0].process.pid, signal.SIGKILL)

        killer = threading.Thread(target=kill)
        killer.start()
        with Scorer(
            "recording:value", molecules=False, scheduler=cluster.scheduler_address
        ) as scorer:
            scores = scorer.score(strings, lambda: counted.append(1))
            killer.join()
    assert [score.value for score in scores[:-1]] == [3.0] * 40
    assert scores[-1].reason == "ended every worker of the cluster that tried"
    assert len(counted) == len(strings)
    assert set(asked(folder)) == set(strings)


def test_a_search_on_a_cluster_is_the_search_here(folder: Path, threads: str) -> None:
    found = []
    for place in ({"jobs": 2}, {"scheduler": threads}):
        with Scorer("recording:value", molecules=False, **place) as scorer:
            table = bayesopt.search(
                scorer.values, Numbers(), 12, vectorized=True, batch_size=6, surrogate=ExactGP
            )
        found.append(table)
    assert len(found[0]) == 12
    assert found[0].equals(found[1])
