"""Where strings come from, and what is said when they cannot come."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from grammar.cfg.grammar import Grammar
from grammar.errors import GrammarError, ParseError
from grammar.expressions import data
from grammar.expressions.data import load_expressions
from grammar.expressions.evaluate import function_keys
from grammar.library import load_grammar
from grammar.sampling.uniform import official_expressions

CASES = Path(__file__).parents[2] / "cases" / "cfg"


@pytest.fixture(autouse=True)
def no_data_folder(monkeypatch):
    monkeypatch.delenv("GMAE_DATA_DIR", raising=False)


def test_generated_strings_are_seeded():
    assert len(load_expressions("generated", n=50)) == 50
    assert load_expressions("generated", n=50, seed=1) == load_expressions(
        "generated", n=50, seed=1
    )
    assert load_expressions("generated", n=50) != load_expressions("generated", n=50, seed=1)


def test_official_strings_need_no_file():
    assert load_expressions("official") == official_expressions()


def test_a_part_is_drawn_by_seed_in_source_order():
    strings = load_expressions("official")
    part = load_expressions("official", n=1000, seed=3)
    places = [strings.index(text) for text in part[:20]]
    assert places == sorted(set(places))
    assert len(set(part)) == 1000
    assert part == load_expressions("official", n=1000, seed=3)
    assert part != load_expressions("official", n=1000, seed=4)
    assert load_expressions("official", n=200_000) == strings
    with pytest.raises(GrammarError, match="at least one"):
        load_expressions("official", n=0)


@pytest.mark.parametrize("name", data.OFFICIAL_FILES)
def test_the_official_file_is_used_and_checked(tmp_path, monkeypatch, name):
    grammar = load_grammar("arithmetic").grammar
    lines = (" ".join(grammar.tokenize(text)) + "\n" for text in official_expressions())
    content = "".join(lines).encode()
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    assert load_expressions("official", data_dir=tmp_path) == official_expressions()
    path.write_bytes(gzip.compress(content[:-9]) if name.endswith("gz") else content[:-9])
    monkeypatch.setenv("GMAE_DATA_DIR", str(tmp_path))
    with pytest.raises(GrammarError, match="not the published data set"):
        load_expressions("official")


@pytest.mark.data
def test_the_real_file_is_the_rebuilt_one(data_dir):
    path = data.find_official(data_dir)
    assert path is not None
    assert data.read_official(path) == official_expressions()


@pytest.mark.slow
def test_the_strings_of_the_benchmark_are_a_tenth_as_many_functions():
    assert len(set(function_keys(official_expressions()))) == 10_092  # docs/expressions.md


def test_a_users_file(tmp_path):
    path = tmp_path / "own.txt"
    path.write_text(" 1/3 + x\n\nsin (x)\n")
    assert load_expressions(path) == ["1/3+x", "sin(x)"]
    assert load_expressions(str(path)) == ["1/3+x", "sin(x)"]


def test_a_users_file_in_a_users_grammar(tmp_path):
    path = tmp_path / "own.txt"
    path.write_text("a - b\n")
    grammar = Grammar("S -> S '-' L | L\nL -> 'a' | 'b'")
    assert load_expressions(path, grammar=grammar) == ["a-b"]


def test_a_bad_line_is_shown_with_its_number_and_a_caret(tmp_path):
    path = tmp_path / "own.txt"
    path.write_text("x\n\nx + y\n")
    with pytest.raises(ParseError) as caught:
        load_expressions(path)
    sentence, shown, mark = str(caught.value).split("\n")
    assert sentence.startswith(f"{path}, line 3: the character 'y'")
    assert shown[mark.index("^")] == "y"


def test_lines_that_are_no_strings_are_told_and_left_out():
    reports = []
    assert load_expressions(CASES / "str_bad.txt", tell=reports.append) == ["x+1", "x+x"]
    [report] = reports
    assert (report.read, report.used, report.unit) == (4, 2, "line")
    assert [(d.place, d.what) for d in report.dropped] == [(2, "x+y"), (4, "z")]
    assert report.dropped[0].reason.startswith("not in the grammar: the character 'y'")


def test_marks_comments_and_quotes_of_a_users_file(tmp_path):
    assert load_expressions(CASES / "str_bom.txt") == ["x+1", "x+x"]
    path = tmp_path / "own.txt"
    path.write_bytes('# mine\r\n"x + 1"\r\n'.encode("utf-16"))
    assert load_expressions(path) == ["x+1"]
    path.write_text("y\nz\n")
    with pytest.raises(ParseError, match="line 1: the character 'y'"):
        load_expressions(path, tell=print)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.txt", b"\n \n", "has no strings"),
        ("binary.txt", b"x\x00\x01", "is not a text file"),
        ("broken.gz", b"\x1f\x8bbroken", "cannot read .*broken"),
    ],
)
def test_bad_files(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(GrammarError, match=message):
        load_expressions(tmp_path / name)


def test_a_missing_file_names_the_alternatives():
    with pytest.raises(GrammarError, match=r"nowhere\.txt.*'official'.*'generated'"):
        load_expressions("nowhere.txt")


def test_without_a_network_the_download_names_the_alternatives(monkeypatch):
    import pooch

    def refuse(*_, **__):
        raise ConnectionError("no route to host")

    monkeypatch.setattr(pooch, "retrieve", refuse)
    with pytest.raises(GrammarError, match=r"^cannot download https.*'official'.*$") as caught:
        load_expressions("download")
    assert "\n" not in str(caught.value)


def test_a_download_is_checked_and_read(tmp_path, monkeypatch):
    """A local server's place is taken by a file: pooch itself checks the sum."""
    wrong = tmp_path / "file.txt"
    wrong.write_text("x + x\n")
    monkeypatch.setattr(data, "OFFICIAL_URL", Path(wrong).as_uri())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(GrammarError, match="cannot download"):
        load_expressions("download")
    assert not any(files for _, _, files in os.walk(tmp_path / "cache"))
