"""The command that turns a file of strings into rule indices."""

from __future__ import annotations

import gzip
import os

import numpy as np
import pytest

from gmae_tf.utils.cli import run_command
from grammar.cfg.grammar import Grammar
from grammar.codec import RuleCodec, read_grammar, read_rules
from grammar.encode import BLOCK, EncodeConfig, encode, encode_file
from grammar.errors import GrammarError

OFFICIAL = Grammar.load("smiles")
GOOD = ["CC(=O)O", "c1ccccc1", "C", "C[C@H](N)C(=O)O"]


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "mine.smi"
    path.write_text("CC(=O)O acid 1\n\nC9CC9 nine\nc1ccccc1\nC(C\tx\nC\nC[C@H](N)C(=O)O\n")
    return path


def test_rows_are_the_strings_that_parse_and_the_others_are_listed(data, tmp_path):
    out = tmp_path / "rules.h5"
    result = encode_file(data, out)
    rules = read_rules(out, OFFICIAL)
    assert (result.count, result.length, result.failed) == (*rules.shape, 2)
    np.testing.assert_array_equal(rules, RuleCodec(OFFICIAL).encode(GOOD))
    assert rules.dtype == np.uint8
    assert (tmp_path / "rules.h5.failed.txt").read_text().splitlines() == [
        "3\tC9CC9\tthe character '9' does not start any symbol of the grammar (character 2)",
        "5\tC(C\tthe string ends too early, by the rules of the grammar (character 4)",
    ]


def test_a_limit_sets_the_width_and_lists_what_is_longer(data, tmp_path):
    out = tmp_path / "rules.h5"
    result = encode_file(data, out, max_length=31)
    assert (result.count, result.length, result.longest, result.failed) == (3, 31, 31, 3)
    assert RuleCodec(OFFICIAL).decode(read_rules(out)) == GOOD[:3]
    assert "7\tC[C@H](N)C(=O)O\ttakes 37 rules but the limit is 31" in (
        (tmp_path / "rules.h5.failed.txt").read_text()
    )
    assert encode_file(data, out, max_length=40).length == 40


def test_processes_keep_the_order_and_one_file_remains(tmp_path):
    strings = [("CCO", "c1ccccc1", "N" * 9)[i % 3] + "C" * (i % 40) for i in range(2 * BLOCK + 7)]
    with gzip.open(tmp_path / "many.txt.gz", "wt") as file:
        file.write("\n".join(strings))
    result = encode_file(tmp_path / "many.txt.gz", tmp_path / "rules.h5", jobs=2)
    assert RuleCodec(OFFICIAL).decode(read_rules(tmp_path / "rules.h5")) == strings
    assert result.failed == 0
    assert sorted(os.listdir(tmp_path)) == ["many.txt.gz", "rules.h5"]


def test_any_grammar_may_be_named(tmp_path):
    (tmp_path / "sums.txt").write_text("x + 1\nsin(x)*2\n")
    encode_file(tmp_path / "sums.txt", tmp_path / "rules.h5", "arithmetic")
    assert read_grammar(tmp_path / "rules.h5").rules == Grammar.load("arithmetic").rules
    codec = RuleCodec(Grammar.load("arithmetic"))
    assert codec.decode(read_rules(tmp_path / "rules.h5")) == ["x+1", "sin(x)*2"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.txt", None, "cannot read"),
        ("empty.txt", b"\n \n", "has no strings"),
        ("binary.smi", b"\xff\xfe\x00", "not a text file"),
        ("plain.smi.gz", b"CC\n", "cannot read"),
        ("cut.smi.gz", gzip.compress(b"CC\n" * 1000, mtime=0)[:-9], "cannot read"),
        ("other.smi", b"CC.C\n", r"no string .* 'smiles' \(line 1, 'CC.C': the character '.'"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_no_file(tmp_path, name, content, message):
    folder = tmp_path / "out"
    folder.mkdir()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(GrammarError, match=message):
        encode_file(tmp_path / name, folder / "rules.h5")
    assert os.listdir(folder) == []


def run(*arguments: object) -> None:
    run_command(
        encode,
        EncodeConfig,
        prog="encode",
        description="",
        argv=[str(a) for a in arguments],
        user_errors=(GrammarError,),
    )


def test_the_command_says_what_it_did(data, tmp_path, capsys):
    out = tmp_path / "rules.h5"
    run("--data", data, "--out", out, "--jobs", 1, "--grammar", "smiles_extended")
    printed = capsys.readouterr().out
    assert "5 strings in" in printed
    assert "peak memory" in printed
    assert "1 strings could not be encoded" in printed


def test_a_wrong_option_ends_with_status_two(data, tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        run("--data", data, "--out", tmp_path / "rules.h5", "--jobs", 0)
    assert stopped.value.code == 2
    assert "--jobs is 0" in capsys.readouterr().err
