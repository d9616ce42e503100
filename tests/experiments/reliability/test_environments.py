"""Strange environments: what counts as wrong, and a short one as it is run."""

from __future__ import annotations

import pytest

from experiments.reliability.environments import (
    ENVIRONMENTS,
    MISSING,
    WRONG,
    Strange,
    fault,
    same,
    tried,
)


def test_there_are_fifty():
    assert len(ENVIRONMENTS) == 50


@pytest.mark.parametrize(
    ("status", "error", "wrong"),
    [
        (2, "x: error: no column.\n", ""),
        (2, "one\ntwo\n", "no sentence"),
        (1, "x", "status 1"),
        (2, "Traceback (most recent call last):", "lines of others"),
        (2, "I0000 port.cc:153] oneDNN custom operations are on.", "lines of others"),
    ],
)
def test_what_is_wrong_is_said(status, error, wrong):
    found = fault(Strange("x", WRONG), status, error, "")
    assert found.startswith(wrong)
    assert bool(found) == bool(wrong)


def test_tables_are_compared_as_numbers():
    assert same("a,1.000001\n", "a,1.000002\n")
    assert not same("a,1.0\n", "a,1.1\n")
    assert not same("a\n", "b\n")


def test_a_command_is_run_in_a_folder_of_its_own(tmp_path):
    row, _ = tried(Strange("x", MISSING, {"TERM": None}, out="é b", umask=0o077), tmp_path)
    assert (row["wrong"], row["status"]) == ("", 2)
    assert (tmp_path / "data" / "points.csv").exists()
