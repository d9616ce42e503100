"""What is kept beside a training: molecules are described once."""

from __future__ import annotations

import numpy as np
import pytest

from molecules.data import library as known
from molecules.data.library import COLUMNS, describe_once

SMILES = ["OCC", "c1ccccc1O", "CC(=O)N"]


@pytest.fixture
def calls(monkeypatch):
    """How many molecules were described, call by call."""
    counted = []
    describe = known.describe

    def counting(smiles):
        counted.append(len(smiles))
        return describe(smiles)

    monkeypatch.setattr(known, "describe", counting)
    return counted


def same(one, other) -> bool:
    return one[0] == other[0] and all(np.array_equal(one[1][c], other[1][c]) for c in COLUMNS)


def test_the_second_time_they_are_read(tmp_path, calls):
    first = describe_once(SMILES, tmp_path / "cache.npz")
    again = describe_once(SMILES, tmp_path / "cache.npz")
    assert calls == [3]
    assert first[0] == ["CCO", "Oc1ccccc1", "CC(N)=O"]
    assert same(first, again)


def test_other_molecules_are_described_and_take_the_place(tmp_path, calls):
    cache = tmp_path / "cache.npz"
    describe_once(SMILES, cache)
    other = describe_once(SMILES[:2], cache)
    assert calls == [3, 2]
    assert other[0] == ["CCO", "Oc1ccccc1"]
    assert same(describe_once(SMILES[:2], cache), other)
    assert calls == [3, 2]


@pytest.mark.parametrize("damage", ["cut", "foreign", "empty"])
def test_a_damaged_file_is_replaced(tmp_path, calls, damage):
    cache = tmp_path / "cache.npz"
    first = describe_once(SMILES, cache)
    whole = cache.read_bytes()
    cache.write_bytes({"cut": whole[: len(whole) // 2], "foreign": b"{}", "empty": b""}[damage])
    assert same(describe_once(SMILES, cache), first)
    describe_once(SMILES, cache)
    assert calls == [3, 3]
