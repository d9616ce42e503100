"""Strings with measured values, from tables and lists."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from grammar import Grammar, GrammarError, Parser
from grammar.errors import ParseError
from grammar.files import read_measured

DNA = Parser(Grammar("S -> B S | B\nB -> 'A' | 'C' | 'G' | 'T'"))
NAN = float("nan")


@pytest.mark.parametrize(
    ("name", "text", "values"),
    [
        ("own.txt", "# mine\nGATTACA\nTACA\n", [NAN, NAN]),
        ("own.csv", "sequence,value\nGATTACA,1.5\nTACA,\n", [1.5, NAN]),
        ("own.csv", "id;sequence;value (au)\na;GATTACA;1,5\nb;TACA;2,5\n", [1.5, 2.5]),
        ("own.csv", "oligo,yield\nGATTACA,1.5\nTACA,2.5\n", [NAN, NAN]),
        ("own.tsv", "GATTACA\t1.5\nTACA\t2.5\n", [NAN, NAN]),
    ],
)
def test_strings_of_tables_and_lists(
    tmp_path: Path, name: str, text: str, values: list[float]
) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-16")
    found = read_measured(path, DNA)
    assert found.strings == ["GATTACA", "TACA"]
    np.testing.assert_array_equal(found.measured.values, values)
    assert (found.report.read, found.report.used) == (2, 2)


def test_columns_are_named(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("name,oligo,yield\na,GATTACA,1.5\nb,TACA,>2.5\n")
    found = read_measured(path, DNA, string_column="oligo", value_column="Yield")
    assert found.measured.values.tolist() == [1.5, 2.5]
    assert found.measured.censoring.tolist() == [0, 1]
    with pytest.raises(GrammarError, match=r"no column 'y'.*--value-column"):
        read_measured(path, DNA, value_column="y")
    path = path.rename(tmp_path / "own.txt")  # a column is asked for, so it is a table
    assert read_measured(path, DNA, string_column="oligo").strings == ["GATTACA", "TACA"]


def test_rows_that_are_not_used_are_told_and_replicates_averaged(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("string,value\nGA,1\nGX,2\nG A,3\nTT,high\nT,7\nC,1,2\n")
    strings, measured, report = read_measured(path, DNA)
    assert strings == ["GA", "T"]
    np.testing.assert_array_equal(measured.values, [2, 7])
    assert report.read == 6
    assert [(d.place, d.reason.split(":")[0]) for d in report.dropped] == [
        (3, "not in the grammar"),
        (4, "duplicate"),
        (5, "not a number"),
        (7, "more cells than columns"),
    ]


def test_a_file_without_a_string_of_the_grammar_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("string,value\nXY,1\n")
    with pytest.raises(ParseError, match="line 2: the character 'X'"):
        read_measured(path, DNA)
    path.write_text("string,value\nGA,high\n")
    with pytest.raises(GrammarError, match="no strings with numbers"):
        read_measured(path, DNA)
    path.write_text("\n")
    with pytest.raises(GrammarError, match="has no strings"):
        read_measured(path, DNA)
