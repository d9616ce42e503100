"""A grid of trials: each is measured once, what is finished is kept, and a grid may grow."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from distributed import LocalCluster

from experiments.runner import (
    ROOT,
    Trial,
    child_environment,
    grouped,
    open_study,
    run_trials,
    spread,
    timed,
    trial_name,
    write_results,
)
from gmae_tf.errors import UserError


@dataclass(frozen=True)
class Config:
    out: Path
    seeds: str = "0"
    epochs: int = 1
    device: str = "cpu"


def test_folders_are_named_by_what_distinguishes_a_trial():
    assert trial_name({"model": "vae", "seed": 0}) == "vae-seed0"
    about = {"data": "n = 8", "scale": None, "share": 0.5}
    assert trial_name(about) == "n8-share0.5"


def test_an_interrupted_grid_repeats_only_what_is_unfinished(tmp_path, capsys):
    measured = []

    def trial(model: str, fails: bool = False) -> Trial:
        def measure(folder: Path) -> dict:
            measured.append(folder.name)
            if fails:
                raise KeyboardInterrupt
            return {"error": len(model), "folder": folder, "none": float("nan")}

        return Trial({"model": model, "seed": 1}, measure)

    with pytest.raises(KeyboardInterrupt):
        run_trials(tmp_path, [trial("ae"), trial("vae", fails=True)])
    assert measured == ["ae-seed1", "vae-seed1"]
    rows = run_trials(tmp_path, [trial("vae"), trial("ae")])
    assert measured == ["ae-seed1", "vae-seed1", "vae-seed1"]
    assert [row["model"] for row in rows] == ["vae", "ae"]
    assert rows[0] == {
        "model": "vae", "seed": 1, "error": 3, "folder": str(tmp_path / "vae-seed1"), "none": None
    }  # fmt: skip
    assert "1 of 2: vae-seed1" in capsys.readouterr().out
    # A grid that has grown shows what was measured before, too.
    assert [r["model"] for r in run_trials(tmp_path, [trial("gmae")])] == ["gmae", "ae", "vae"]


def test_a_cluster_measures_what_one_machine_would_and_tells_what_failed(tmp_path, capsys):
    def trial(model: str) -> Trial:
        def measure(folder: Path) -> dict:
            folder.mkdir(parents=True)  # twice at once, or a second time, would fail
            if model == "gmae":
                raise RuntimeError("diverged")
            return {"error": len(model)}

        return Trial({"model": model, "seed": 1}, measure)

    trials = [trial(name) for name in ("ae", "gmae", "vae")]
    with LocalCluster(n_workers=2, processes=False, dashboard_address=None) as cluster:
        address = cluster.scheduler_address
        with pytest.raises(UserError, match=r"1 of 3 trials .* gmae-seed1 raised RuntimeError"):
            run_trials(tmp_path, trials, address)
        found = run_trials(tmp_path, [trials[2], trials[0]], address)
    assert [row["model"] for row in found] == ["vae", "ae"]
    assert found[0] == {"model": "vae", "seed": 1, "error": 3}
    assert "diverged" in capsys.readouterr().err
    assert found == run_trials(tmp_path, [trials[2], trials[0]])


def test_a_study_may_grow_but_not_change(tmp_path):
    folder = open_study(Config(tmp_path / "a"), "test", ("seeds",))
    assert (
        open_study(Config(tmp_path / "a", seeds="0-2", device="gpu"), "test", ("seeds",)) == folder
    )
    with pytest.raises(UserError, match="epochs was 1 and is now 2"):
        open_study(Config(tmp_path / "a", epochs=2), "test", ("seeds",))


def test_results_say_settings_and_machine(tmp_path):
    written = write_results(tmp_path / "r.json", Config(tmp_path), [{"a": (1, 2)}], images=7)
    assert json.loads((tmp_path / "r.json").read_text()) == written
    assert written["settings"] == {"seeds": "0", "epochs": 1, "device": "cpu"}
    assert (written["images"], written["results"]) == (7, [{"a": [1, 2]}])
    assert written["machine"]["cpus"] == os.cpu_count()


def test_only_a_whole_training_is_timed(tmp_path):
    trained, seconds = timed(tmp_path / "new", lambda: 5)
    assert trained == 5
    assert 0 <= seconds < 1
    assert timed(tmp_path, lambda: 6) == (6, None)


def test_groups_and_their_spread():
    rows = [{"m": "a", "x": 1.0}, {"m": "b", "x": 9.0}, {"m": "a", "x": 3.0}]
    assert {k: [r["x"] for r in v] for k, v in grouped(rows, "m").items()} == {
        ("a",): [1.0, 3.0], ("b",): [9.0]
    }  # fmt: skip
    assert spread([1.0, 3.0], 2) == "2.00 ± 1.41"
    assert spread([9.0], 0) == "9"


def test_a_child_finds_the_checkout_and_the_users_packages(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/mine")
    assert child_environment(A="b")["PYTHONPATH"] == f"{ROOT}{os.pathsep}/mine"
    assert child_environment(A="b")["A"] == "b"
    monkeypatch.delenv("PYTHONPATH")
    assert child_environment()["PYTHONPATH"] == str(ROOT)
