"""python -m grammar.evaluate: numbers, pictures and a page, or one sentence."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from grammar import Grammar, GrammarAutoencoder, load_grammar
from grammar.autoencoder.training import TrainingOptions
from grammar.sampling.uniform import sample_strings

RULES = "S -> S '+' T | T\nT -> 'x' | '1' | '2' | '3' | '4' | '5'"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model of sums that has learnt nothing, as grammar.train writes it."""
    folder = tmp_path_factory.mktemp("evaluate") / "run"
    parser = load_grammar(Grammar(RULES))
    strings = sample_strings(parser.grammar, 200, 7, seed=0)
    options = TrainingOptions(latent_dim=3, components=2, max_length=7)
    model, _ = GrammarAutoencoder.prepare(strings, parser, options)
    config = {"grammar": "sums.cfg", "data": None, "n_data": 200, "max_length": 7, "seed": 0}
    model.details["config"] = config
    model.save(folder)
    return folder


def test_a_run_becomes_numbers_pictures_and_a_page(run, tmp_path, run_here):
    out = tmp_path / "out"
    done = run_here("-m", "grammar.evaluate", run, "--n", 40, "--out", out)
    assert done.returncode == 0, done.stderr
    for word in ("Exact reconstruction", "KS term", "midpoints", "edit", "report.html"):
        assert word in done.stdout
    found = json.loads((out / "evaluation.json").read_text())
    assert found["held_out_strings"] == 20
    assert found["data"]["new"] == 0  # the training has seen which strings it held out
    assert found["gp"]["score"] is not None  # sums can be read as expressions in x
    for name in ("lengths", "map"):
        assert (out / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    page = (out / "report.html").read_text()
    assert "A walk between two held-out strings" in page
    assert f"python -m grammar.evaluate {run} --n 40" in page


def test_other_strings_are_named(run, tmp_path, run_here):
    known = GrammarAutoencoder.load(run).training_strings
    every = [f"{a}+{b}+{c}" for a in "x12345" for b in "x12345" for c in "x12345"]
    new = [text for text in every if text not in known]
    (tmp_path / "mine.txt").write_text("\n".join(every))
    arguments = ("--n", 20, "--gp", 0, "--out", tmp_path / "out")
    done = run_here("-m", "grammar.evaluate", run, "--data", tmp_path / "mine.txt", *arguments)
    assert done.returncode == 0, done.stderr
    assert "Gaussian process" not in done.stdout
    found = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert found["data"]["new"] == 1
    assert found["held_out_strings"] == 10
    assert len(new) > 10


def test_the_command_starts_and_refuses_at_once(tmp_path, run_cli):
    done = run_cli("-X", "importtime", "-m", "grammar.evaluate", tmp_path / "missing")
    assert done.returncode == 2
    assert "there is no such folder" in done.stderr
    for heavy in ("keras", "tensorflow", "jax", "scipy", "sklearn", "nltk"):
        assert not re.search(rf"\| +{heavy}\n", done.stderr)


def test_wrong_folders_are_refused_in_a_sentence(run, tmp_path, run_here, monkeypatch):
    def never(*_: object) -> None:
        raise AssertionError("a backend was started")

    monkeypatch.setattr("gmae_tf.utils.devices.select_device", never)
    damaged = tmp_path / "damaged"
    shutil.copytree(run, damaged)
    (damaged / "model.weights.h5").write_bytes(b"nothing")
    other = tmp_path / "molecules"
    shutil.copytree(run, other)
    details = json.loads((other / "model.json").read_text())
    (other / "model.json").write_text(json.dumps({**details, "kekulized": True}))
    for folder, words in (
        (tmp_path / "missing", "there is no such folder"),
        (tmp_path, "does not hold a trained model of strings"),
        (damaged, "a file is damaged"),
        (other, "use python -m molecules.evaluate"),
    ):
        done = run_here("-m", "grammar.evaluate", folder)
        assert done.returncode == 2
        assert words in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--n", 5), "--n is 5"),
        (("--gp", -1), "--gp is -1"),
        (("--data", "no-such-file.txt"), "there is no file no-such-file.txt"),
    ],
)
def test_wrong_options_are_refused(run, run_here, monkeypatch, options, words):
    monkeypatch.setattr("gmae_tf.utils.devices.select_device", lambda *_: pytest.fail("too late"))
    done = run_here("-m", "grammar.evaluate", run, *options)
    assert done.returncode == 2
    assert words in done.stderr
    assert not (run / "report.html").exists()


def test_a_model_of_a_program_needs_its_data_named(run, tmp_path, run_here):
    folder = tmp_path / "fitted"
    model = GrammarAutoencoder.load(run)
    model.details.pop("config")
    model.save(folder)
    done = run_here("-m", "grammar.evaluate", folder)
    assert done.returncode == 2
    assert "name it with --data" in done.stderr
