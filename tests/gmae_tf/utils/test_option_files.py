"""YAML files of options are plain data."""

from pathlib import Path

import pytest

from gmae_tf.errors import UserError
from gmae_tf.utils import option_files
from gmae_tf.utils.option_files import read_options

LINKS = "\n".join(f"{b}: &{b} [{','.join(['*' + a] * 9)}]" for a, b in ("ab", "bc", "cd"))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b'x: !!python/object/apply:os.system ["touch ran"]', "python/object"),
        (f"a: &a [x]\n{LINKS}".encode(), "alias"),
        (b"[" * 50_000, "maximum recursion depth"),
        (b"- 1\n- 2", "it holds list"),
        (b"", "it holds NoneType"),
        (b"a: \xff\xfe", "can't decode|not allowed|unacceptable"),
        (b"a: [", "expected"),
    ],
    ids=["object", "bomb", "nested", "list", "empty", "bytes", "unclosed"],
)
def test_other_content_is_refused_and_never_run(content, why, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("x.yaml").write_bytes(content)
    with pytest.raises(UserError, match=f"x.yaml is no YAML file of options .*({why})"):
        read_options("x.yaml")
    assert [path.name for path in tmp_path.iterdir()] == ["x.yaml"]


def test_options_are_read_whatever_the_locale(tmp_path: Path):
    (tmp_path / "x.yaml").write_bytes("name: é\nn: 3\n".encode())
    assert read_options(tmp_path / "x.yaml") == {"name": "é", "n": 3}


def test_a_large_file_is_none_of_options(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(option_files, "LARGEST", 10)
    (tmp_path / "x.yaml").write_bytes(b"name: 123456")
    with pytest.raises(UserError, match="it has 12 bytes"):
        read_options(tmp_path / "x.yaml")
