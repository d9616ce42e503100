"""The fuzzer finds each kind of fault, and a few cases of each kind of input pass."""

from __future__ import annotations

import os
import time
from functools import partial

import numpy as np
import pytest

from experiments.reliability import fuzz, inputs, mutations
from experiments.reliability.fuzz import GOOD, _working_folder
from experiments.reliability.isolated import Limits, Outcome, judged, tried
from experiments.reliability.readers import KINDS, write
from gmae_tf.errors import UserError

HEAVY = ("models of images", "models of strings")


def faulty(number: int) -> None:
    """A reader with every fault."""
    if number == 1:
        raise UserError("this is wrong: mend it")
    if number == 2:
        raise ZeroDivisionError
    if number == 3:
        raise SystemExit(2)  # without a sentence
    if number == 4:
        while True:
            pass
    if number == 5:
        time.sleep(60)
    if number == 6:
        os.abort()
    if number == 7:
        hoard = [b"x" * 300_000_000]
        time.sleep(60)
        del hoard
    if number == 8:
        os.write(2, b"W0000 a line of another library\n")


def make_faulty():
    return faulty


def test_every_kind_of_fault_is_seen_and_the_next_case_is_tried():
    limits = Limits(cpu=0.5, wall=2.0, memory=300_000_000)
    found = [row.result for row in tried(iter(range(10)), make_faulty, limits)]
    assert found == [
        *("read", "refused", "traceback", "traceback", "hang", "hang", "crash", "memory"),
        *("noise", "read"),
    ]


@pytest.mark.parametrize("faults", [0, 1])
def test_a_campaign_keeps_its_record_by_seed_as_it_goes(tmp_path, monkeypatch, faults):
    bad = [Outcome(3, "traceback", "", 1.0, 1e9)] * faults
    found = [Outcome(0, "read", "", 2.0, 5e8), *bad, Outcome(1, "refused", "", 1.5, 3e8)]
    seen = []

    def as_they_come(*_):
        for row in found:
            yield row
            seen.append((tmp_path / "fuzz_7.json").exists())

    monkeypatch.setattr(fuzz, "tried", as_they_come)
    monkeypatch.setattr(fuzz, "EVERY", 1)
    config = fuzz.FuzzConfig(n=2 + faults, seed=7, results=tmp_path)
    if faults:
        with pytest.raises(SystemExit):
            fuzz.campaign(config)
    else:
        fuzz.campaign(config)
    assert all(seen)
    _, [row] = fuzz.table(tmp_path)
    n = str(2 + faults)
    assert row == ["7", f"{n} of {n}", "1", "1", str(faults), "2", "1.00" if faults else "0.50"]


def test_a_payload_that_runs_is_seen(tmp_path):
    with pytest.raises(RuntimeError, match="executed"), _working_folder(tmp_path / "1") as folder:
        (folder / mutations.CANARY).touch()
    with pytest.raises(RuntimeError, match="executed"), _working_folder(tmp_path / "2"):
        (tmp_path / "elsewhere").touch()
    assert not (tmp_path / "2").exists()


@pytest.mark.parametrize(
    "kind", [k for k in KINDS if k.name not in HEAVY], ids=lambda kind: kind.name
)
def test_mutated_inputs_are_read_or_refused(kind, tmp_path, monkeypatch):
    seeds = kind.seeds()
    for number in range(3):
        rng = np.random.default_rng([5, number])
        folder = tmp_path / str(number)
        folder.mkdir()
        monkeypatch.chdir(folder)
        path = write(seeds[rng.integers(len(seeds))], folder, rng)
        result, about = judged(partial(kind.read, path))
        assert result in GOOD, about
        assert not (folder / mutations.CANARY).exists()


def test_a_case_is_the_same_wherever_it_is_made(tmp_path):
    made = []
    for name in "ab":
        (tmp_path / name).mkdir()
        seeds = inputs.tables()
        rng = np.random.default_rng([0, 3])
        made.append(write(seeds[0], tmp_path / name, rng).read_bytes())
    assert made[0] == made[1]


@pytest.mark.parametrize("size", [0, 1, 1000])
@pytest.mark.parametrize("seed", range(3))
def test_mutations_take_any_bytes_and_stay_small_enough(size, seed):
    mutate = partial(mutations.bytes_mutated, bytes(size))
    assert len(mutate(np.random.default_rng(seed))) <= mutations.LARGEST
