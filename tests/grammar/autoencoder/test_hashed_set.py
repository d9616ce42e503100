"""Membership by hashes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grammar.autoencoder.hashed_set import StringSet
from grammar.errors import GrammarError


@given(st.lists(st.text()), st.lists(st.text()))
def test_it_answers_as_a_set_does(members: list[str], others: list[str]):
    known = StringSet.of(members)
    assert len(known) == len(set(members))
    for string in members + others:
        assert (string in known) == (string in set(members))


def test_saved_and_loaded_it_is_the_same(tmp_path: Path):
    known = StringSet.of(["x", "x+1", "sin(x)"])
    known.save(tmp_path / "strings.npy")
    loaded = StringSet.load(tmp_path / "strings.npy")
    np.testing.assert_array_equal(loaded.hashes, known.hashes)
    assert "x+1" in loaded
    assert "x+2" not in loaded


def test_the_hash_does_not_depend_on_the_process():
    # Python's own hash of a string does; a saved set would be useless.
    assert StringSet.of(["x+1"]).hashes.tolist() == [12393229230100416381]


def test_the_empty_set(tmp_path: Path):
    StringSet.of([]).save(tmp_path / "none.npy")
    assert len(StringSet.load(tmp_path / "none.npy")) == 0
    assert "x" not in StringSet.load(tmp_path / "none.npy")


def write_objects(path: Path) -> None:
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)


@pytest.mark.parametrize(
    "write",
    [
        lambda path: None,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"not an array"),
        lambda path: path.write_bytes(b"\x93NUMPY\x01\x00"),
        lambda path: np.save(path, np.array(["x", "y"])),
        lambda path: np.save(path, np.zeros((2, 2))),
        lambda path: np.save(path, np.zeros(2)),
        lambda path: np.savez(path.open("wb"), a=np.zeros(2, np.uint64)),
        write_objects,
    ],
    ids=["missing", "empty", "text", "cut", "strings", "matrix", "floats", "archive", "objects"],
)
def test_what_is_no_set_is_refused(write, tmp_path: Path):
    path = tmp_path / "strings.npy"
    write(path)
    with pytest.raises(GrammarError, match="is not a set of training strings") as caught:
        StringSet.load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
