"""JSON holds plain data and never NaN."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from gmae_tf.errors import UserError
from gmae_tf.utils.json import read_json, to_json, write_json


@dataclass(frozen=True)
class Inner:
    values: tuple[float, ...]
    place: Path


def test_everything_that_results_hold_becomes_plain():
    value = {
        "array": np.array([[1, 2], [3, 4]]),
        "half": np.float16(0.5),
        "yes": np.bool_(True),
        "lost": [float("nan"), np.inf, np.float32("nan")],
        1: Inner((0.25, -np.inf), Path("a/b")),
    }
    plain = to_json(value)
    assert plain == {
        "array": [[1, 2], [3, 4]],
        "half": 0.5,
        "yes": True,
        "lost": [None, None, None],
        "1": {"values": [0.25, None], "place": "a/b"},
    }
    assert type(plain["yes"]) is bool
    json.dumps(plain, allow_nan=False)


def test_an_object_without_a_form_in_json_is_refused():
    with pytest.raises(TypeError, match="object"):
        to_json({"a": [object()]})


def test_a_file_is_replaced_only_by_a_whole_one(tmp_path: Path):
    path = tmp_path / "new" / "results.json"
    write_json(path, {"å": np.arange(2)})
    text = path.read_text(encoding="utf-8")
    assert "å" in text
    assert text.endswith("\n")
    with pytest.raises(TypeError):
        write_json(path, {"b": object()})
    assert path.read_text(encoding="utf-8") == text
    assert [each.name for each in path.parent.iterdir()] == ["results.json"]


@pytest.mark.parametrize("content", [b"", b'{"value": 1', b"[1, 2]", b"null", b"\xff\xfe\x00"])
def test_a_damaged_file_is_one_sentence(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "molecule-000.json"
    write_json(path, {"value": 1})
    assert read_json(path) == {"value": 1}
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"molecule-000.json is damaged: restore it"):
        read_json(path)
