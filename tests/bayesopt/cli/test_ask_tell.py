"""Ask and tell: a campaign in which only the user measures."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bayesopt.cli import ask_tell as assist
from bayesopt.cli.ask_tell import _with_flag
from bayesopt.cli.batch_csv import read_batch, write_batch
from bayesopt.cli.checks import MODEL_PARTS
from bayesopt.run import main
from bayesopt.storage import Batch, Trial
from gmae_tf.errors import UserError
from molecules.chem.properties import find
from molecules.codec import canonical_or_none
from tests.bayesopt.toy_molecules import install, pool

LOGP = find("penalized_logp")


@pytest.fixture(scope="module", autouse=True)
def toy(tmp_path_factory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        install(patch, tmp_path_factory.mktemp("model"))
        patch.setattr(assist, "FOLDS", 2)
        yield


@pytest.fixture
def mine(tmp_path) -> Path:
    path = tmp_path / "mine.csv"
    rows = "".join(f"m{i},{s},{LOGP(s):.4f}\n" for i, s in enumerate(pool()[:25]))
    path.write_text("name,smiles,pIC50\n" + rows)
    return path


def ask(mine: Path, out: Path, *more: object) -> None:
    given = ("ask", "--data", mine, "--value-column", "pIC50", "--maximize", "--out", out)
    main([str(a) for a in (*given, *more)])


def refused(capsys, *arguments: object) -> str:
    with pytest.raises(SystemExit) as stop:
        main([str(a) for a in arguments])
    assert stop.value.code == 2
    return capsys.readouterr().err


def rows_of(path: Path) -> list[dict[str, str]]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def fill(path: Path, empty: tuple[int, ...] = ()) -> None:
    rows = rows_of(path)
    for i, row in enumerate(rows):
        row["pIC50"] = "" if i in empty else f"{LOGP(row['smiles']):.4f}"
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_campaign_from_ask_to_ask(mine, tmp_path, capsys):
    out = tmp_path / "campaign"
    ask(mine, out, "--batch-size", 6)
    text = capsys.readouterr().out
    assert "25 measured molecules" in text
    assert "cross-validation" in text
    first = rows_of(out / "batch-001.csv")
    assert list(first[0]) == ["id", "smiles", "predicted_mean", "predicted_sd", "pIC50"]
    assert [row["id"] for row in first] == [str(i) for i in range(1, 7)]
    asked = [row["smiles"] for row in first]
    assert len(set(asked)) == 6
    assert all(f"  {smiles}\n" in text for smiles in asked)  # whole, at the end of their lines
    assert not set(asked) & set(pool()[:25])
    assert all(row["pIC50"] == "" and float(row["predicted_sd"]) > 0 for row in first)
    # Predictions are in the user's sign: near the mean of the data, not of its negative.
    data = [LOGP(s) for s in pool()[:25]]
    means = [float(row["predicted_mean"]) for row in first]
    assert np.mean(means) > np.mean(data) - np.std(data)
    assert (out / "batch-001.svg").exists()

    # A batch that waits is not asked anew, and its file is left alone.
    (out / "batch-001.csv").write_text((out / "batch-001.csv").read_text() + "\n")
    assert "still waits for 6 values" in refused(capsys, "ask", "--out", out)
    fill(out / "batch-001.csv", empty=(2,))
    main(["tell", "--out", str(out), str(out / "batch-001.csv")])
    text = capsys.readouterr().out
    assert "values stored: 5, marked as not measurable: 1, still waited for: 0" in text
    best = max(LOGP(s) for i, s in enumerate(asked) if i != 2)
    assert float(text.split("best so far: ")[1].split()[0]) == pytest.approx(best, abs=1e-3)
    assert "told already" in refused(capsys, "tell", "--out", out, out / "batch-001.csv")

    # The options are remembered; nothing is asked twice, what failed neither.
    main(["ask", "--out", str(out)])
    text = capsys.readouterr().out
    assert "30 measured molecules" in text
    assert f"{mine}: 25 rows read, 25 used" in text
    second = rows_of(out / "batch-002.csv")
    assert [row["id"] for row in second] == [str(i) for i in range(7, 13)]
    assert not {row["smiles"] for row in second} & {*asked, *pool()[:25]}


def test_what_was_not_told_yet_may_be_told_later(mine, tmp_path, capsys):
    out = tmp_path / "campaign"
    ask(mine, out, "--batch-size", 3)
    path = out / "batch-001.csv"
    fill(path)
    full = path.read_text()
    lines = full.splitlines(keepends=True)
    path.write_text("".join(lines[:2]))  # one line only
    main(["tell", "--out", str(out), str(path)])
    assert "values stored: 1, marked as not measurable: 0, still waited for: 2" in (
        capsys.readouterr().out
    )
    path.write_text(full)
    fill(path, empty=(1,))
    main(["tell", "--out", str(out), str(path)])
    assert "stored: 1, marked as not measurable: 1" in capsys.readouterr().out
    path.write_text(full)  # it could be made after all
    main(["tell", "--out", str(out), str(path)])
    assert "stored: 1, marked as not measurable: 0" in capsys.readouterr().out
    path.write_text(full.replace(lines[1].rsplit(",", 1)[1].strip(), "99.5"))
    assert "a told value stays" in refused(capsys, "tell", "--out", out, path)


def test_what_is_told_and_in_the_data_counts_once(mine, tmp_path, capsys):
    out = tmp_path / "campaign"
    ask(mine, out, "--batch-size", 3)
    path = out / "batch-001.csv"
    fill(path)
    main(["tell", "--out", str(out), str(path)])
    told = rows_of(path)
    with open(mine, "a") as file:
        file.write(f"again,{told[0]['smiles']},{told[0]['pIC50']}\n")
        file.write(f"other,{told[1]['smiles']},99\nsalt,{told[2]['smiles']}.Cl,1\n")
    capsys.readouterr()
    main(["ask", "--out", str(out)])
    text = capsys.readouterr().out
    assert "28 measured molecules" in text
    assert "3 molecules are told and also in the data: each counts once" in text
    assert f"{told[1]['smiles']}: 99 in the data, told as {float(told[1]['pIC50']):g}" in text
    assert "salts and mixtures of which the largest fragment is kept: 1" in text


def test_rows_that_are_not_used_are_told_and_written(mine, tmp_path, capsys):
    with open(mine, "a") as file:
        file.write("a,CCO,ND\nb,C(,1\nc,CCCl,>3\nd,c1ccc,2\n")
    out = tmp_path / "campaign"
    ask(mine, out, "--batch-size", 2)
    text = capsys.readouterr().out
    assert f"{mine}: 29 rows read, 26 used, 3 not used" in text
    assert "line 27  CCO" in text
    assert "limits among the values, each of which counts as the limit itself: 1 (1 >, 0 <)" in text
    rows = (out / "dropped.tsv").read_text().splitlines()
    assert [row.split("\t")[1] for row in rows[1:]] == ["line 27", "line 28", "line 30"]


def test_ask_and_tell_say_what_is_missing(mine, tmp_path, capsys):
    out = tmp_path / "none"
    assert "run python -m bayesopt.run ask first" in refused(capsys, "tell", "--out", out, "b.csv")
    assert "give --data FILE" in refused(capsys, "ask", "--out", out)
    given = ("ask", "--out", out, "--data", mine, "--value-column", "pIC50")
    assert "--maximize or --minimize" in refused(capsys, *given)
    assert "exclude each other" in refused(capsys, *given, "--maximize", "--minimize")
    assert "--batch-size must be 1" in refused(capsys, *given, "--maximize", "--batch-size", 0)
    assert "--measured is required" in refused(capsys, "tell", "--out", out)
    assert not out.exists()
    out.mkdir()
    (out / "config.yaml").write_text("task: expr\n")
    assert "holds another run" in refused(capsys, "tell", "--out", out, "b.csv")


def test_constraints_that_leave_nothing_end_in_a_sentence(mine, tmp_path, capsys):
    given = ("ask", "--out", tmp_path / "o", "--data", mine, "--value-column", "pIC50")
    sentence = refused(capsys, *given, "--maximize", "--max-heavy-atoms", 4)
    assert "no known molecule satisfies" in sentence


# ---------------------------------------------------------------- the file of a batch


TRIALS = {
    i: Trial("joint", 0, 0, i, s, None, False, np.zeros(2), np.zeros(2), -float(i), 0.5)
    for i, s in enumerate(("CCO", "CCN", "CCC"), start=1)
}


def test_batch_file_has_ids_and_predictions(tmp_path):
    path = tmp_path / "b.csv"
    trials = tuple(TRIALS.values())
    write_batch(path, Batch(trials, np.array([1.0, 2.0, 3.0]), np.full(3, 0.5)), "y")
    assert path.read_text().splitlines()[1] == "1,CCO,1.0000,0.5000,"


def test_file_of_a_spreadsheet_is_read(tmp_path):
    path = tmp_path / "b.csv"
    path.write_text("\ufeffy;id;note;smiles\n;3;lost;CCC\n 6.5 ;1;;OCC\n", encoding="utf-8")
    assert read_batch(path, TRIALS, "y", canonical_or_none) == {3: None, 1: 6.5}
    path.write_bytes("ID;SMILES;Y (nM)\r1;CCO;6,5\r2;CCN;>7,5\r3;CCC;n/a\r".encode("utf-16"))
    assert read_batch(path, TRIALS, "y", canonical_or_none) == {1: 6.5, 2: 7.5, 3: None}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("id,smiles\n1,CCO\n", "needs the columns id and y"),
        ("", "needs the columns id and y"),
        ("id,smiles,y\n", "no lines with values"),
        ("id,smiles,y\n7,CCO,1\n", "line 2: id 7 was never asked .1 to 3 were"),
        ("id,smiles,y\nx,CCO,1\n", "the id 'x' is not a whole number"),
        ("id,smiles,y\n1,CCO,1\n1,CCO,2\n", "line 3: id 1 stands twice"),
        ("id,smiles,y\n1,CCN,1\n", "id 1 is CCO, not CCN"),
        ("id,smiles,y\n1,CCO,failed\n", "line 2: not a number: 'failed'; leave the cell empty"),
        ("id,smiles,y\n1,CCO,inf\n", "not a number: 'inf'"),
        ("id,smiles,y\n1,CCO,1,2\n2,CCN,3\n", "line 2: more cells than columns: 4 for 3"),
        ("id,smiles,y,y\n1,CCO,1,2\n", "columns 3 and 4 both 'y'"),
    ],
)
def test_bad_file_is_named_by_line(tmp_path, text, sentence):
    path = tmp_path / "b.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=sentence):
        read_batch(path, TRIALS, "y", canonical_or_none)


def test_file_that_cannot_be_read_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match=r"cannot read .*absent\.csv"):
        read_batch(tmp_path / "absent.csv", TRIALS, "y", canonical_or_none)
    for content, what in (
        (b"PK\x03\x04\xff\xfe", "a spreadsheet"),
        (b"id,y\n1,\0\0", "not a text"),
    ):
        (tmp_path / "b.csv").write_bytes(content)
        with pytest.raises(UserError, match=rf"b\.csv is {what}"):
            read_batch(tmp_path / "b.csv", TRIALS, "y", canonical_or_none)


def test_parts_of_a_model_are_those_of_the_grammar():
    from grammar.autoencoder.model import PARTS

    assert MODEL_PARTS == PARTS


def test_file_needs_no_flag():
    assert _with_flag(["--out", "x", "b.csv"]) == ["--out", "x", "--measured", "b.csv"]
    assert _with_flag(["b.csv", "--out=x"]) == ["--measured", "b.csv", "--out=x"]
