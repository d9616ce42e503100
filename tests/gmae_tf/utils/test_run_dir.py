from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from gmae_tf.errors import UserError
from gmae_tf.utils.files import atomic_path, write_atomic
from gmae_tf.utils.locks import LOCK
from gmae_tf.utils.run_dir import environment, open_run

CONFIG: dict[str, Any] = {"out": Path("a"), "seed": 3, "rate": 1e-4, "sizes": (1, 2), "name": None}


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {LOCK}


@pytest.mark.parametrize("content", ["ü\n", b"\x00\xff"])
def test_write_atomic_replaces_the_whole_file(tmp_path: Path, content: str | bytes) -> None:
    path = tmp_path / "new" / "file.txt"
    write_atomic(path, "a much longer text before")
    write_atomic(path, content)
    assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)
    assert names(path.parent) == {"file.txt"}


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "weights.h5"
    path.write_text("old")

    def write_half() -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            assert temporary.suffix == ".h5"
            assert path.read_text() == "old"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert path.read_text() == "old"
    assert names(tmp_path) == {"weights.h5"}


def test_the_record_of_a_run_repeats_it(tmp_path: Path) -> None:
    run = open_run(tmp_path / "run", CONFIG, "train")
    assert not run.continued
    assert yaml.safe_load((run.path / "config.yaml").read_text()) == {
        "out": "a", "seed": 3, "rate": 1e-4, "sizes": [1, 2], "name": None,
    }  # fmt: skip
    record = json.loads((run.path / "environment.json").read_text())
    assert record["kind"] == "train"
    assert record["starts"][0]["versions"]["numpy"]


def test_the_same_options_continue_a_run(tmp_path: Path) -> None:
    open_run(tmp_path, CONFIG, "train")
    assert open_run(tmp_path, {**CONFIG, "out": tmp_path}, "train").continued
    assert len(json.loads((tmp_path / "environment.json").read_text())["starts"]) == 2


def test_an_option_that_may_change_is_recorded_anew(tmp_path: Path) -> None:
    open_run(tmp_path, CONFIG, "train")
    assert open_run(tmp_path, {**CONFIG, "seed": 4}, "train", may_change=["seed"]).continued
    assert yaml.safe_load((tmp_path / "config.yaml").read_text())["seed"] == 4


def test_another_option_is_refused_by_name_and_nothing_is_written(tmp_path: Path) -> None:
    open_run(tmp_path, CONFIG, "train")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(UserError, match=r"different run \(seed was 3 and is now 4\)"):
        open_run(tmp_path, {**CONFIG, "seed": 4}, "train")
    assert before == {path.name: path.read_bytes() for path in tmp_path.iterdir()}


def test_an_option_too_few_or_too_many_is_another_run(tmp_path: Path) -> None:
    open_run(tmp_path, {"a": 1}, "train")
    with pytest.raises(UserError, match="b was None and is now 2"):
        open_run(tmp_path, {"a": 1, "b": 2}, "train")
    with pytest.raises(UserError, match="a was 1 and is now None"):
        open_run(tmp_path, {}, "train")


def test_a_run_of_another_command_is_refused(tmp_path: Path) -> None:
    open_run(tmp_path, CONFIG, "train")
    with pytest.raises(UserError, match="holds a run of train, not of search"):
        open_run(tmp_path, CONFIG, "search")


@pytest.mark.parametrize("damage", ["", "- a list", "a: [", "a: 1"])
def test_a_config_file_that_is_no_run_is_refused(tmp_path: Path, damage: str) -> None:
    (tmp_path / "config.yaml").write_text(damage)
    with pytest.raises(UserError, match="not of a readable run"):
        open_run(tmp_path, CONFIG, "train")


def test_a_start_that_was_cut_off_before_the_config_is_a_new_run(tmp_path: Path) -> None:
    open_run(tmp_path, CONFIG, "train")
    (tmp_path / "config.yaml").unlink()
    assert not open_run(tmp_path, {**CONFIG, "seed": 4}, "train").continued


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(UserError, match="because a file is in the way"):
            open_run(place, CONFIG, "train")


def test_a_folder_that_takes_no_files_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("gmae_tf.utils.run_dir.os.replace", refuse)
    with pytest.raises(UserError, match=r"environment.json cannot be written \(Permission denied"):
        open_run(tmp_path, CONFIG, "train")
    assert names(tmp_path) == set()


def test_the_environment_is_plain_json() -> None:
    record = environment()
    assert json.loads(json.dumps(record)) == record
    assert record["time"].endswith("+00:00")


def test_a_stored_value_of_another_size_is_named_in_a_few_words(tmp_path: Path) -> None:
    open_run(tmp_path / "run", {"name": "a" * 5000}, "kind")
    with pytest.raises(UserError, match="holds a different run") as caught:
        open_run(tmp_path / "run", {"name": "b"}, "kind")
    assert len(str(caught.value)) < 400
