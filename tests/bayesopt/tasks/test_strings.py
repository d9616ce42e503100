"""An own objective for any grammar: the DNA of the documentation."""

from __future__ import annotations

import csv
import json
import math
from itertools import product
from pathlib import Path

import numpy as np
import pytest

import grammar
from bayesopt.optimizer import Optimizer
from bayesopt.run import main
from bayesopt.tasks.strings import StringTask
from examples.dna.motif import BEST, WIDTH, score
from grammar.autoencoder.architectures import Architecture
from grammar.sampling.uniform import sample_strings

ROOT = Path(__file__).parents[3]
DNA = ROOT / "examples" / "dna" / "dna.cfg"
OBJECTIVE = "examples.dna.motif:score"


def train(epochs: int, n: int) -> grammar.GrammarAutoencoder:
    strings = sample_strings(grammar.load_grammar(DNA).grammar, n, max_length=26, seed=0)
    return grammar.GrammarAutoencoder.fit(
        strings,
        DNA,
        latent_dim=16,
        components=4,
        epochs=epochs,
        batch_size=50,
        learning_rate=0.003,
        architecture=Architecture("autoregressive", {"units": 64, "dense": 128}),
        verbose=False,
    )


@pytest.fixture(scope="module")
def model(tmp_path_factory, eager_module) -> Path:
    """The folder of a model that was hardly trained."""
    folder = tmp_path_factory.mktemp("model")
    train(1, 200).save(folder)
    return folder


def test_the_best_window_is_the_one_that_is_said():
    windows = {"".join(bases): score("".join(bases)) for bases in product("ACGT", repeat=WIDTH)}
    assert max(windows, key=windows.get) == BEST
    assert sum(math.isclose(value, windows[BEST]) for value in windows.values()) == 1
    assert score("GG" + BEST + "CC") == windows[BEST]


def search(*arguments: object) -> None:
    main(["--task", "strings", *map(str, arguments)])


def test_a_search_by_a_function_of_the_user(model, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    known = tmp_path / "known.csv"
    strings = ["ACGTACGTAC", "TATACCCCC", "GGGGGGGGG", *("ACGTACG" + b * 3 for b in "ACGT")]
    strings += ["TTTT" + "".join(p) + "CCC" for p in product("AC", repeat=2)]
    known.write_text("dna,value\n" + "".join(f"{s},\n" for s in strings) + "CCCCCCCC,2.5\n")
    out = tmp_path / "out"
    given = ("--model", model, "--objective", OBJECTIVE, "--budget", 20, "--batch-size", 10)
    search(*given, "--data", known, "--top", 5, "--jobs", 1, "--out", out)
    text = " ".join(capsys.readouterr().out.split())
    assert "12 strings are known to the search" in text
    assert "latent" in text  # who proposed what
    results = json.loads((out / "results.json").read_text())
    assert len(results["top"]) == 5
    assert results["maximise"] is True
    for row in results["top"]:
        assert row["score"] == pytest.approx(score(row["string"]))
        assert row["string"] not in strings
    assert sum(share["evaluations"] for share in results["sources"].values()) == pytest.approx(1)
    assert results["published"][0]["values"]["top"][0] == 2.5  # as the file has it
    with open(out / "results.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 20
    values = [float(row["value"]) for row in rows]
    assert values == sorted(values, reverse=True)
    assert float(rows[0]["deviation"]) == pytest.approx(
        values[0] - float(rows[0]["predicted_mean"]), abs=1e-4
    )


def test_without_known_strings_the_prior_comes_first(model, monkeypatch):
    monkeypatch.chdir(ROOT)
    task = StringTask(OBJECTIVE, model=model, jobs=1, maximize=False)
    assert len(task.dataset) == 0
    assert "begins with samples of the prior" in task.data_protocol
    optimizer = Optimizer(task.space, task.dataset, maximize=False, batch_size=12)
    optimizer.run(task.evaluate, 12, vectorized=True)
    task.close()
    assert optimizer.results().predicted_mean.isna().all()
    values = optimizer.results().value
    assert values.to_numpy() == pytest.approx([score(s) for s in optimizer.results().string])
    assert optimizer.best(1).value[0] == values.min()


def test_a_function_that_fails_costs_no_run(model, monkeypatch):
    monkeypatch.chdir(ROOT)
    task = StringTask("tests.bayesopt.user_functions:broken", model=model, jobs=1)
    assert np.isnan(task.evaluate(["ACGTACG"])).all()
    assert (
        "1 strings got no value (the first, ACGTACG: RuntimeError: it is broken)" in task.notes[0]
    )
    task.close()


def run_function(name: str, model: Path, out: Path) -> None:
    function = ("--objective", f"tests.bayesopt.user_functions:{name}")
    size = ("--budget", 12, "--batch-size", 6, "--no-baselines", "--jobs", 1)
    search("--model", model, *function, *size, "--out", out)


def test_failures_are_evaluations_too(model, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    run_function("even", model, tmp_path / "run")
    text = " ".join(capsys.readouterr().out.split())
    assert "strings got no value (the first" in text
    assert "stopped after" not in text


def test_a_function_without_any_value_is_an_error(model, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit) as stop:
        run_function("broken", model, tmp_path / "run")
    assert stop.value.code == 2
    done = capsys.readouterr()
    assert "RuntimeError: it is broken" in done.out
    assert "gave no value to any of 12 strings" in done.err
    assert (tmp_path / "run" / "report.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "needs --model, the folder of python -m grammar.train"),
        (("--model", "absent"), "absent does not hold a trained model (there is no such folder)"),
        (("--model", "expressions"), "needs --objective package.module:function"),
        (("--model", "{model}"), "needs --objective package.module:function"),
        (("--model", "{model}", "--objective", ""), "--objective is empty"),
        (("--model", "{model}", "--objective", "qed"), "package.module:function, a function of"),
        (("--model", "{model}", "--objective", "no.module:f"), "no.module:f cannot be imported"),
        (
            ("--model", "{model}", "--objective", OBJECTIVE, "--data", "absent.txt"),
            "absent.txt cannot be read",
        ),
        (("--max-sa", 3), "--max-sa belongs to --task molecules"),
        (("--target", "x"), "--target belongs to --task expr"),
        (("--patience", 0), "--patience must be 1 or more"),
        (("--seconds", -1), "--seconds must be greater than 0"),
    ],
)
def test_mistakes_are_one_sentence(model, tmp_path, capsys, monkeypatch, arguments, sentence):
    monkeypatch.chdir(ROOT)
    out = tmp_path / "out"
    with pytest.raises(SystemExit) as stop:
        search(*(str(a).format(model=model) for a in arguments), "--out", out)
    assert stop.value.code == 2
    assert sentence in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.slow
def test_the_tata_box_is_found_in_300_evaluations(monkeypatch):
    space, found = train(10, 4000), []
    for seed in range(3):
        optimizer = Optimizer(space, maximize=True, batch_size=25, seed=seed)
        optimizer.run(score, 300, target=score(BEST) - 1e-9)
        found.append(optimizer.stopped is not None)
        assert {"latent", "evolution"} >= set(optimizer.shares())
    assert sum(found) >= 2
