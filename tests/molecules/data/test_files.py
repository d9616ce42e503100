"""Rows of users' files, and what is wrong in each."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from rdkit import Chem

from gmae_tf.errors import UserError
from molecules.data.files import Record, read_records

CASES = Path(__file__).parents[2] / "cases" / "mol"


def write(folder, name, text):
    path = folder / name
    content = text.encode()
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


def sdf_text(*molecules):
    """Records as RDKit writes them; None is one that RDKit refuses (five bonds at a carbon)."""
    texts = []
    for smiles, properties in molecules:
        mol = Chem.MolFromSmiles(smiles or "CC(C)(C)C", sanitize=smiles is not None)
        block = Chem.MolToMolBlock(mol)
        if smiles is None:
            block = block.replace("  1  2  1  0", "  1  2  2  0")
        data = "".join(f">  <{key}>\n{value}\n\n" for key, value in properties.items())
        texts.append(f"{block}{data}$$$$\n")
    return "".join(texts)


@pytest.mark.parametrize("name", ["own.smi", "own.SMI", "own.txt", "own.smi.gz"])
def test_a_list(tmp_path, name):
    path = write(tmp_path, name, "smiles name\nCCO ethanol\n\n  c1ccccc1\tbenzene\r\nnonsense\n")
    expected = [Record(2, "CCO"), Record(4, "c1ccccc1"), Record(5, "nonsense")]
    assert read_records(path) == (expected, "line", ())


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("name", ["own.csv", "own.csv.gz"])
def test_a_table(tmp_path, mark, name):
    rows = ["id,Canonical_SMILES,pIC50", "a,CCO,5.5", "b,,6", "c,CCN,", "d,CCC,high", "e,CCS,inf"]
    path = write(tmp_path, name, "\ufeff" + "\n".join([*rows, "f"]).replace(",", mark))
    assert read_records(path, value_column="pIC50").records == [
        Record(2, "CCO", 5.5),
        Record(3, "", 6.0, "no SMILES"),
        Record(4, "CCN", None, "no value"),
        Record(5, "CCC", None, "not a number: 'high'"),
        Record(6, "CCS", None, "not a number: 'inf'"),
        Record(7, "", None, "no SMILES"),
    ]
    assert [record.problem for record in read_records(path).records] == [
        None, "no SMILES", None, None, None, "no SMILES"
    ]  # fmt: skip


def test_a_quoted_row_over_two_lines_and_a_named_column(tmp_path):
    path = write(tmp_path, "own.csv", 'note,mol,smiles\n"two\nlines",CCO,x\nplain,CCN,y\n')
    found = read_records(path, smiles_column="mol")
    assert found.records == [Record(2, "CCO"), Record(4, "CCN")]


@pytest.mark.parametrize("name", ["own.sdf", "own.sdf.gz"])
def test_records_of_an_sdf(tmp_path, name):
    text = sdf_text(
        ("C[C@H](N)O", {"y": "1.5"}), (None, {"y": "2"}), ("CCO", {}), ("c1ccccc1", {"y": "low"})
    )
    path = write(tmp_path, name, text)
    records, unit, _ = read_records(path, value_column="y")
    assert unit == "record"
    assert records == [
        Record(1, "C[C@H](N)O", 1.5),
        Record(2, "", None, "not a molecule: RDKit cannot read the record"),
        Record(3, "CCO", None, "no value"),
        Record(4, "c1ccccc1", None, "not a number: 'low'"),
    ]


def test_a_property_that_no_record_has_is_refused(tmp_path):
    path = write(tmp_path, "own.sdf", sdf_text(("CCO", {"IC50": "1,5"}), ("CCN", {"IC50": ">2"})))
    with pytest.raises(UserError, match=r"the property 'y'; they have IC50: .*--value-column"):
        read_records(path, value_column="y")
    assert read_records(path, value_column="IC50").records == [
        Record(1, "CCO", 1.5), Record(2, "CCN", 2, None, 1)
    ]  # fmt: skip


def test_a_mol_file_holds_one_record(tmp_path):
    text = sdf_text(("CCO", {})).replace("$$$$\n", "")
    assert read_records(write(tmp_path, "own.mol", text)).records == [Record(1, "CCO")]


@pytest.mark.parametrize(
    ("name", "smiles", "notes"),
    [
        ("id_first.smi", ["CCO", "CCN", "c1ccccc1O"], ["SMILES read from the second column"]),
        ("latin1.csv", ["CCO", "CCN"], ["read as Latin-1, as it is not UTF-8"]),
        (
            "no_header.csv",
            ["CCO", "CCN", "c1ccccc1O"],
            ["no header: the columns are called 1 to 2", "SMILES read from column 1"],
        ),
        ("quoted.smi", ["CCO", "CCN", "c1ccccc1O"], []),
        ("utf16.csv", ["CCO", "CCN"], []),
    ],
)
def test_awkward_files(name, smiles, notes):
    found = read_records(CASES / name)
    assert [record.text for record in found.records] == smiles
    assert list(found.notes) == notes


def test_values_as_laboratories_write_them():
    found = read_records(CASES / "qualifiers.csv", value_column="ic50").records
    assert [(r.value, r.censoring) for r in found if r.problem is None] == [
        (10, 1), (0.5, -1), (3, 0), (0.001, 0), (1234.5, 0), (-2.5, 0)
    ]  # fmt: skip
    problems = {record.place: record.problem for record in found if record.problem}
    assert [problems[place] for place in (8, 9, 10)] == ["no value"] * 3
    assert problems[5].startswith("not a number: '5.0 nM' (write the unit")
    assert problems[12].endswith("(write the deviation into another column)")
    assert sorted(problems) == [5, 8, 9, 10, 11, 12, 14]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("own.csv", "Canonical SMILES;IC50 (nM)\nCCO;1,5\nCCN;2,5\n"),
        ("own.csv", "SMILES String\tIC50\nCCO\t1.5\nCCN\t2.5\n"),
        ("own.csv", "IC50,mol\n1.5,CCO\n2.5,CCN\n"),
        ("own.csv", "compound,IC50\nCCO,1.5\nCCN,2.5\n"),
        ("own.csv", ",id,rdkit_smiles,IC50\n0,a,CCO,1.5\n1,b,CCN,2.5\n"),
        ("own.csv", "# from the plate reader\r# today\rsmiles,IC50\rCCO,1.5\rCCN,2.5\r"),
        ("own.tsv", "#smiles\tIC50\nCCO\t1.5\nCCN\t2.5\n"),
        ("own.txt", "smiles,IC50\nCCO,1.5\nCCN,2.5\n"),
        ("own.smi", "smiles IC50\nCCO 1.5\nCCN 2.5\n"),
        ("own.tab", '"smiles"\t"IC50"\n"CCO"\t"1.5"\n"CCN"\t"2.5"\n'),
    ],
)
def test_columns_are_found_by_meaning(tmp_path, name, text):
    path = write(tmp_path, name, text)
    records = read_records(path, value_column="IC50").records
    assert [(record.text, record.value) for record in records] == [("CCO", 1.5), ("CCN", 2.5)]
    assert [record.text for record in read_records(path).records] == ["CCO", "CCN"]


def test_columns_of_a_table_without_a_header_have_numbers(tmp_path):
    path = write(tmp_path, "own.csv", "a1;CCO;1,5\na2;CCN;2,5\n")
    records = read_records(path, value_column="3").records
    assert [(record.text, record.value) for record in records] == [("CCO", 1.5), ("CCN", 2.5)]


def test_rows_with_too_many_cells_are_told(tmp_path):
    path = write(tmp_path, "own.csv", "smiles,y\nCCO,1\nCCN,2,3\n")
    assert read_records(path).records == [
        Record(2, "CCO"), Record(3, "CCN,2,3", None, "more cells than columns: 3 for 2")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "columns", "message"),
    [
        ("own.csv", "a,b\n1,2\n", {}, r"no column called smiles.*a, b.*--smiles-column"),
        ("own.csv", "1,2\n3,4\n", {}, r"no column called smiles.*no header.*1, 2.*--smiles-column"),
        ("own.csv", "a,b\n1,2\n", {"smiles_column": "c"}, r"no column 'c'.*a, b.*--smiles-col"),
        ("own.csv", "smiles\nC\n", {"value_column": "y"}, r"no column 'y'.*--value-column"),
        ("own.smi", "CCO 1\n", {"value_column": "y"}, r"no column 'y'.*no header.*1, 2"),
        ("own.smi", "\n", {}, "holds no molecules"),
        ("own.csv", "smiles\n", {}, "holds no molecules"),
        ("own.sdf", "", {}, "holds no molecules"),
        ("own.csv", "smiles,y,y\nC,1,2\n", {"value_column": "y"}, "columns 2 and 3 both 'y'"),
        ("own.xlsx", "x", {}, r"no source of molecules.*'builtin'.*\.sdf"),
    ],
)
def test_files_that_cannot_be_used(tmp_path, name, text, columns, message):
    with pytest.raises(UserError, match=message) as caught:
        read_records(write(tmp_path, name, text), **columns)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["broken.smi.gz", "binary.csv"])
def test_files_that_cannot_be_read(tmp_path, name):
    (tmp_path / name).write_bytes(b"\x1f\x8b\x00C")
    with pytest.raises(UserError, match=r"cannot read .*name another"):
        read_records(tmp_path / name)
    with pytest.raises(UserError, match=r"cannot read .*name another"):
        read_records(tmp_path / "nowhere.smi")
