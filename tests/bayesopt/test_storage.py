"""The trial store: order, cache, states; kills, damage, strangers and neighbours."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import pytest

from bayesopt.storage import SurrogateFit, Trial, TrialStore
from gmae_tf.errors import UserError

RUN = {"task": "expr", "budget": 250}
ROOT = Path(__file__).resolve().parents[2]


def trial(evaluation, *, strategy="ei", seed=0, string="x", score=None) -> Trial:
    code = np.array([0.1, -np.pi, evaluation])
    return Trial(strategy, seed, 0, evaluation, string, score, True, code, code + 1, 0.5, None)


def same(first: Trial, second: Trial) -> bool:
    pairs = zip(astuple(first), astuple(second), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "trials.sqlite"


@pytest.fixture
def store(path):
    with TrialStore.open(path, RUN) as store:
        yield store


def test_trials_come_back_as_they_went_in_and_in_order(store):
    trials = [trial(2), trial(1, string=None), trial(1, seed=1), trial(1, strategy="prior")]
    store.propose(trials)
    wanted = [trials[1], trials[0], trials[2], trials[3]]
    got = store.trials()
    assert len(got) == 4
    assert all(same(a, b) for a, b in zip(got, wanted, strict=True))
    assert [t.evaluation for t in store.trials("ei", 0)] == [1, 2]
    assert [t.seed for t in store.trials("ei")] == [0, 0, 1]
    assert [t.strategy for t in store.trials(seed=0)] == ["ei", "ei", "prior"]
    assert store.trials("turbo") == []


def test_scores_are_on_disk_when_record_returns(store, path):
    store.propose([trial(1), trial(2, string="y")])
    store.record("ei", 0, 1, 0.1 + 0.2)
    with TrialStore.open(path, RUN) as other:
        assert [t.score for t in other.trials()] == [0.1 + 0.2, None]
        assert [t.evaluation for t in other.pending("ei", 0)] == [2]
        assert other.cached_score("x") == 0.1 + 0.2
        assert other.cached_score("y") is None
        assert other.cached_score("z") is None


def test_a_proposal_is_all_or_nothing(store):
    store.propose([trial(1)])
    with pytest.raises(ValueError, match="already stored"):
        store.propose([trial(2), trial(1)])
    assert len(store.trials()) == 1


def test_scores_are_not_overwritten_and_need_a_proposal(store):
    store.propose([trial(1)])
    store.record("ei", 0, 1, 2.0)
    store.record("ei", 0, 1, 2.0)
    with pytest.raises(ValueError, match="no unscored trial"):
        store.record("ei", 0, 1, 3.0)
    with pytest.raises(ValueError, match="no unscored trial"):
        store.record("ei", 0, 2, 3.0)
    with pytest.raises(ValueError, match="not finite"):
        store.record("ei", 0, 1, float("nan"))
    assert store.trials()[0].score == 2.0


def test_only_the_latest_state_is_kept(store):
    arrays = {"a": np.linspace(0, 1, 7).reshape(7, 1), "b": np.array(3.0)}
    store.save_state("ei", 0, 0, {"a": np.zeros(2)})
    store.save_state("ei", 0, 1, arrays)
    store.save_state("turbo", 0, 0, {})
    got = store.load_state("ei", 0, 1)
    assert got is not None
    assert {k: v.tolist() for k, v in got.items()} == {k: v.tolist() for k, v in arrays.items()}
    assert store.load_state("ei", 0, 0) is None
    assert store.load_state("ei", 1, 1) is None
    assert store.load_state("turbo", 0, 0) == {}


def test_objects_are_not_unpickled(store):
    store.save_state("ei", 0, 0, {"a": np.array([{}], dtype=object)})
    with pytest.raises(ValueError, match="pickle"):
        store.load_state("ei", 0, 0)


def test_fits_by_seed(store):
    for seed in (3, 1, 3):
        store.save_fit(SurrogateFit(seed, 0.7, -1.1, *np.arange(9.0).reshape(3, 3)))
    fits = store.load_fits()
    assert [fit.seed for fit in fits] == [1, 3]
    assert (fits[0].rmse, fits[0].log_likelihood) == (0.7, -1.1)
    assert fits[0].sd.tolist() == [6, 7, 8]


def test_an_empty_file_is_a_new_store(path):
    path.touch()
    with TrialStore.open(path, RUN) as store:
        assert store.trials() == []


def test_another_run_is_refused_and_named(store, path):
    store.propose([trial(1)])
    with pytest.raises(UserError, match="different run \\(other budget\\)"):
        TrialStore.open(path, {**RUN, "budget": 500})
    assert len(store.trials()) == 1


@pytest.mark.parametrize("damage", ["text", "cut", "half a page", "scrambled"])
def test_damaged_files_are_refused_and_left_alone(path, damage):
    with TrialStore.open(path, RUN) as store:
        store.propose([replace(trial(i), string="x" * 500) for i in range(1, 60)])
    content = path.read_bytes()
    broken = {
        "text": b"a,b\n1,2\n" * 100,
        "cut": content[: 3 * 4096],
        "half a page": content[:700],
        "scrambled": content[:4096] + bytes(len(content) - 4096),
    }[damage]
    path.write_bytes(broken)
    with pytest.raises(UserError, match="damaged or not a trial store; move it away"):
        TrialStore.open(path, RUN)
    assert path.read_bytes() == broken


def test_a_foreign_database_is_refused(path):
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE notes (t TEXT)")
    with pytest.raises(UserError, match="another program"):
        TrialStore.open(path, RUN)


def test_another_version_is_refused(store, path):
    store._connection.execute("ALTER TABLE trials ADD COLUMN rank INTEGER")
    with pytest.raises(UserError, match="another version"):
        TrialStore.open(path, RUN)


def test_a_missing_folder_and_a_folder_in_its_place(tmp_path):
    for path in (tmp_path / "no" / "trials.sqlite", tmp_path):
        with pytest.raises(UserError, match="cannot be written"):
            TrialStore.open(path, RUN)


def test_a_lock_that_stays_is_reported(store, path, monkeypatch):
    monkeypatch.setattr("bayesopt.storage.BUSY_SECONDS", 0.05)
    store._connection.execute("BEGIN EXCLUSIVE")
    with pytest.raises(UserError, match="locked by another program"):
        TrialStore.open(path, RUN)


WRITER = """
import sys, numpy as np
from bayesopt.storage import Trial, TrialStore
path, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
code = np.zeros(25)
with TrialStore.open(path, {"task": "expr", "budget": 250}) as store:
    for i in range(1, count + 1):
        store.propose([Trial("ei", seed, 0, i, str(i), None, False, code, code)])
        store.record("ei", seed, i, float(i))
        print(i, flush=True)
"""


def writer(path: Path, seed: int, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(seed), str(count)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_killed_writer_loses_nothing_that_it_was_told_is_stored(path):
    process = writer(path, 0, 100_000)
    assert process.stdout is not None
    assert process.stdout.readline() == "1\n"
    time.sleep(0.3)
    process.send_signal(signal.SIGKILL)
    told = [int(line) for line in process.stdout.read().split()]
    process.wait()
    process.stdout.close()
    with TrialStore.open(path, RUN) as store:
        scored = [t for t in store.trials() if t.score is not None]
        pending = store.pending("ei", 0)
    assert told
    assert [t.evaluation for t in scored] == list(range(1, len(scored) + 1))
    assert len(scored) in (told[-1], told[-1] + 1)
    assert len(pending) <= 1
    assert all(t.score == t.evaluation for t in scored)


def test_two_processes_write_two_seeds(path):
    processes = [writer(path, seed, 40) for seed in (0, 1)]
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    with TrialStore.open(path, RUN) as store:
        assert [len(store.trials(seed=seed)) for seed in (0, 1)] == [40, 40]
        assert store.pending("ei", 0) == store.pending("ei", 1) == []


def test_failed_trials_are_not_waited_for_until_they_are_scored_after_all(store, path):
    store.propose([trial(1), trial(2), trial(3)])
    store.fail("ei", 0, [2, 3])
    store.fail("ei", 0, [3])  # again, which changes nothing
    with TrialStore.open(path, RUN) as other:
        assert [t.evaluation for t in other.trials() if t.failed] == [2, 3]
        assert [t.evaluation for t in other.pending("ei", 0)] == [1]
        other.record("ei", 0, 3, 1.5)
        assert [t.evaluation for t in other.trials() if t.failed] == [2]
    assert [t.score for t in store.trials()] == [None, None, 1.5]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE trials SET score = 'x'",
        "UPDATE trials SET code = 'x'",
        "UPDATE trials SET code = x'0102'",
        "UPDATE trials SET string = x'ff'",
        "UPDATE trials SET predicted_mean = x'00'",
        "UPDATE states SET arrays = 'x'",
        "UPDATE states SET arrays = x'504b0304'",
        "UPDATE batches SET about = 'x'",
        "UPDATE batches SET about = '[1]'",
        "UPDATE fits SET arrays = (SELECT arrays FROM states)",
        "UPDATE run SET fingerprint = 'x'",
        "UPDATE run SET fingerprint = CAST(x'ff' AS TEXT)",
        "DELETE FROM run",
    ],
)
def test_values_that_were_never_written_are_damage(path, change):
    def read_all():
        with TrialStore.open(path, RUN) as again:
            again.trials()
            again.load_state("ei", 0, 0)
            again.descriptions("ei", 0)
            again.load_fits()

    with TrialStore.open(path, RUN) as made:
        made.propose([trial(1, score=1.5)])
        made.save_state("ei", 0, 0, {"a": np.ones(2)})
        made.describe("ei", 0, 0, {"n": 1})
        made.save_fit(SurrogateFit(0, 0.1, 0.2, np.ones(2), np.ones(2), np.ones(2)))
    read_all()
    connection = sqlite3.connect(path)
    connection.execute(change)
    connection.commit()
    connection.close()
    with pytest.raises(UserError, match="is damaged or not a trial store"):
        read_all()


@pytest.mark.parametrize("seed", range(20))
def test_bytes_that_changed_anywhere_end_in_a_sentence_or_in_the_same_trials(path, seed):
    rng, state = np.random.default_rng(seed), {"weights": np.arange(2000.0)}
    with TrialStore.open(path, RUN) as store:
        store.propose([trial(i, string=f"string {i}") for i in range(1, 200)])
        store.save_state("ei", 0, 0, state)
        store.describe("ei", 0, 0, {"pool": 3})
    content = bytearray(path.read_bytes())
    place = int(rng.integers(len(content)))
    content[place : place + 300] = rng.bytes(len(content[place : place + 300]))
    path.write_bytes(content)
    found = None
    with suppress(UserError), TrialStore.open(path, RUN) as store:
        found = store.trials()
        store.load_state("ei", 0, 0), store.descriptions("ei", 0), store.load_fits()
    assert found is None or len(found) == 199


def test_a_damaged_state_is_one_sentence(store, path):
    store.save_state("ei", 0, 0, {"weights": np.arange(3.0)})
    store._connection.execute("UPDATE states SET arrays = substr(arrays, 1, 60)")
    with pytest.raises(UserError, match="is damaged"):
        store.load_state("ei", 0, 0)


def test_a_store_that_cannot_be_written_is_refused(store, path):
    store.propose([trial(1)])
    store._connection.execute("PRAGMA query_only = 1")  # what SQLite finds of a read-only file
    with pytest.raises(UserError, match=r"cannot be written .*readonly.*permissions"):
        store.record("ei", 0, 1, 0.5)
    assert len(store.trials()) == 1


def test_a_full_disk_loses_nothing_and_the_store_goes_on_once_there_is_room(store, path):
    store.propose([trial(1)])
    (pages,) = store._connection.execute("PRAGMA page_count").fetchone()
    store._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(UserError, match=r"is full.*: make room, and the same command goes on"):
        store.propose([trial(i, string="x" * 3000) for i in range(2, 9)])
    assert len(store.trials()) == 1
    store._connection.execute("PRAGMA max_page_count = 1000000")
    store.propose([trial(2)])
    store.record("ei", 0, 1, 0.5)
    assert [t.score for t in store.trials()] == [0.5, None]
