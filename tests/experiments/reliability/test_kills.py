"""The campaign of kills finds what is lost and what ends otherwise, and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.reliability import kills
from experiments.reliability.kills import Course, KillsConfig, campaign, table, untimed

COUNTS = """
import signal, sys, time
from pathlib import Path

path = Path(sys.argv[1])
path.parent.mkdir(parents=True, exist_ok=True)
done = path.read_text().splitlines()[LOST:] if path.exists() else []
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
try:
    for number in range(int(done[-1]) + 1 if done else 0, 8):
        time.sleep(0.02)
        done.append(str(number))
        path.write_text("\\n".join(done))
except KeyboardInterrupt:
    sys.exit(130)
"""


def counting(*, lost: int) -> Course:
    """A command that counts to 8 in a file, and forgets so many numbers when it goes on."""

    def stored(folder: Path) -> dict[str, str]:
        path = folder / "numbers"
        return {n: n for n in path.read_text().splitlines()} if path.exists() else {}

    code = COUNTS.replace("LOST", str(lost))
    return Course(
        steps=lambda folder: [["-c", code, str(folder / "numbers")]],
        stored=stored,
        result=lambda folder: (folder / "numbers").read_text(),
    )


@pytest.mark.parametrize("lost", [0, 1])
def test_what_goes_on_as_it_should_and_what_does_not(
    lost: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(kills.COURSES, "train", counting(lost=lost))
    config = KillsConfig(kills=6, out=tmp_path / "runs", results=tmp_path)
    campaign("train", kills.COURSES["train"], config)
    record = json.loads((tmp_path / "kills_train.json").read_text())
    assert len(record["kills"]) == 6
    assert {kill["signal"] for kill in record["kills"]} == {"SIGKILL", "SIGTERM", "SIGINT"}
    well = all(record["equal"]) and not any(kill["lost"] for kill in record["kills"])
    assert well == (lost == 0)
    titles, lines = table(tmp_path)
    assert dict(zip(titles, lines[0], strict=True))["kills"] == "6 of 6"


def test_a_campaign_goes_on_with_its_record_and_a_whole_one_is_made_again(
    tmp_path: Path,
) -> None:
    course, path = counting(lost=0), tmp_path / "kills_train.json"
    campaign("train", course, KillsConfig(kills=2, out=tmp_path / "runs", results=tmp_path))
    first = json.loads(path.read_text())
    campaign("train", course, KillsConfig(kills=4, out=tmp_path / "runs", results=tmp_path))
    more = json.loads(path.read_text())
    assert more["kills"][:2] == first["kills"]
    assert [kill["signal"] for kill in more["kills"][2:]] == ["SIGINT", "SIGKILL"]
    assert len(more["equal"]) > len(first["equal"])
    config = KillsConfig(kills=4, seed=1, out=tmp_path / "runs", results=tmp_path)
    assert kills.recorded(path, config) == ([], [])
    assert kills.recorded(path, replace(config, seed=0)) == ([], [])  # it is whole


def test_results_are_compared_without_their_times() -> None:
    row = {"mse": 1.0, "seconds": 3, "seconds_each": 2, "rows": [{"time": 1, "x": 2}]}
    assert untimed(row) == {"mse": 1.0, "rows": [{"x": 2}]}
