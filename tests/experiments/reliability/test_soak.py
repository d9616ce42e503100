"""The soak records the memory of a course as it goes, and draws it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from experiments.reliability import soak
from experiments.reliability.soak import Points, SoakConfig, resident, summary

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def test_a_course_that_keeps_everything_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = []

    def hoarding(n: int) -> Iterator[int]:
        for done in range(1, n + 1):
            kept.append(np.ones(1_000_000))
            yield done

    monkeypatch.setitem(soak.COURSES, "search", hoarding)
    soak.soak(SoakConfig(what="search", n=10, out=tmp_path, figures=tmp_path))
    record = json.loads((tmp_path / "soak_search.json").read_text())
    assert [sample["done"] for sample in record["samples"]] == list(range(1, 11))
    first, last = record["samples"][0]["process_mb"], record["samples"][-1]["process_mb"]
    assert 60 < last - first < 90  # nine arrays of 8 MB
    assert (tmp_path / "soak.png").read_bytes().startswith(b"\x89PNG")
    assert "10 of 10 evaluations" in " ".join(capsys.readouterr().out.split())


def test_a_course_ends_when_its_time_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(soak.COURSES, "ask_tell", lambda n: iter(range(1, n + 1)))
    config = SoakConfig(what="ask_tell", n=9, seconds=1e-9, out=tmp_path, figures=tmp_path)
    soak.soak(config)
    found = summary(tmp_path / "soak_ask_tell.json")
    assert found is not None
    assert found[1] == "1 of 9 rounds"


def test_memory_of_this_process_and_codes_of_points() -> None:
    assert resident()["process_mb"] > 10
    strings = ["3,-4", "100,0"]
    assert Points().decode(Points().encode(strings)) == strings
