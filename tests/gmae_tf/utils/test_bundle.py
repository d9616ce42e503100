"""A description is read only beside the files that it was written for."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from gmae_tf.utils.bundle import UNREADABLE, first_line, read_description, write_description

FILES = ("a.bin", "b.txt")


@pytest.fixture
def description(tmp_path: Path) -> Path:
    (tmp_path / "a.bin").write_bytes(b"\x00\x01")
    (tmp_path / "b.txt").write_text("rules")
    write_description(tmp_path / "model.json", {"size": 3}, FILES)
    return tmp_path / "model.json"


def test_what_was_written_is_read_with_the_checksum_of_all_files(description: Path):
    checksum = hashlib.sha256(b"\x00\x01rules").hexdigest()  # as in models that exist
    assert json.loads(description.read_text()) == {"size": 3, "sha256": checksum}
    assert read_description(description, FILES)["size"] == 3


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "b.txt").write_text("rulez"),
        lambda folder: (folder / "a.bin").unlink(),
        lambda folder: (folder / "model.json").unlink(),
        lambda folder: (folder / "model.json").write_text("{"),
        lambda folder: (folder / "model.json").write_text("[]"),
        lambda folder: (folder / "model.json").write_text("{}"),
    ],
)
def test_damage_is_seen(damage, description: Path):
    damage(description.parent)
    with pytest.raises(UNREADABLE):
        read_description(description, FILES)


def test_a_reason_is_one_line():
    assert first_line(ValueError("one\ntwo")) == "one"
    assert first_line(KeyError()) == "KeyError"
