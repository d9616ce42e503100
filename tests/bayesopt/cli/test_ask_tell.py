"""Ask and tell: a campaign in which only the user measures."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem

from bayesopt.cli import ask_tell as assist
from bayesopt.cli.ask_tell import _with_flag
from bayesopt.cli.batch_csv import read_told, write_batch
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


def fill(path: Path, failed: tuple[int, ...] = (), empty: tuple[int, ...] = ()) -> None:
    rows = rows_of(path)
    for i, row in enumerate(rows):
        row["pIC50"] = f"{LOGP(row['smiles']):.4f}"
        row["pIC50"] = "failed" if i in failed else "" if i in empty else row["pIC50"]
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
    assert "has nothing new" in refused(capsys, "tell", "--out", out, out / "batch-001.csv")
    fill(out / "batch-001.csv", failed=(2,))
    main(["tell", "--out", str(out), str(out / "batch-001.csv")])
    text = capsys.readouterr().out
    assert "values stored: 5, failed: 1, still waited for: 0" in text
    best = max(*data, *(LOGP(s) for i, s in enumerate(asked) if i != 2))
    assert float(text.split("best so far: ")[1].split()[0]) == pytest.approx(best, abs=1e-3)
    assert "has nothing new" in refused(capsys, "tell", "--out", out, out / "batch-001.csv")

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
    fill(path, empty=(1, 2))
    tell = ("tell", "--out", str(out), str(path))
    main(list(tell))
    assert "values stored: 1, still waited for: 2" in capsys.readouterr().out
    fill(path, failed=(1,), empty=(2,))
    main(list(tell))
    assert "values stored: 0, failed: 1, still waited for: 1" in capsys.readouterr().out
    fill(path, empty=(2,))  # it could be made after all
    main(list(tell))
    assert "values stored: 1, still waited for: 1" in capsys.readouterr().out
    # A value that changes is replaced if that is said; the sentence has the user's sign.
    before, text = rows_of(path)[0]["pIC50"], path.read_text()
    path.write_text(text.replace(f",{before}\n", ",99.5\n").replace(f",{before}\r\n", ",99.5\r\n"))
    said = refused(capsys, *tell)
    assert (
        f"line 2: {rows_of(path)[0]['smiles']} was told as {float(before):g} and is now 99.5"
        in said
    )
    assert "add --replace" in said
    main([*tell, "--replace"])
    said = capsys.readouterr().out
    assert f"replaced: {float(before):g} by 99.5" in said
    assert "best so far: 99.5" in said


def test_molecules_are_told_by_smiles_with_noise_and_without_having_been_asked(
    mine, tmp_path, capsys
):
    out = tmp_path / "campaign"
    ask(mine, out, "--batch-size", 3)
    asked = [row["smiles"] for row in rows_of(out / "batch-001.csv")]
    own = next(s for s in pool()[30:] if s not in asked)
    other = Chem.MolToSmiles(Chem.MolFromSmiles(asked[1]), doRandom=True)
    told = tmp_path / "told.tsv"
    told.write_text(f"sd\tpIC50\tSMILES\n0.3\t5.5\t{other}\n\t41\t{own}\n")
    capsys.readouterr()
    main(["tell", "--out", str(out), str(told)])
    text = capsys.readouterr().out
    assert "values stored: 2, not asked for: 1, still waited for: 2" in text
    assert f"best so far: 41  {own}  (told)" in text
    results = rows_of(out / "results.csv")
    assert [(row["smiles"], row["value"], row["noise"]) for row in results[:2]] == [
        (own, "41", ""),
        (asked[1], "5.5", "0.3"),
    ]
    assert results[1]["source"] in ("latent", "evolution")
    assert [row["status"] for row in results[2:]] == ["waiting", "waiting"]
    molecules = Chem.SDMolSupplier(str(out / "results.sdf"))
    assert [m.GetPropsAsDict().get("value") for m in molecules] == [41.0, 5.5, None, None]
    assert [Chem.MolToSmiles(m) for m in molecules][:2] == [own, asked[1]]


def test_a_salt_that_is_told_is_its_largest_fragment(mine, tmp_path, capsys):
    out = tmp_path / "campaign"
    ask(mine, out, "--batch-size", 2)
    asked = [row["smiles"] for row in rows_of(out / "batch-001.csv")]
    own = next(s for s in pool()[30:] if s not in asked and not set(s) & set("+-."))
    told = tmp_path / "told.csv"
    told.write_text(f"smiles,pIC50\n{asked[0]},4\n{own}.Cl,7\n")
    capsys.readouterr()
    main(["tell", "--out", str(out), str(told)])
    text = " ".join(capsys.readouterr().out.split())
    assert f"{own}.Cl is told as {own} (" in text
    assert "values stored: 2, not asked for: 1" in text
    assert rows_of(out / "results.csv")[0]["smiles"] == own
    told.write_text("smiles,pIC50\n[Fe],4\n")
    assert f"{told}: [Fe] cannot be written in the" in refused(capsys, "tell", "--out", out, told)


def test_a_further_batch_is_asked_while_one_is_out(mine, tmp_path, capsys):
    out = tmp_path / "campaign"
    ask(mine, out, "--batch-size", 3)
    assert "add --more for a further batch" in refused(capsys, "ask", "--out", out)
    main(["ask", "--out", str(out), "--more"])
    first, second = (rows_of(out / f"batch-00{i}.csv") for i in (1, 2))
    assert [row["id"] for row in second] == ["4", "5", "6"]
    assert not {row["smiles"] for row in first} & {row["smiles"] for row in second}
    fill(out / "batch-002.csv", failed=(0,))
    main(["tell", "--out", str(out), str(out / "batch-002.csv")])
    capsys.readouterr()
    main(["status", "--out", str(out)])
    text = " ".join(capsys.readouterr().out.split())
    assert "25 molecules measured before, 2 told since" in text
    assert "waiting for 3 values" in text
    assert all(f"{row['id']} 1 {row['smiles']}" in text for row in first)
    best = max([LOGP(s) for s in pool()[:25]] + [LOGP(row["smiles"]) for row in second[1:]])
    assert f"best so far: {best:.4g}"[:16] in text
    page = (out / "report.html").read_text()
    assert "Batch 2" in page
    assert "<img" in page
    # Its file was lost, as after a kill: the same batch is written again.
    (out / "batch-001.csv").unlink()
    main(["ask", "--out", str(out)])
    assert rows_of(out / "batch-001.csv") == first


def test_the_surrogate_of_a_campaign_rates_a_file(mine, tmp_path, capsys):
    out, to = tmp_path / "campaign", tmp_path / "p.csv"
    ask(mine, out, "--batch-size", 2)
    asked = {row["smiles"]: row for row in rows_of(out / "batch-001.csv")}
    others = tmp_path / "others.smi"
    others.write_text("\n".join([*asked, "C[SiH3]", "C1CC"]))
    main(["predict", "--out", str(out), str(others), "--to", str(to)])
    assert "4 rows read, 2 used, 2 not used" in capsys.readouterr().out
    rows = rows_of(to)
    assert [row["smiles"] for row in rows] == list(asked)
    for row in rows:
        for name in ("predicted_mean", "predicted_sd"):
            same = float(asked[row["smiles"]][name])
            assert float(row[name]) == pytest.approx(same, rel=0.02, abs=0.01)
    said = refused(capsys, "predict", "--out", out, "absent.csv")
    assert "absent.csv cannot be read" in said


def test_a_campaign_keeps_its_direction(mine, tmp_path, capsys):
    out = tmp_path / "campaign"
    ask(mine, out, "--batch-size", 2)
    said = refused(capsys, "ask", "--out", out, "--minimize", "--more")
    assert "holds a campaign that maximises pIC50: leave out --minimize" in said


def test_what_is_told_and_in_the_data_counts_once(mine, tmp_path, capsys):
    out = tmp_path / "campaign"
    ask(mine, out, "--batch-size", 3)
    path = out / "batch-001.csv"
    fill(path)
    path.write_text(path.read_text().rstrip() + "\n,CCCCCCCCCCCCCl,,,>3\n")
    main(["tell", "--out", str(out), str(path)])
    assert "each of which counts as the limit itself: 1" in capsys.readouterr().out
    told = rows_of(path)
    with open(mine, "a") as file:
        file.write(f"again,{told[0]['smiles']},{told[0]['pIC50']}\n")
        file.write(f"other,{told[1]['smiles']},99\nsalt,{told[2]['smiles']}.Cl,1\n")
    main(["ask", "--out", str(out)])
    text = capsys.readouterr().out
    assert "29 measured molecules" in text
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
    text = "\ufeffy;id;note;smiles;std\n;3;lost;CCC;\n 6,5 ;1;;OCC;0,2\nFailed;2;;;\n7;;;CCCl;\n"
    path.write_text(text, encoding="utf-8")
    told = read_told(path, list(TRIALS.values()), "y", canonical_or_none)
    assert [tuple(row) for row in told] == [
        (2, "CCC", None, False, None, False),
        (3, "CCO", 6.5, False, 0.2, False),
        (4, "CCN", None, True, None, False),
        (5, "CCCl", 7.0, False, None, False),
    ]
    path.write_bytes("ID;SMILES;Y (nM)\r1;CCO;6,5\r2;CCN;>7,5\r3;CCC;n/a\r".encode("utf-16"))
    told = read_told(path, list(TRIALS.values()), "y", canonical_or_none)
    assert [(row.string, row.value, row.limit) for row in told] == [
        ("CCO", 6.5, False), ("CCN", 7.5, True), ("CCC", None, False)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("id,smiles\n1,CCO\n", "needs the column y, and id or smiles"),
        ("name,y\n1,2\n", "needs the column y, and id or smiles"),
        ("", "needs the column y"),
        ("id,smiles,y\n", "no lines with values"),
        ("id,smiles,y\n7,CCO,1\n", "line 2: id 7 was never asked .1 to 3 were"),
        ("id,smiles,y\nx,CCO,1\n", "the id 'x' is not a whole number"),
        ("id,smiles,y\n1,CCO,1\n1,CCO,2\n", "line 3: CCO stands twice"),
        ("id,smiles,y\n1,CCN,1\n", "id 1 is CCO, not CCN"),
        ("id,smiles,y\n,,1\n", "neither an id nor a molecule"),
        ("id,smiles,y\n,C1CC,1\n", "'C1CC' is no molecule"),
        ("id,smiles,y\n1,CCO,lost\n", "'lost'; write failed if the molecule could not be made"),
    ],
)
def test_bad_file_is_named_by_line(tmp_path, text, sentence):
    path = tmp_path / "b.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=sentence):
        read_told(path, list(TRIALS.values()), "y", canonical_or_none)


def test_file_that_cannot_be_read_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match=r"cannot read .*absent\.csv"):
        read_told(tmp_path / "absent.csv", list(TRIALS.values()), "y", canonical_or_none)
    for content, what in (
        (b"PK\x03\x04\xff\xfe", "a spreadsheet"),
        (b"id,y\n1,\0\0", "not a text"),
    ):
        (tmp_path / "b.csv").write_bytes(content)
        with pytest.raises(UserError, match=rf"b\.csv is {what}"):
            read_told(tmp_path / "b.csv", list(TRIALS.values()), "y", canonical_or_none)


def test_parts_of_a_model_are_those_of_the_grammar():
    from grammar.autoencoder.model import PARTS

    assert MODEL_PARTS == PARTS


def test_file_needs_no_flag():
    assert _with_flag(["--out", "x", "b.csv"]) == ["--out", "x", "--measured", "b.csv"]
    assert _with_flag(["--replace", "b.csv"]) == ["--replace", "--measured", "b.csv"]
    assert _with_flag(["b.csv", "--out=x"]) == ["--measured", "b.csv", "--out=x"]
