"""Scoring processes leave no open files, no children and no temporary files behind."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from molecules.scoring.scorer import Scorer


def left() -> tuple[set[str], set[str], int]:
    """Open files of this process, its children, dead ones included, and its threads."""
    me, children = os.getpid(), set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue
        if int(parent) == me:
            children.add(folder.name)
    return set(os.listdir("/proc/self/fd")), children, threading.active_count()


@pytest.mark.skipif(sys.platform != "linux", reason="counts what /proc shows")
def test_a_scorer_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "strict_objective.py").write_text(
        "import os\ndef value(smiles):\n    if 'N' in smiles: os._exit(3)\n    return len(smiles)\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", None)
    files, children, threads = left()
    for _ in range(2):
        with Scorer("strict_objective:value", jobs=2) as scorer:
            values = scorer.values(["C", "CN", "CC", "CCC"])  # one ends its process
            assert left()[1] - children
        assert values.tolist()[::2] == [1.0, 2.0]
        now = left()  # what earlier tests left idle may have ended meanwhile
        assert now[0] <= files
        assert now[1] <= children
        assert now[2] <= threads
    assert not any(temporary.iterdir())
