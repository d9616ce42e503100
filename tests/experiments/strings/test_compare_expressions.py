"""python -m experiments.strings.compare_expressions, on few strings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from experiments.strings.compare_expressions import COLUMNS, CompareConfig
from experiments.strings.models import (
    KL_WEIGHT,
    Variant,
    jobs,
    random_rows,
    search_numbers,
    variants,
)
from experiments.summary import summarise
from gmae_tf.errors import UserError
from gmae_tf.models import MODELS, options_of

if TYPE_CHECKING:
    from conftest import RunCli

TINY = (
    *("--n-data", "150", "--epochs", "1", "--batch-size", "50", "--latent-dim", "11", "--no-xla"),
    *("--budget", "3", "--samples", "30", "--seeds", "0", "--device", "cpu"),
)


def test_names_map_to_models_options_and_grammars():
    known = variants(25, kl_weight=0.2)
    assert list(known) == ["gvae", "cvae", "gcvvae", "grae", "gmae"]
    assert known["gvae"] == Variant("vae", {"kl_weight": 0.2})
    assert known["cvae"] == Variant("vae", {"kl_weight": 0.2}, characters=True)
    assert known["gcvvae"].options["kl_weight"] == pytest.approx(0.025)
    # code_weight / D is what the squared length of a code weighs.
    squared = known["grae"].options["code_weight"] / 25
    assert squared / (0.2 / 2) == pytest.approx(0.0245 / 0.156)
    for variant in known.values():
        assert variant.model in MODELS
        assert set(variant.options) <= set(options_of(variant.model))


def test_every_seed_has_every_model():
    config = CompareConfig(
        models="gmae, cvae,gmae", seeds="1-2", model_options={"cvae": {"kl_weight": 1}}
    )
    found = jobs(config)
    assert [(job.name, job.seed) for job in found] == [
        ("gmae", 1), ("cvae", 1), ("gmae", 2), ("cvae", 2)
    ]  # fmt: skip
    assert found[1].variant == Variant("vae", {"kl_weight": 1}, characters=True)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"models": "gvae,nonsense"}, "'nonsense' is none of the models: choose from gvae, cvae"),
        ({"model_options": {"vae": {}}}, "'vae' is none of the models"),
        ({"model_options": {"gvae": {"beta": 1}}}, "gvae has no option 'beta'.*kl_weight"),
        ({"seeds": "2-0"}, "run backwards"),
        ({"latent_dim": 4}, "10 components do not fit in 4 dimensions"),
        ({"budget": -1}, "--budget must be 0 or more"),
        ({"n_data": 0}, "--n-data must be 1 or more"),
    ],
)
def test_what_cannot_be_compared_is_told(options: dict[str, Any], words: str):
    with pytest.raises(UserError, match=words):
        jobs(CompareConfig(**options))


def found(best: float | None, *strings: str) -> dict[str, Any]:
    """A search of one seed as results.json has it."""
    return {
        "best_per_seed": [best],
        "validity": 0.5,
        "average_score": 2.0,
        "top": [{"string": s, "score": i, "seed": 0} for i, s in enumerate(strings)],
    }


def test_the_numbers_of_a_search():
    results = {
        **found(0.5, "x", "x+1"),
        "surrogate": {"rmse": 0.9, "log_likelihood": -1.3, "seeds": [0]},
        "baselines": {"random": found(0.7, "x*x"), "prior": found(None)},
    }
    row = search_numbers(results)
    assert (row["rmse"], row["log_likelihood"], row["best"]) == (0.9, -1.3, 0.5)
    assert row["top"] == [{"string": "x", "score": 0}, {"string": "x+1", "score": 1}]
    assert row["baselines"]["prior"]["best"] is None
    rows = [{"model": m, "seed": s, **row} for m in ("gvae", "gmae") for s in (0, 1)]
    draws = random_rows(rows)
    assert [(r["model"], r["seed"], r["best"]) for r in draws] == [
        ("random", 0, 0.7), ("random", 1, 0.7)
    ]  # fmt: skip
    cells = summarise(rows, COLUMNS)["gvae"]
    assert cells["best"].mean == 0.5
    assert cells["exact_match"].mean is None


@pytest.mark.usefixtures("eager")
def test_a_comparison_runs_and_repeats_nothing(
    tmp_path: Path, run_here: RunCli, monkeypatch: pytest.MonkeyPatch
):
    """With a search that is not run: `test_a_comparison_grows` runs the real one."""
    searched = []

    def results(out: Path, *arguments: object) -> dict[str, Any]:
        searched.append(dict(zip(arguments[::2], arguments[1::2], strict=False)))
        surrogate = {"rmse": 0.9, "log_likelihood": float("nan")}
        return {**found(0.5, "x"), "surrogate": surrogate, "baselines": {"random": found(0.7, "1")}}

    out = tmp_path / "compare"
    command = (
        *("-m", "experiments.strings.compare_expressions", *TINY, "--out", out),
        *("--models", "cvae"),
    )
    monkeypatch.setattr("experiments.strings.models.run_search", results)
    monkeypatch.setattr("grammar.autoencoder.evaluation.PRIOR_SAMPLES", 300)
    first = run_here(*command)
    assert first.returncode == 0, first.stderr
    written = json.loads((out / "compare.json").read_text())
    (row,) = written["results"]
    assert (row["model"], row["network"], row["seed"]) == ("cvae", "vae", 0)
    assert row["options"] == {"kl_weight": KL_WEIGHT}
    assert 0 <= row["exact_match"] <= 1
    assert 0 <= row["prior_valid"] <= 1
    assert (row["rmse"], row["log_likelihood"]) == (0.9, None)  # JSON has no NaN
    assert written["random"][0]["best"] == 0.7
    assert len((out / "strings.txt").read_text().split()) == written["strings"] == 150
    config = json.loads((out / "cvae-seed0" / "model.json").read_text())["config"]
    assert config["grammar"] == "characters"
    for words in ("GP test RMSE", "random, best three: ", "cvae, best three: "):
        assert words in first.stdout
    (options,) = searched
    assert options["--model"] == out / "cvae-seed0"
    assert options["--data"] == out / "strings.txt"
    assert (options["--budget"], options["--seeds"], options["--reads"]) == (3, 0, "codes")

    again = run_here(*command)
    assert again.returncode == 0, again.stderr
    assert "1 of 1" not in again.stdout
    assert json.loads((out / "compare.json").read_text())["results"] == [row]
    assert len(searched) == 1

    wrong = run_here(*command, "--epochs", "2")
    assert wrong.returncode == 2
    assert "holds a different run" in " ".join(wrong.stderr.split())
    assert "Traceback" not in wrong.stderr


@pytest.mark.slow
def test_a_comparison_grows(tmp_path: Path, run_cli: RunCli):
    out = tmp_path / "compare"
    command = ("-m", "experiments.strings.compare_expressions", *TINY, "--out", out)
    run_cli(*command, "--models", "cvae", timeout=900)
    grown = run_cli(*command, "--models", "cvae,gmae", timeout=900)
    assert grown.returncode == 0, grown.stderr
    assert "1 of 2" not in grown.stdout
    assert "2 of 2: gmae-seed0" in grown.stdout
    both = json.loads((out / "compare.json").read_text())
    assert [r["model"] for r in both["results"]] == ["cvae", "gmae"]
    assert both["results"][1]["prior_valid"] == 1  # every decode of the grammar is an expression
    assert both["summary"]["gmae"]["rmse"]["rank"] in (1, 2)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--models", "gvae,nonsense"), "'nonsense' is none of the models"),
        (("--nonsense", "1"), "there is no option --nonsense"),
        (("--model-options", '{"gvae": {"beta": 1}}'), "gvae has no option 'beta'"),
        (("--data", "nothing.txt"), "nothing.txt"),
        (("--n-data", "20"), "20 strings are too few"),
        (("--training", '{"noize": 0.4}'), "--training: there is no option 'noize'"),
    ],
)
def test_bad_input_is_told_in_a_sentence(
    arguments: tuple[str, ...], words: str, tmp_path: Path, run_here: RunCli
):
    done = run_here(
        "-m", "experiments.strings.compare_expressions", *arguments, "--out", "run", cwd=tmp_path
    )
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
