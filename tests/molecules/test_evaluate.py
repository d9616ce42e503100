"""python -m molecules.evaluate: numbers, drawings and a page, or one sentence."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

import molecules
from gmae_tf.errors import UserError
from gmae_tf.models.config import Recipe
from grammar import load_grammar
from grammar.autoencoder.architectures import Architecture
from molecules.evaluate import SpaceConfig, held_out_molecules

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model that has learnt nothing, as molecules.train writes it."""
    folder = tmp_path_factory.mktemp("evaluate") / "run"
    data = molecules.load_molecules("builtin", n=120, kekulize=True)
    model, _ = molecules.MoleculeAutoencoder.untrained(
        data.smiles,
        Recipe("gmae", 6, components=2),
        grammar=load_grammar("smiles_compact").grammar,
        kekulized=True,
        architecture=Architecture("autoregressive", {"units": 8, "dense": 16}),
        held_out=data.held_out,
    )
    model.details["config"] = {"data": "builtin", "n_data": 120, "seed": 0}
    model.save(folder)
    return folder


def test_a_run_becomes_numbers_drawings_and_a_page(run, tmp_path, run_here):
    out = tmp_path / "out"
    done = run_here("-m", "molecules.evaluate", run, "--n", 30, "--jobs", 1, "--out", out)
    assert done.returncode == 0, done.stderr
    for word in ("Exact reconstruction", "KS term", "midpoints", "pip install fcd", "report.html"):
        assert word in done.stdout
    found = json.loads((out / "evaluation.json").read_text())
    assert found["held_out_molecules"] == 6
    assert found["prior"]["valid"] == 1  # of an untrained network too
    assert set(found["noise"]) == {"0.3", "0.6", "1.0"}
    assert set(found["prior"]["wasserstein"]) == {"qed", "sa", "logp", "weight"}
    for name in ("walk", "neighbours", "map"):
        assert (out / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert "A walk between two held-out molecules" in (out / "report.html").read_text()


def test_molecules_of_a_file_are_measured_where_they_are_new(run):
    model = molecules.load(run)
    model.remember(["OCC", "c1ccccc1"])
    path = run.parent / "mine.csv"
    path.write_text("name,structure\na,CCO\nb,CCC\nc,CCCC\nd,C1=CC=CC=C1\ne,CCN\n")
    config = SpaceConfig(run, data=str(path), smiles_column="structure")
    found = held_out_molecules(model, config, run.parent)
    dropped = (run.parent / "evaluation-dropped.tsv").read_text().splitlines()
    assert dropped == ["file\tplace\ttext\treason"]
    assert sorted(found) == ["CCC", "CCCC", "CCN"]
    path.write_text("smiles\nCCO\nCCC\n")
    with pytest.raises(UserError, match="fewer than 2 molecules that were not trained on"):
        held_out_molecules(model, SpaceConfig(run, data=str(path)), run.parent)


def test_the_command_starts_and_refuses_at_once(tmp_path, run_cli):
    done = run_cli("-X", "importtime", "-m", "molecules.evaluate", tmp_path / "missing")
    assert done.returncode == 2
    assert "there is no such folder" in done.stderr
    for heavy in ("keras", "tensorflow", "jax", "rdkit", "scipy", "sklearn", "nltk"):
        assert not re.search(rf"\| +{heavy}\n", done.stderr)


def test_wrong_folders_are_refused_in_a_sentence(run, tmp_path, run_here, monkeypatch):
    monkeypatch.setattr("gmae_tf.utils.devices.select_device", lambda *_: pytest.fail("too late"))
    damaged = tmp_path / "damaged"
    shutil.copytree(run, damaged)
    (damaged / "training.npy").write_bytes(b"nothing")
    for folder, words in (
        (tmp_path / "missing", "there is no such folder"),
        (tmp_path, "does not hold a trained model of molecules"),
        (damaged, "a file is damaged"),
        (ROOT / "grammar" / "pretrained" / "expressions", "use python -m grammar.evaluate"),
    ):
        done = run_here("-m", "molecules.evaluate", folder)
        assert done.returncode == 2
        assert words in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--n", 5), "--n is 5"),
        (("--gp", -1), "--gp is -1"),
        (("--data", "mine.smi"), "there is no file mine.smi"),
        (("--data", ROOT / "pyproject.toml"), "pyproject.toml"),
    ],
)
def test_wrong_options_are_refused(run, run_here, monkeypatch, options, words):
    monkeypatch.setattr("gmae_tf.utils.devices.select_device", lambda *_: pytest.fail("too late"))
    done = run_here("-m", "molecules.evaluate", run, *options)
    assert done.returncode == 2
    assert words in done.stderr
    assert not (run / "report.html").exists()
