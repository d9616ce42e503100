"""Which molecules are trained on, held out and dropped, and what is said about it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem

from gmae_tf.errors import UserError
from grammar.errors import ParseError
from grammar.library import load_grammar
from molecules.data import zinc
from molecules.data.builtin import builtin_molecules
from molecules.data.kekulize import kekulize_smiles
from molecules.data.sources import load_molecules

CASES = Path(__file__).parents[2] / "cases" / "mol"


@pytest.fixture(autouse=True)
def no_data_folder(request, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    if "data" not in request.keywords:
        monkeypatch.delenv("GMAE_DATA_DIR", raising=False)


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text(
        "SMILES,y\nOCC,1\nc1ccccc1,4\nCCO,3\nCC(C)(C)(C)C,1\nc1ccc1c,1\nCC(=O)[O-].[Na+],2\n"
        "[Si]CC,1\nCCN,\nC(,5\n"
    )
    return path


def accepts(smiles):
    try:
        load_grammar("smiles").parse(smiles)
    except ParseError as error:
        return f"outside the grammar: {error}"
    return None


def test_a_users_table_is_cleaned_and_all_that_goes_has_a_reason(table):
    data = load_molecules(table, value_column="y", accepts=accepts, held_out=0)
    assert data.smiles == ("CCO", "c1ccccc1")
    np.testing.assert_array_equal(data.values, [2.0, 4.0])
    assert (data.held_out, data.report.unit, data.report.read) == ((), "line", 9)
    reasons = {place: reason for place, _, reason in data.report.dropped}
    assert list(reasons) == [4, 5, 6, 7, 8, 9, 10]
    assert reasons[4] == (
        "duplicate: the same molecule as line 2, values averaged; in conflict, 1 and 3"
    )
    assert reasons[5].startswith("not a molecule: Explicit valence")
    assert reasons[6].startswith("not a molecule: ")
    assert reasons[7].startswith("several parts: a salt or a mixture, of which --largest-fragment")
    assert reasons[8].startswith("outside the grammar: ")
    assert reasons[9] == "no value"
    assert not any("\n" in reason for reason in reasons.values())


def test_options_of_a_users_file(table):
    kept = load_molecules(table, largest_fragment=True, held_out=0)
    assert kept.smiles == ("CCO", "c1ccccc1", "CC(=O)[O-]", "CC[Si]", "CCN")
    assert kept.values is None
    written = load_molecules(table, canonical=False, held_out=0)
    assert written.smiles == ("OCC", "c1ccccc1", "[Si]CC", "CCN")
    assert "C1=CC=CC=C1" in load_molecules(table, kekulize=True, held_out=0).smiles


def test_salts_charges_and_bonds_to_metals(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text(
        "smiles,y\nCC(=O)[O-].[Na+],1\nCC(=O)O,2\nC[NH3+].[Cl-],3\nCN,4\nCC(=O)O[Na],5\nCCO,6\n"
    )
    plain = load_molecules(path, held_out=0)
    assert plain.smiles == ("CC(=O)O", "CN", "CC(=O)[O][Na]", "CCO")
    largest = load_molecules(path, largest_fragment=True, held_out=0)
    assert largest.smiles == (
        "CC(=O)[O-]", "CC(=O)O", "C[NH3+]", "CN", "CC(=O)[O][Na]", "CCO"
    )  # fmt: skip
    assert largest.report.notes == ("salts and mixtures of which the largest fragment is kept: 2",)
    joined = load_molecules(
        path,
        value_column="y",
        largest_fragment=True,
        standardize=True,
        neutralize=True,
        held_out=0,
    )
    assert joined.smiles[:2] == ("CC(=O)O", "CN")
    assert joined.values.tolist() == [pytest.approx(8 / 3), 3.5, 6]
    assert "molecules neutralised: 3" in joined.report.notes
    whole = load_molecules(path, keep_mixtures=True, held_out=0)
    assert whole.smiles[0] == "CC(=O)[O-].[Na+]"


def test_a_bond_to_a_metal_is_cut_before_the_largest_fragment_is_taken(tmp_path):
    data = load_molecules(
        ["CC(=O)O[Na]"], largest_fragment=True, standardize=True, neutralize=True, held_out=0
    )
    assert data.smiles == ("CC(=O)O",)


def test_limits_and_conflicts_are_told(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text(
        "smiles,y\nCCO,>10\nCCN,<0.5\nCCC,~3\nOCC,>20\nCCS,1\nSCC,9\nCCF,2\nFCC,2.2\n"
    )
    data = load_molecules(path, value_column="y", held_out=0)
    assert data.smiles == ("CCO", "CCN", "CCC", "CCS", "CCF")
    np.testing.assert_allclose(data.values, [20, 0.5, 3, 5, 2.1])
    assert data.censoring.tolist() == [1, -1, 0, 0, 0]
    np.testing.assert_allclose(data.deviations[3:], [32**0.5, 0.02**0.5])
    measured, conflict, limits = data.report.notes
    assert measured.startswith("molecules measured more than once, of which the mean is taken: 2 (stand")
    assert "lines 6, 7: 1 and 9" in conflict
    assert limits.endswith("each of which counts as the limit itself: 2 (1 >, 1 <)")
    reasons = {d.place: d.reason for d in data.report.dropped}
    assert reasons[7].endswith("line 6, values averaged; in conflict, 1 and 9")
    assert reasons[9] == "duplicate: the same molecule as line 8, values averaged"


def test_no_row_is_lost_in_silence():
    data = load_molecules(CASES / "silent_rows.csv", value_column="logS", held_out=0)
    report = data.report
    assert report.read == len(data.smiles) + len(report.dropped) == 24
    assert data.censoring.tolist().count(-1) == 2
    assert data.censoring.tolist().count(1) == 1
    lines = (CASES / "silent_rows.csv").read_text().splitlines()
    for place, what, reason in report.dropped:
        assert reason
        assert lines[place - 1].startswith(what)


def test_the_page_of_input_files_shows_what_is_printed(tmp_path, monkeypatch):
    page = (Path(__file__).parents[3] / "docs" / "input_files.md").read_text()
    monkeypatch.chdir(tmp_path)
    text = (CASES / "silent_rows.csv").read_text()
    Path("mine.csv").write_text(text)
    report = load_molecules(
        "mine.csv", value_column="logS", largest_fragment=True, held_out=0
    ).report
    assert f"```\n{report}\n```" in page
    [example] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    Path("mine.csv").write_text(text.replace("logS", "IC50 (nM)"))
    Path("points.csv").write_text("x;Y\n1;2,5\n2;high\n")
    names = {}
    exec(example, names)
    assert names["y"] == [2.5, "not a number: 'high'"]
    assert len(names["data"].values) == len(names["data"].smiles) == 20


def test_a_grammar_that_writes_salts_is_trained_on_them(tmp_path):
    from molecules.train import TrainConfig, read, with_preset

    path = tmp_path / "own.smi"
    path.write_text("CCO\nCC(=O)[O-].[Na+]\n" + "".join("C" * i + "\n" for i in range(1, 60)))
    salt = "CC(=O)[O-].[Na+]"
    for grammar, whole in (("smiles_extended", True), ("smiles", False)):
        config = TrainConfig(data=str(path), grammar=grammar, kekulize=False, max_length=277)
        data = read(with_preset(config))[1]
        assert (salt in (*data.smiles, *data.held_out)) == whole
        assert len(data.report.dropped) == int(not whole)


def test_the_report_counts_reasons(table):
    data = load_molecules(table, value_column="y", held_out=0)
    text = str(data.report)
    assert text.startswith(f"{table}: 9 rows read, 3 used, 6 not used\n")
    assert "\n  3 not a molecule\n    line 5  CC(C)(C)(C)C  Explicit valence" in text
    assert "  1 no value\n    line 9  CCN" in text


def test_examples_in_the_report_are_few(tmp_path):
    path = tmp_path / "own.smi"
    path.write_text("CC\n" + "C(\n" * 50)
    text = str(load_molecules(path).report)
    assert "50 not a molecule" in text
    assert len(text.splitlines()) == 6


def test_a_share_is_held_out_with_its_values(tmp_path):
    path = tmp_path / "own.csv"
    smiles = ["C" * i for i in range(1, 61)]
    path.write_text("y,smiles\n" + "".join(f"{len(s)},{s}\n" for s in smiles))
    data = load_molecules(path, value_column="y", seed=1)
    assert len(data.held_out) == 3
    assert {*data.smiles, *data.held_out} == set(smiles)
    assert len(data.smiles) == 57
    assert [len(s) for s in data.smiles] == data.values.tolist()
    assert [len(s) for s in data.held_out] == data.held_out_values.tolist()
    assert data.held_out == load_molecules(path, seed=1).held_out
    assert data.held_out != load_molecules(path, seed=2).held_out
    part = load_molecules(path, value_column="y", seed=1, n=10)
    assert part.held_out == data.held_out
    assert set(part.smiles) < set(data.smiles)
    assert len(part.smiles) == len(part.values) == 10


@pytest.mark.parametrize(("rows", "held_out"), [(1, 0), (2, 1), (5, 1)])
def test_at_least_one_is_held_out_and_one_left(tmp_path, rows, held_out):
    path = tmp_path / "own.smi"
    path.write_text("".join("C" * i + "\n" for i in range(1, rows + 1)))
    data = load_molecules(path)
    assert (len(data.smiles), len(data.held_out)) == (rows - held_out, held_out)


def test_built_in_molecules():
    data = load_molecules("builtin", n=60, seed=5)
    assert {*data.smiles, *data.held_out} == set(builtin_molecules(60, seed=5))
    assert (len(data.smiles), len(data.held_out), data.report.dropped) == (57, 3, ())
    forms = load_molecules("builtin", n=20, kekulize=True)
    plain = load_molecules("builtin", n=20)
    assert forms.smiles == tuple(map(kekulize_smiles, plain.smiles))


@pytest.mark.parametrize(
    ("options", "message"), [({"n": 0}, "at least one"), ({"held_out": 1.0}, "below 1")]
)
def test_options_out_of_range(options, message):
    with pytest.raises(UserError, match=message):
        load_molecules("builtin", **options)


def test_nothing_left_is_one_sentence(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("smiles,y\nCCO,a\nC(,2\n")
    with pytest.raises(UserError, match=r"none of 2 rows.*line 2, 'CCO'.*not a number") as caught:
        load_molecules(path, value_column="y")
    assert "\n" not in str(caught.value)


@pytest.fixture
def small_zinc(monkeypatch, tmp_path):
    """The layout of ZINC in a folder: eight molecules, two of them for testing."""
    texts = {
        zinc.ZINC_FILE: ["CCO", "CCN", "c1ccccc1", "CCS", "C1=CC=CC=C1C", "Cc1ccccc1", "CF", "CI"],
        zinc.TEST_FILE: ["CF", "CCN"],
    }
    for (name, lines), key in zip(texts.items(), ("ZINC_SHA256", "TEST_SHA256"), strict=True):
        text = "\n".join(lines) + "\n"
        content = text.encode()
        (tmp_path / name).write_bytes(
            zinc.gzip.compress(content) if name.endswith(".gz") else content
        )
        monkeypatch.setattr(zinc, key, zinc.hashlib.sha256(content).hexdigest())
    return tmp_path


def test_zinc_is_used_as_it_is_without_its_test_molecules(small_zinc, monkeypatch):
    data = load_molecules("zinc", data_dir=small_zinc)
    assert data.smiles == ("CCO", "c1ccccc1", "CCS", "C1=CC=CC=C1C", "Cc1ccccc1", "CI")
    assert set(data.held_out) == {"CF", "CCN"}
    monkeypatch.setenv("GMAE_DATA_DIR", str(small_zinc))
    part = load_molecules("zinc", n=3, seed=2)
    assert len(part.smiles) == 3
    assert set(part.smiles) < set(data.smiles)


def test_kekulised_zinc_has_each_molecule_once(small_zinc):
    for _ in range(2):  # the second time from the cache
        data = load_molecules("zinc", data_dir=small_zinc, kekulize=True)
        assert data.smiles[1] == "C1=CC=CC=C1"
        assert len(data.smiles) == 5
        assert [(d.place, d.reason) for d in data.report.dropped] == [(6, "duplicate")]


def test_a_file_that_is_not_zinc_is_refused(small_zinc, monkeypatch):
    monkeypatch.setattr(zinc, "ZINC_SHA256", "0" * 64)
    with pytest.raises(UserError, match=r"SHA-256 differs.*'builtin'"):
        load_molecules("zinc", data_dir=small_zinc)


def test_without_a_network_the_alternatives_are_named(monkeypatch):
    import pooch

    def refuse(*_, **__):
        raise ConnectionError("no route to host")

    monkeypatch.setattr(pooch, "retrieve", refuse)
    for source in ("zinc", "download"):
        with pytest.raises(UserError, match=r"^cannot download https.*'builtin'.*$") as caught:
            load_molecules(source)
        assert "\n" not in str(caught.value)


def test_a_download_is_an_archive_that_is_read_and_checked(small_zinc, monkeypatch, tmp_path):
    import tarfile

    import pooch

    text = tmp_path / "zinc.txt"
    text.write_bytes(zinc.gzip.decompress((small_zinc / zinc.ZINC_FILE).read_bytes()))
    with tarfile.open(tmp_path / "zinc.txt.gz", "w:gz") as archive:
        archive.add(text, "zinc.txt")
    served = {zinc.ZINC_URL: tmp_path / "zinc.txt.gz", zinc.TEST_URL: small_zinc / zinc.TEST_FILE}
    known = {}

    def retrieve(url, known_hash, **_):
        known[url] = known_hash
        return str(served[url])

    monkeypatch.setattr(pooch, "retrieve", retrieve)
    data = load_molecules("download")
    assert data.smiles == load_molecules("zinc", data_dir=small_zinc).smiles
    assert known == {zinc.ZINC_URL: f"sha256:{zinc.ARCHIVE_SHA256}", zinc.TEST_URL: None}
    served[zinc.TEST_URL].write_text("<html>please log in</html>")
    with pytest.raises(UserError, match=r"not the published data.*'builtin'"):
        load_molecules("download")
    assert not Path(served[zinc.TEST_URL]).exists()


@pytest.mark.data
def test_zinc_250k(data_dir):
    data = load_molecules("zinc", data_dir=data_dir)
    assert (len(data.smiles), len(data.held_out), data.report.dropped) == (244_455, 5_000, ())
    assert not set(data.smiles) & set(data.held_out)
    part = load_molecules("zinc", data_dir=data_dir, n=300)
    assert all(Chem.MolFromSmiles(smiles) for smiles in part.smiles)
