"""Tables of every usual dialect are read as they are meant, or refused in one sentence."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from gmae_tf.errors import UserError
from gmae_tf.utils import text
from gmae_tf.utils.numbers import Measurement, decimal_mark, is_number, parse_measurement
from gmae_tf.utils.rows import Dropped, RowReport, tell_rows
from gmae_tf.utils.tables import read_table
from gmae_tf.utils.text import read_text

CASES = Path(__file__).parents[2] / "cases"


def write(folder: Path, text: str | bytes, name: str = "own.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


# ---------------------------------------------------------------------- any dialect reads the same

NAME = st.text("abcdefgh XYZ_äµ", min_size=1, max_size=8).map(str.strip).filter(bool)
CELL = st.text("abcdefgh()=#@/\\[]+-1, ;'\"µ", max_size=8).map(str.strip)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[str]], list[float]]:
    """Names of columns, rows of text, and a number for each row."""
    names = draw(st.lists(NAME, min_size=2, max_size=4, unique=True))
    width, size = len(names) - 1, draw(st.integers(2, 6))
    # A first cell that begins with # is a comment, and a quote inside a bare cell is an error.
    first = CELL.filter(lambda text: text and text[0] not in "#\"'")
    row = st.tuples(first, *[CELL] * (width - 1)).map(list)
    rows = draw(st.lists(row, min_size=size, max_size=size))
    number = st.floats(-1e6, 1e6).map(lambda x: round(x, 4))
    return names, rows, draw(st.lists(number, min_size=size, max_size=size))


@given(
    table=tables(),
    delimiter=st.sampled_from([",", ";", "\t"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    decimal=st.sampled_from([".", ","]),
    comment=st.booleans(),
    index=st.booleans(),
    packed=st.booleans(),
)
def test_a_table_reads_back_equal_from_every_dialect(
    tmp_path_factory: pytest.TempPathFactory,
    table: tuple[list[str], list[list[str]], list[float]],
    delimiter: str,
    encoding: str,
    end: str,
    decimal: str,
    comment: bool,
    index: bool,
    packed: bool,
) -> None:
    names, rows, numbers = table
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerow(["", *names] if index else names)
    for i, (row, number) in enumerate(zip(rows, numbers, strict=True)):
        cells = [*row, f"{number:.4f}".replace(".", decimal)]
        writer.writerow([f"row{i}", *cells] if index else cells)
    text = (f"# mine{end}" if comment else "") + file.getvalue()
    content = text.encode(encoding)
    path = tmp_path_factory.mktemp("table") / "own.csv"
    path.write_bytes(gzip.compress(content) if packed else content)
    read = read_table(path)
    assert list(read.names) == (["column 1", *names] if index else names)
    assert [list(row[index:-1]) for row in read.rows] == rows
    assert list(read.lines) == [i + 2 + comment for i in range(len(rows))]
    assert read.numbers(names[-1]) == numbers
    assert read.dropped == ()


@given(
    values=st.lists(st.tuples(*[st.floats(-1e9, 1e9)] * 3), min_size=2, max_size=8),
    header=st.booleans(),
    blanks=st.sampled_from([" ", "   ", "\t", ", ", ";"]),
)
def test_numbers_read_back_equal_with_and_without_a_header(
    tmp_path_factory: pytest.TempPathFactory,
    values: list[tuple[float, ...]],
    header: bool,
    blanks: str,
) -> None:
    lines = [blanks.join(map(repr, row)) for row in values]
    path = tmp_path_factory.mktemp("numbers") / "own.dat"
    path.write_text("\n".join([blanks.join("abc")] * header + lines))
    read = read_table(path)
    assert read.has_header == header
    assert read.names == (("a", "b", "c") if header else ("1", "2", "3"))
    assert [read.numbers(name) for name in read.names] == [
        list(c) for c in zip(*values, strict=True)
    ]


@given(content=st.binary(max_size=60) | st.text('ab1.,;\t "#\r\n<>', max_size=60).map(str.encode))
def test_anything_is_a_table_or_refused_and_no_row_is_lost(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("any") / "any.csv"
    path.write_bytes(content)
    try:
        table = read_table(path)
    except UserError:
        return
    assert all(len(row) == len(table.names) for row in table.rows)
    assert sorted(set(table.lines)) == list(table.lines)
    for name in table.names:
        assert len(table.measurements(name)) == len(table)
    if b'"' in content:  # a row may have several lines
        return
    lines = [line.strip() for line in read_text(path).lines]
    filled = [s for s in lines if s.replace(table.delimiter, " ").strip() and s[0] != "#"]
    told = len(table) + len(table.dropped) + table.has_header
    assert told == len(filled)


# ---------------------------------------------------------------------- one by one


@pytest.mark.parametrize(
    ("text", "names", "rows"),
    [
        ("x y\n0 1,5\n1 2,5\n", ("x", "y"), [("0", "1,5"), ("1", "2,5")]),
        ("x (s)  y (m)\n0  1\n1  2\n", ("x (s)", "y (m)"), [("0", "1"), ("1", "2")]),
        ("1,5 2,5\n3,5 4,5\n", ("1", "2"), [("1,5", "2,5"), ("3,5", "4,5")]),
        ("sep=;\na,b;c\n1,2;3\n", ("a,b", "c"), [("1,2", "3")]),
        ("a,b,\n1,2,\n", ("a", "b"), [("1", "2")]),
        ("a,b\n1,2,,\n3\n", ("a", "b"), [("1", "2"), ("3", "")]),
        (
            'x y\n1 "a b" 3\n2 "c d" 4\n',
            ("column 1", "x", "y"),
            [("1", "a b", "3"), ("2", "c d", "4")],
        ),
        ("Canonical SMILES\nCCO\nCCN\n", ("Canonical SMILES",), [("CCO",), ("CCN",)]),
        ('note,x\n"two\n# lines",1\n', ("note", "x"), [("two\n# lines", "1")]),
        ("x,2020\n1,2\n", ("x", "2020"), [("1", "2")]),
        ("Plate 7\n\nx,y\n1,2\n3,4\n", ("x", "y"), [("1", "2"), ("3", "4")]),
        (
            "Plate 7, today\n\nx,y,z\n1,2,5\n3,4,6\n",
            ("x", "y", "z"),
            [("1", "2", "5"), ("3", "4", "6")],
        ),
        ("a,b\nx,2\n,,\n , \n", ("a", "b"), [("x", "2")]),
        ("a,b\n1,2\ntotal\n", ("a", "b"), [("1", "2"), ("total", "")]),
        ("", (), []),
        ("# nothing\n\n", (), []),
    ],
)
def test_awkward_tables(
    tmp_path: Path, text: str, names: tuple[str, ...], rows: list[tuple[str, ...]]
) -> None:
    table = read_table(write(tmp_path, text), known=("x",))
    assert (table.names, list(table.rows)) == (names, rows)


def test_a_header_in_a_comment_is_used_where_a_name_is_known(tmp_path: Path) -> None:
    path = write(tmp_path, "# made by me\n# x y\n0 1\n1 2\n")
    assert read_table(path, known=("x",)).names == ("x", "y")
    unknown = read_table(path, known=("smiles",))
    assert unknown.names == ("1", "2")
    assert unknown.notes == ("no header: the columns are called 1 to 2",)


def test_columns_are_found_without_case_unit_or_underscore(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "Canonical_SMILES;IC50 (nM);X;x\nC;1;2;3\n"))
    assert table.find("canonical smiles", "--c") == "Canonical_SMILES"
    assert table.find("ic50", "--c") == "IC50 (nM)"
    assert table.find("x", "--c") == "x"
    assert table.guess(("structure", "canonical smiles")) == "Canonical_SMILES"
    assert table.guess(("mol",)) is None
    with pytest.raises(UserError, match=r"no column 'IC5' \(did you mean .*with --value-column"):
        table.find("IC5", "--value-column")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"a,b,a\n1,2,3\n", r"columns 1 and 3 both 'a': give each a name"),
        (b"x,y\n0,5,1,5\n1,5,2,5\n", r"line 2: more cells.*4 for 2.*semicolons"),
        (b'a,b\n"open,1\n2,3\n', r"cut into columns .line 2: .*quotation mark"),
        (b"PK\x03\x04rest", r"is a spreadsheet.*save it as CSV"),
        (b"<!DOCTYPE html><html>", r"is a web page"),
        (bytes(range(256)), r"not a text file"),
        (b"\xff\xfea", r"not a text file"),
        (b"\x1f\x8bdamaged", r"cannot read .*name another"),
    ],
)
def test_what_is_no_table_is_refused_in_one_sentence(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    path = write(tmp_path, content)
    with pytest.raises(UserError, match=sentence) as caught:
        read_table(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No such file"):
        read_table(tmp_path / "nowhere.csv")
    with pytest.raises(UserError, match="cannot read"):
        read_text(tmp_path)


def test_encodings_are_told_where_they_are_guessed(tmp_path: Path) -> None:
    assert read_text(write(tmp_path, "1 µM – “a”".encode("cp1252"))) == (
        ("1 µM – “a”",), ("read as Latin-1, as it is not UTF-8",)
    )  # fmt: skip
    assert read_text(write(tmp_path, "µ\x1a")) == (("µ",), ())
    assert read_text(CASES / "mol" / "utf16.csv") == (("smiles\tvalue", "CCO\t1", "CCN\t2"), ())
    assert read_text(write(tmp_path, "a\u2028b\x0cc\n")).lines == ("a\u2028b\x0cc",)


def test_rows_with_too_many_cells_are_told(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "a,b\n1,2\n1,2,3\n4,5\n"))
    assert table.rows == (("1", "2"), ("4", "5"))
    assert table.dropped == (Dropped(3, "1,2,3", "more cells than columns: 3 for 2"),)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (">10", (10, 1)),
        ("<0.5", (0.5, -1)),
        ("≥ 2e3", (2000, 1)),
        ("<= -1", (-1, -1)),
        ("~3", (3, 0)),
        ("1e-3", (0.001, 0)),
        ("1.5D+02", (150, 0)),
        ("1,234.5", (1234.5, 0)),
        ("1 234 567", (1234567, 0)),
        ("−2.5", (-2.5, 0)),
        (".5", (0.5, 0)),
    ],
)
def test_measurements(text: str, found: tuple[float, int]) -> None:
    assert parse_measurement(text) == Measurement(*found)
    assert is_number(text)


@pytest.mark.parametrize("text", ["", "ND", "n/a", "-", " NaN ", "null"])
def test_missing_values(text: str) -> None:
    with pytest.raises(ValueError, match=r"^no value$"):
        parse_measurement(text)
    assert not is_number(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("5.0 nM", "not a number: '5.0 nM' .*unit into the column's name"),
        ("5%", "not a number: '5%' .*unit"),
        ("1.5±0.2", "not a number: .*deviation into another column"),
        ("1,5", "not a number: '1,5' .*decimal comma"),
        ("0,125", "not a number: .*decimal comma"),
        ("inf", "^not a number: 'inf'$"),
        ("1e999", "too large"),
        ("1_000", "not a number"),
        (">", "not a number: '>'"),
        ("> high", "not a number: '> high'"),
        ("١٢", "not a number"),
    ],
)
def test_what_is_no_number_is_told(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_measurement(text)


@pytest.mark.parametrize(
    ("cells", "mark"),
    [
        (["1", "2"], "."),
        (["1,5", "1,234"], ","),
        (["1.234,5"], ","),
        (["1.234", "2,5"], ","),
        ([">1,5"], ","),
        (["1.5", "1,234"], "."),
        (["1,234,567", "1,234"], "."),
        (["0,125"], ","),
        (["1,234", "5,678"], None),
        (["2,4-dinitrophenol"], "."),
    ],
)
def test_decimal_marks(cells: list[str], mark: str | None) -> None:
    assert decimal_mark(cells) == mark


def test_commas_of_unknown_meaning_are_not_read_as_anything(tmp_path: Path) -> None:
    tabs = read_table(write(tmp_path, "x\ty\n1\t1,234\n2\t7\n"))
    [unclear, clear] = tabs.numbers("y")
    assert (unclear, clear) == ("not a number: '1,234' (is the comma a decimal mark?)", 7)
    assert read_table(write(tmp_path, "x;y\n1;1,234\n")).numbers("y") == [1.234]
    other = read_table(write(tmp_path, "x\ty\n0,5\t1,234\n"))  # the other column tells
    assert other.numbers("y") == [1.234]
    assert other.comma_notes("y") == ("commas in column y read as decimal marks",)
    assert tabs.comma_notes("x") == ()


def test_a_row_report_tells_reasons_with_their_lines(tmp_path: Path) -> None:
    dropped = tuple(Dropped(i, f"C{i}", f"no number: 'a{i}'") for i in range(2, 7))
    report = RowReport("own.csv", 9, 4, dropped, notes=("read as Latin-1",))
    assert str(report).splitlines() == [
        "own.csv: 9 rows read, 4 used, 5 not used",
        "  read as Latin-1",
        "  5 no number",
        "    line 2  C2  'a2'",
        "    line 3  C3  'a3'",
        "    line 4  C4  'a4'",
        "    ...",
    ]
    other = RowReport("other.sdf", 2, 1, (Dropped(2, "", "no\tvalue"),), unit="record")
    screen = io.StringIO()
    tell_rows([report, other], tmp_path, Console(file=screen))
    assert "other.sdf: 2 rows read, 1 used, 1 not used" in screen.getvalue()
    lines = (tmp_path / "dropped.tsv").read_text().splitlines()
    assert lines[:2] == ["file\tplace\ttext\treason", "own.csv\tline 2\tC2\tno number: 'a2'"]
    assert lines[-1] == "other.sdf\trecord 2\t\tno value"
    assert len(lines) == 7


def test_a_gzipped_file_that_unpacks_to_far_more_than_text_does_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text, "MOST_UNPACKED", 10_000)
    (tmp_path / "x.csv").write_bytes(gzip.compress(b"1,2\n" * 2_500))
    assert len(read_table(tmp_path / "x.csv")) == 2_500
    (tmp_path / "x.csv").write_bytes(gzip.compress(b"1,2\n" * 100_000))
    with pytest.raises(UserError, match=r"cannot read .* \(it unpacks to more than"):
        read_table(tmp_path / "x.csv")
