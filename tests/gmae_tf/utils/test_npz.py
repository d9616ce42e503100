"""NumPy's files are data: damage, Python objects and bombs are refused, and nothing runs."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from gmae_tf.errors import UserError
from gmae_tf.utils import npz
from gmae_tf.utils.bundle import UNREADABLE, readable
from gmae_tf.utils.npz import load_arrays, packed


def npy(header: str, body: bytes = b"") -> bytes:
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + body


def zipped(content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", content)
    return out.getvalue()


def test_what_is_packed_is_loaded_from_bytes_and_from_a_file(tmp_path: Path):
    data = packed({"a": [1, 2], "b": np.float64(3.5)})
    (tmp_path / "x.npz").write_bytes(data)
    for found in (load_arrays(data), load_arrays(tmp_path / "x.npz")):
        assert found["a"].tolist() == [1, 2]
        assert found["b"] == 3.5


def test_the_array_of_an_npy_file_has_no_name(tmp_path: Path):
    np.save(tmp_path / "x.npy", np.arange(3))
    assert load_arrays(tmp_path / "x.npy")[""].tolist() == [0, 1, 2]


PICKLE = b"cposix\nsystem\n(S'touch ran'\ntR."


@pytest.mark.parametrize(
    "data",
    [
        b"",
        packed({"a": np.arange(1000)})[:-200],
        npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", PICKLE),
        zipped(npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", PICKLE)),
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (" + "9" * 12 + ",), }"),
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,"),
        npy("(" * 100),
        PICKLE,
    ],
    ids=["empty", "cut", "objects", "zipped objects", "huge", "unclosed", "nested", "pickle"],
)
def test_other_content_is_refused_and_never_run(data: bytes, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UNREADABLE):
        load_arrays(data)
    assert not list(tmp_path.iterdir())


def test_a_file_that_unpacks_to_far_more_than_it_holds_is_refused(monkeypatch):
    monkeypatch.setattr(npz, "MOST_UNPACKED", 100_000)
    bomb = packed({"a": np.zeros(100_000)})
    assert len(bomb) < 2_000
    with pytest.raises(ValueError, match="would unpack to 800,"):
        load_arrays(bomb)


def test_damage_becomes_a_sentence_with_its_reason():
    sentence = r"^x is damaged \(no such\): restore it$"
    with (
        pytest.raises(UserError, match=sentence),
        readable("x is damaged ({why}): restore it"),
    ):
        raise ValueError("no such\nline")
    with pytest.raises(UserError, match=r"^mine$"), readable("x"):
        raise UserError("mine")
    with pytest.raises(ZeroDivisionError), readable("x"):
        raise ZeroDivisionError
