"""Rows of users' files, and what is wrong in each."""

from __future__ import annotations

import gzip

import pytest
from rdkit import Chem

from gmae_tf.errors import UserError
from molecules.data.files import Record, file_unit, read_records


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
    assert read_records(path) == expected
    assert file_unit(path) == "line"


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("name", ["own.csv", "own.csv.gz"])
def test_a_table(tmp_path, mark, name):
    rows = ["id,Canonical_SMILES,pIC50", "a,CCO,5.5", "b,,6", "c,CCN,", "d,CCC,high", "e,CCS,nan"]
    path = write(tmp_path, name, "\ufeff" + "\n".join([*rows, "f"]).replace(",", mark))
    assert read_records(path, value_column="pIC50") == [
        Record(2, "CCO", 5.5),
        Record(3, "", 6.0, "no SMILES"),
        Record(4, "CCN", None, "no value"),
        Record(5, "CCC", None, "not a number: 'high'"),
        Record(6, "CCS", None, "not a number: 'nan'"),
        Record(7, "", None, "no SMILES"),
    ]
    assert [record.problem for record in read_records(path)] == [
        None, "no SMILES", None, None, None, "no SMILES"
    ]  # fmt: skip


def test_a_quoted_row_over_two_lines_and_a_named_column(tmp_path):
    path = write(tmp_path, "own.csv", 'note,mol,smiles\n"two\nlines",CCO,x\nplain,CCN,y\n')
    assert read_records(path, smiles_column="mol") == [Record(3, "CCO"), Record(4, "CCN")]


@pytest.mark.parametrize("name", ["own.sdf", "own.sdf.gz"])
def test_records_of_an_sdf(tmp_path, name):
    text = sdf_text(
        ("C[C@H](N)O", {"y": "1.5"}), (None, {"y": "2"}), ("CCO", {}), ("c1ccccc1", {"y": "low"})
    )
    path = write(tmp_path, name, text)
    assert file_unit(path) == "record"
    assert read_records(path, value_column="y") == [
        Record(1, "C[C@H](N)O", 1.5),
        Record(2, "", None, "not a molecule: RDKit cannot read the record"),
        Record(3, "CCO", None, "no value"),
        Record(4, "c1ccccc1", None, "not a number: 'low'"),
    ]


@pytest.mark.parametrize(
    ("name", "text", "columns", "message"),
    [
        ("own.csv", "a,b\n1,2\n", {}, r"no column called smiles.*a, b.*--smiles-column"),
        ("own.csv", "a,b\n1,2\n", {"smiles_column": "c"}, r"no column 'c'.*a, b.*--smiles-col"),
        ("own.csv", "smiles\nC\n", {"value_column": "y"}, r"no column 'y'.*--value-column"),
        ("own.smi", "CCO 1\n", {"value_column": "y"}, r"no columns with names.*\.csv"),
        ("own.smi", "\n", {}, "holds no molecules"),
        ("own.csv", "smiles\n", {}, "holds no molecules"),
        ("own.sdf", "", {}, "holds no molecules"),
        ("own.xlsx", "x", {}, r"no source of molecules.*'builtin'.*\.sdf"),
    ],
)
def test_files_that_cannot_be_used(tmp_path, name, text, columns, message):
    with pytest.raises(UserError, match=message) as caught:
        read_records(write(tmp_path, name, text), **columns)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["broken.smi.gz", "binary.csv"])
def test_files_that_cannot_be_read(tmp_path, name):
    (tmp_path / name).write_bytes(b"\xff\xfe\x00C")
    with pytest.raises(UserError, match=r"cannot read .*\.sdf"):
        read_records(tmp_path / name)
    with pytest.raises(UserError, match=r"cannot read .*\.sdf"):
        read_records(tmp_path / "nowhere.smi")
