"""python -m grammar.train, on a grammar of its own and few strings."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from gmae_tf.errors import UserError
from gmae_tf.penalties import GaussianMixturePenalty
from grammar.autoencoder.model import NETWORK, GrammarAutoencoder
from grammar.autoencoder.training import TrainingOptions
from grammar.autoencoder.training import train as train_network
from grammar.cfg.grammar import Grammar
from grammar.expressions.evaluate import TARGET_X, fit_errors, target
from grammar.library import load_grammar
from grammar.train import TrainConfig, find_grammar, load_strings, train

if TYPE_CHECKING:
    from conftest import RunCli

# Many strings of few rules, because the time to build the network grows with their number.
TINY = "S -> S '+' T | S '*' T | T\nT -> '(' S ')' | " + " | ".join(
    f"'{a}'" for a in "abcdefghijkl"
)
SMALL = {
    "n_data": 300,
    "max_length": 4,
    "latent_dim": 4,
    "components": 2,
    "epochs": 1,
    "batch_size": 60,
    "xla": False,
}


@pytest.fixture(autouse=True)
def few_prior_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grammar.autoencoder.evaluation.PRIOR_SAMPLES", 300)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("grammar") / "tiny.cfg"
    path.write_text(TINY)
    return path


def flags(options: dict[str, Any]) -> list[str]:
    arguments = []
    for name, value in options.items():
        flag = name.replace("_", "-")
        arguments += (
            [f"--{flag}" if value is True else f"--no-{flag}"]
            if isinstance(value, bool)
            else [f"--{flag}", str(value)]
        )
    return arguments


def prepared(**options: Any) -> tuple[list[str], np.ndarray, GrammarAutoencoder]:
    """Strings, rules and untrained model of a command's options."""
    config = TrainConfig(**options)
    parser = find_grammar(config)
    strings = load_strings(config, parser)
    model, rules = GrammarAutoencoder.prepare(strings, parser, config)
    return strings, rules, model


def results(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "model.json").read_text())["results"]


def test_the_command_tells_a_mistake_at_once(run_cli: RunCli, tmp_path: Path):
    done = run_cli("-X", "importtime", "-m", "grammar.train", "--grammar", tmp_path / "no.cfg")
    assert done.returncode == 2
    assert "cannot read the grammar" in done.stderr
    assert "Traceback" not in done.stderr
    assert not {"keras", "tensorflow", "sklearn"} & set(done.stderr.split())


@pytest.mark.usefixtures("eager")
def test_a_run_by_command_and_the_same_command_again(
    tiny: Path,
    run_here: RunCli,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    options = {**SMALL, "grammar": tiny, "out": tmp_path / "run"}
    done = run_here("-m", "grammar.train", *flags(options))
    assert done.returncode == 0, done.stderr
    assert "training: 300 strings" in done.stdout
    assert "held-out strings reconstructed exactly" in " ".join(done.stdout.split())
    assert "Noise on codes" in done.stdout
    model = GrammarAutoencoder.load(tmp_path / "run")
    assert model.grammar.rules == Grammar(TINY).rules
    assert len(model.training_strings) == 300
    measured = results(tmp_path / "run")
    assert (measured["training_strings"], measured["held_out_strings"]) == (270, 30)
    assert measured["prior_complete"] == 1.0
    assert {"ks", "covariance"} < set(measured)
    assert len(measured["history"]) == 1
    assert len((tmp_path / "run" / NETWORK).read_bytes()) < 3e6
    # Again: nothing is trained twice, and the same is found.
    train(TrainConfig(**{**options, "grammar": str(tiny)}))
    shown = capsys.readouterr().out
    assert "continuing: 300 strings" in shown
    assert "epoch 1/1" not in shown
    second = results(tmp_path / "run")
    assert second.pop("history") == measured.pop("history")
    assert second.pop("space")["exact"] == measured.pop("space")["exact"]
    assert {**second, "seconds": 0} == pytest.approx({**measured, "seconds": 0}, rel=1e-5)
    # Another option: the folder is left as it is.
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").iterdir()}
    other = run_here("-m", "grammar.train", *flags({**options, "seed": 1}))
    assert other.returncode == 2
    assert "Traceback" not in other.stderr
    message = " ".join(other.stderr.split())
    assert "holds a different run (seed was 0 and is now 1)" in message
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "run").iterdir()} == files


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"grammar": "nothing.cfg"}, "cannot read the grammar"),
        ({"data": "nothing.txt"}, "nothing.txt"),
        ({"components": 9, "latent_dim": 4}, "9 components do not fit in 4 dimensions"),
        ({"device": "gpu"}, "no GPU was found"),
        ({"batch_size": 0}, "batch_size must be greater than 0"),
        ({"epochs": -1}, "epochs must be greater than 0"),
        ({"learning_rate": 0.0}, "learning_rate must be greater than 0"),
        ({"n_data": 0}, "n_data must be greater than 0"),
    ],
)
def test_mistakes_are_told_in_one_sentence(
    options: dict[str, Any], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    if "device" in options:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    options = {"out": tmp_path / "run", "n_data": 100, "data": "generated", **options}
    with pytest.raises(UserError, match=sentence) as caught:
        train(TrainConfig(**options))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_few_strings_are_too_few(tiny: Path):
    with pytest.raises(UserError, match="19 strings are too few"):
        prepared(grammar=str(tiny), n_data=19, max_length=9)


def test_options_become_the_recipe_of_a_model(tiny: Path):
    config = TrainConfig(
        grammar=str(tiny), n_data=300, max_length=4, epochs=7, batch_size=50, latent_dim=6,
        components=3, ks_weight=2.0, sliced_weight=0.5, mean_scale=3.0, midpoint=True, seed=4,
        reconstruction_weight=5.0,
    )  # fmt: skip
    _, _, model = prepared(**vars(config))
    network = model.network
    assert network.recipe == config.recipe(6, reconstruction_weight=5.0, steps=7 * 5, seed=4)
    assert network.reconstruction_weight == 5.0
    assert isinstance(network.penalty, GaussianMixturePenalty)
    assert network.penalty.weights == {"ks": 2.0, "covariance": 1.0, "sliced": 0.5}
    assert network.penalty.midpoint
    assert network.penalty.get_config()["seed"] == 4
    np.testing.assert_array_equal(network.penalty.prior.means, 3 * np.eye(3, 6))


@pytest.mark.parametrize(
    ("given", "epochs", "xla"),
    [(None, 999, False), (None, 1000, True), (True, 1, True), (False, 1000, False)],
)
def test_long_trainings_are_compiled_if_nothing_else_is_said(
    given: bool | None, epochs: int, xla: bool, monkeypatch: pytest.MonkeyPatch
):
    seen = []
    monkeypatch.setattr("gmae_tf.training.fit.fit", lambda *_, **kw: seen.append(kw["xla"]))
    options = TrainingOptions(epochs=epochs, batch_size=60, xla=given)
    train_network(None, np.zeros((100, 4), np.uint8), options)  # type: ignore[arg-type]
    assert seen == [xla]


@pytest.mark.slow
def test_a_compiled_training_has_the_losses_of_another(tiny: Path):
    config = TrainConfig(grammar=str(tiny), n_data=300, max_length=4)
    strings = load_strings(config, find_grammar(config))
    options = {key: value for key, value in SMALL.items() if key not in ("n_data", "xla")}
    losses = [
        GrammarAutoencoder.fit(strings, tiny, xla=xla, verbose=False, **options).details["history"]
        for xla in (False, True)
    ]
    assert losses[1][0]["val_reconstruction"] == pytest.approx(
        losses[0][0]["val_reconstruction"], rel=1e-3
    )


@pytest.mark.parametrize(
    ("name", "options", "terms"),
    [
        ("gmae-unimodal", {}, {"ks", "covariance", "sliced"}),
        ("vae", {"kl_weight": 0.1}, set()),
        ("ae", {}, set()),
    ],
)
@pytest.mark.usefixtures("eager")
def test_other_models_train_load_and_sample(
    name: str, options: dict[str, Any], terms: set[str], tiny: Path, tmp_path: Path
):
    config = TrainConfig(
        out=tmp_path, grammar=str(tiny), model=name, model_options=options, sliced_weight=1.0,
        **{**SMALL, "n_data": 120, "batch_size": 54},
    )  # fmt: skip
    train(config)
    measured = results(tmp_path)
    assert {"ks", "covariance", "sliced"} & set(measured) == terms
    assert all(np.isfinite(measured[name]) for name in (*terms, "reconstruction_nats"))
    model = GrammarAutoencoder.load(tmp_path)
    assert model.network.has_prior  # of ae the density that was fitted to its codes
    assert model.decode(model.network.sample_codes(3, np.random.default_rng(0)))[0] is not None
    if name == "vae":
        assert model.network.recipe is not None
        assert model.network.recipe.options == options
    if name == "ae":  # the library does what the command does
        strings = load_strings(config, find_grammar(config))
        fitted = GrammarAutoencoder.fit(
            strings,
            tiny,
            model=name,
            sliced_weight=1.0,
            verbose=False,
            **{**{key: SMALL[key] for key in SMALL if key != "n_data"}, "batch_size": 54},
        )
        np.testing.assert_array_equal(fitted.encode(strings), model.encode(strings))
        assert fitted.sample(9) == model.sample(9)


def test_unknown_models_and_options_are_told(tiny: Path):
    given = {"grammar": str(tiny), "n_data": 300, "max_length": 4}
    with pytest.raises(UserError, match="'nonsense' is no model"):
        prepared(**given, model="nonsense")
    with pytest.raises(UserError, match="vae has no option 'beta'; its options: kl_weight"):
        prepared(**given, model="vae", model_options={"beta": 4})


def test_a_grammar_with_few_strings_gives_all_of_them(tmp_path: Path):
    path = tmp_path / "few.cfg"
    path.write_text("S -> S 'a' | 'b'")
    config = TrainConfig(grammar=str(path), max_length=6)
    assert sorted(load_strings(config, load_grammar(path)), key=len) == [
        "b" + "a" * n for n in range(6)
    ]


def test_strings_of_a_file_are_used(tiny: Path, tmp_path: Path):
    words = tmp_path / "words.txt"
    words.write_text("a+b\n(a)\n" * 15)
    strings, rules, model = prepared(grammar=str(tiny), data=str(words), latent_dim=4, components=2)
    assert set(strings) == {"a+b", "(a)"}
    assert rules.shape == (30, model.max_length) == (30, 4)
    assert model.network.decoder.output_shape == (None, 4, 17)


def test_good_strings_can_be_hidden():
    config = TrainConfig(data="generated", n_data=2000)
    grammar = load_grammar("arithmetic")
    everything = load_strings(config, grammar)
    scores = fit_errors(everything, TARGET_X, target(TARGET_X))
    limit = float(np.quantile(scores, 0.1, method="nearest"))  # the score of a string
    kept = load_strings(replace(config, exclude_better_than=limit), grammar)
    assert kept == [s for s, score in zip(everything, scores, strict=True) if score > limit]
    assert 0 < len(kept) < len(everything)


def test_hiding_needs_the_arithmetic_grammar(tiny: Path):
    config = TrainConfig(grammar=str(tiny), exclude_better_than=0.1)
    with pytest.raises(UserError, match="needs the arithmetic grammar"):
        load_strings(config, load_grammar(tiny))
    with pytest.raises(UserError, match="is of the arithmetic grammar"):
        load_strings(TrainConfig(grammar=str(tiny), data="official"), load_grammar(tiny))
