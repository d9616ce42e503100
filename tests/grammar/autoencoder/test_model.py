"""An autoencoder of strings: codes, decodes, saving, loading."""

from __future__ import annotations

import io
import json
import shutil
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest

from gmae_tf.errors import UserError
from gmae_tf.models.config import Recipe
from grammar.autoencoder.architectures import Architecture, build_from_recipe
from grammar.autoencoder.hashed_set import StringSet
from grammar.autoencoder.model import (
    DETAILS,
    GRAMMAR,
    NETWORK,
    STRINGS,
    GrammarAutoencoder,
)
from grammar.cfg.grammar import Grammar
from grammar.decoding import decode_logits
from grammar.errors import GrammarError, ParseError
from grammar.sampling.uniform import sample_strings

TINY = """
S -> S '+' T | T
T -> 'a' | 'b' | '(' S ')'
"""
TINY_GRAMMAR = Grammar(TINY)
WORDS = sample_strings(TINY_GRAMMAR, 40, 9)  # of 120
SMALL = Architecture("expressions", {"units": 16, "dense": 16})


def tiny_model() -> GrammarAutoencoder:
    keras.utils.set_random_seed(0)
    recipe = Recipe("gmae", 3, components=2, reconstruction_weight=7.0, penalty={"sliced": 0.5})
    network = build_from_recipe(recipe, TINY_GRAMMAR, 9, SMALL)
    details = {"results": {"exact_match": 0.5}}
    return GrammarAutoencoder(TINY_GRAMMAR, 9, network, StringSet.of(WORDS), details, SMALL)


@pytest.fixture(scope="module")
def model() -> GrammarAutoencoder:
    """Random weights everywhere: with biases of zero some codes would decode to ties."""
    model, rng = tiny_model(), np.random.default_rng(0)
    model.network.set_weights(
        [w + 0.1 * rng.normal(size=w.shape) for w in model.network.get_weights()]
    )
    return model


@pytest.fixture(scope="module")
def codes() -> np.ndarray:
    return np.random.default_rng(0).normal(scale=5.0, size=(30, 3))


@pytest.fixture(scope="module")
def saved(model: GrammarAutoencoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "model"
    model.save(folder)
    return folder


def test_strings_become_codes_and_codes_become_strings(
    model: GrammarAutoencoder, codes: np.ndarray
):
    z = model.encode(WORDS)
    assert z.shape == (40, model.latent_dim) == (40, 3)
    assert z.dtype == np.float64
    decoded = model.decode(codes)
    assert len(decoded) == 30
    model.codec.encode([text for text in decoded if text is not None])  # all in the language
    assert None not in decoded


def test_no_strings_have_no_codes(model: GrammarAutoencoder):
    assert model.encode([]).shape == (0, 3)
    assert model.decode(np.zeros((0, 3))) == []


def test_a_string_outside_the_grammar_is_refused(model: GrammarAutoencoder):
    with pytest.raises(ParseError):
        model.encode(["a+c"])
    with pytest.raises(GrammarError, match="raise max_length"):
        model.encode(["a+a+a+a+a+a+a"])


def test_one_string_and_codes_of_another_shape_are_refused(model: GrammarAutoencoder):
    with pytest.raises(GrammarError, match=r"a list of strings: \['a\+b'\] instead of 'a\+b'"):
        model.encode("a+b")
    with pytest.raises(GrammarError, match="item 1 is None"):
        model.encode(["a", None])
    for wrong in (np.zeros(3), np.zeros((2, 4))):
        with pytest.raises(UserError, match="codes have the shape"):
            model.decode(wrong)


def test_random_decodes(model: GrammarAutoencoder, codes: np.ndarray):
    repeated = np.tile(codes, (20, 1))
    draws = [model.decode(repeated, np.random.default_rng(1)) for _ in range(2)]
    assert draws[0] == draws[1]
    assert len(draws[0]) == 600
    assert len(set(draws[0])) > len(set(model.decode(codes)))
    assert None not in draws[0]
    cold = model.decode(np.tile(codes, (2, 1)), np.random.default_rng(1), temperature=1e-9)
    assert cold == model.decode(codes) * 2


def test_samples_are_decoded_codes_of_the_prior(model: GrammarAutoencoder):
    codes = model.network.sample_codes(30, np.random.default_rng(4))
    assert model.sample(30, seed=4) == model.decode(codes)
    assert model.sample(30, seed=4) != model.sample(30, seed=5)


def test_strings_are_reconstructed_and_joined_by_a_line(model: GrammarAutoencoder):
    assert model.reconstruct(WORDS) == model.decode(model.encode(WORDS))
    first, last = model.encode(WORDS[:2])
    same = [a == b for a, b in zip(WORDS, model.reconstruct(WORDS), strict=True)]
    assert model.reconstructs(WORDS).tolist() == same
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        path = model.interpolate(WORDS[0], WORDS[1], 5)
    said = [str(w.message) for w in caught if "does not come back" in str(w.message)]
    lost = [word for word, back in zip(WORDS, same, strict=True) if not back]
    assert [text.split()[0] for text in said] == [word for word in lost if word in WORDS[:2]]
    assert len(path) == 5
    assert path[1] == model.decode([0.75 * first + 0.25 * last])[0]
    assert [path[0], path[-1]] == model.reconstruct(WORDS[:2])


def test_exact_match_is_the_share_of_strings_that_come_back(model: GrammarAutoencoder):
    again = model.decode(model.encode(WORDS))
    share = np.mean([new == old for new, old in zip(again, WORDS, strict=True)])
    assert model.exact_match(model.codec.encode(WORDS)) == pytest.approx(share)


def test_the_loss_knows_which_rules_compete(model: GrammarAutoencoder):
    # S has rules 0-1, T has 2-4, the padding competes with itself.
    expected = np.zeros((6, 6))
    for rules in ([0, 1], [2, 3, 4], [5]):
        expected[np.ix_(rules, rules)] = 1
    np.testing.assert_array_equal(model.network.reconstruction.alternatives, expected)
    assert model.network.reconstruction_weight == 7.0


@pytest.mark.slow
def test_it_learns_a_few_strings_by_heart():
    keras.utils.set_random_seed(0)
    network = build_from_recipe(Recipe("ae", 8), TINY_GRAMMAR, 4)
    model = GrammarAutoencoder(TINY_GRAMMAR, 4, network)
    model.network.compile(keras.optimizers.Adam(1e-2))
    words = ["a+b", "b+a", "a"]
    rules = model.codec.encode(words)
    model.network.fit(np.tile(rules, (100, 1)), batch_size=3, epochs=1, shuffle=False, verbose=0)
    # In training mode: the moving averages of so short a training still lag behind.
    logits = keras.ops.convert_to_numpy(model.network(rules, training=True)["reconstruction"])
    assert model.codec.decode(decode_logits(logits, TINY_GRAMMAR)) == words


@pytest.mark.usefixtures("eager")
def test_fit_on_strings_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.chdir(tmp_path)
    strings = [" " + text for text in WORDS]
    options = {"components": 2, "epochs": 1, "batch_size": 18, "xla": False, "verbose": False}
    model, same = (
        GrammarAutoencoder.fit(
            strings, TINY_GRAMMAR, latent_dim=2, seed=3, architecture=SMALL, **options
        )
        for _ in range(2)
    )
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().out == ""
    codes = model.encode(WORDS)
    np.testing.assert_array_equal(same.encode(WORDS), codes)
    assert len(model.details["history"]) == 1
    assert model.details["options"]["seed"] == 3
    assert WORDS[0] in model.training_strings  # without the blank
    assert "a+c" not in model.training_strings
    model.save(str(tmp_path / "model"))
    again = GrammarAutoencoder.load(str(tmp_path / "model"))
    np.testing.assert_array_equal(again.encode(WORDS), codes)
    assert again.sample(20, seed=1) == model.sample(20, seed=1)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"epochs": 0}, "epochs must be greater than 0"),
        ({"model": "nonsense"}, "'nonsense' is no model"),
        ({"speed": 1}, "fit has no option 'speed': choose among model, .*, batch_size, "),
        ({"grammar": "nothing.cfg"}, "cannot read the grammar"),
        ({"strings": "a+b"}, "give a list of strings"),
        ({"strings": ["a+b"] * 19}, "19 strings are too few"),
        ({"max_length": 3}, "takes 4 productions but max_length is 3"),
        ({"grammar": "characters", "strings": [""]}, "no characters"),
    ],
)
def test_mistakes_before_a_fit(options: dict, sentence: str):
    with pytest.raises(UserError, match=sentence):
        GrammarAutoencoder.fit(**{"strings": ["a+b"] * 30, "grammar": TINY_GRAMMAR, **options})


def test_the_shipped_model_of_expressions_loads_and_is_saved_again(tmp_path: Path):
    model = GrammarAutoencoder.load("expressions")
    strings = ["1/3+x+sin(x*x)", "x/1+3+(1*1)"]
    assert model.reconstruct(strings) == strings
    model.save(tmp_path, half_precision=True)  # it is older than recipes of models
    again = GrammarAutoencoder.load(tmp_path)
    np.testing.assert_allclose(again.encode(strings), model.encode(strings), atol=0.01)
    assert again.network.penalty.weights == model.network.penalty.weights


def test_a_loaded_model_is_the_same_model(
    model: GrammarAutoencoder, saved: Path, codes: np.ndarray
):
    loaded = GrammarAutoencoder.load(saved)
    np.testing.assert_array_equal(loaded.encode(WORDS), model.encode(WORDS))
    np.testing.assert_array_equal(loaded.network.decode(codes), model.network.decode(codes))
    assert loaded.decode(codes) == model.decode(codes)
    assert loaded.grammar.rules == model.grammar.rules
    assert loaded.details["results"] == {"exact_match": 0.5}
    assert loaded.network.reconstruction_weight == 7.0
    assert WORDS[0] in loaded.training_strings
    assert "a+c" not in loaded.training_strings
    assert loaded.network.penalty.weights == {"ks": 1.0, "covariance": 1.0, "sliced": 0.5}
    np.testing.assert_array_equal(loaded.network.prior.means, np.eye(2, 3))


def test_a_trained_model_is_saved_without_its_optimiser(saved: Path, tmp_path: Path):
    model = tiny_model()
    model.network.compile("adam")
    model.network.optimizer.build(model.network.trainable_variables)  # its moments
    model.save(tmp_path / "trained")
    sizes = [(folder / NETWORK).stat().st_size for folder in (saved, tmp_path / "trained")]
    assert sizes[1] < 1.1 * sizes[0]
    loaded = GrammarAutoencoder.load(tmp_path / "trained")
    np.testing.assert_array_equal(loaded.encode(WORDS), model.encode(WORDS))


def test_saving_again_replaces_whole_files(
    model: GrammarAutoencoder, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = shutil.copytree(saved, tmp_path / "model")
    before = (folder / NETWORK).read_bytes()

    def half(self: keras.Model, memory: io.BytesIO, overwrite: bool = True) -> None:
        memory.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(keras.Model, "save_weights", half)
    with pytest.raises(KeyboardInterrupt):
        model.save(folder)
    assert (folder / NETWORK).read_bytes() == before
    assert {path.name for path in folder.iterdir()} == {NETWORK, GRAMMAR, DETAILS, STRINGS}


def refusal(folder: Path) -> str:
    with pytest.raises(GrammarError) as caught:
        GrammarAutoencoder.load(folder)
    message = str(caught.value)
    assert str(folder) in message
    assert "\n" not in message
    assert len(message) < 600
    return message


@pytest.mark.parametrize("name", [NETWORK, GRAMMAR, DETAILS, STRINGS])
def test_a_missing_file_is_told(name: str, saved: Path, tmp_path: Path):
    folder = shutil.copytree(saved, tmp_path / "model")
    (folder / name).unlink()
    assert "does not hold a trained model" in refusal(folder)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path):
    assert "does not hold a trained model" in refusal(tmp_path / "nothing")
    (tmp_path / "file").write_text("")
    assert "does not hold a trained model" in refusal(tmp_path / "file")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (NETWORK, b""),
        (NETWORK, b"\x89HDF\r\n\x1a\n" + bytes(2000)),
        (GRAMMAR, b""),
        (GRAMMAR, b"S -> T"),
        (GRAMMAR, b"\xff\xfe\x00"),
        (DETAILS, b""),
        (DETAILS, b"{}"),
        (DETAILS, b"[]"),
        (DETAILS, b'{"max_length": "many"}'),
        (DETAILS, b'{"max_length": null}'),
        (DETAILS, b'{"max_length": 9}'),
        (STRINGS, b"garbage"),
    ],
)
def test_a_damaged_file_is_told(name: str, content: bytes, saved: Path, tmp_path: Path):
    folder = shutil.copytree(saved, tmp_path / "model")
    (folder / name).write_bytes(content)
    assert "does not hold a trained model" in refusal(folder)


def test_a_network_cut_or_changed_anywhere_is_told(saved: Path, tmp_path: Path):
    folder = shutil.copytree(saved, tmp_path / "model")
    whole = (saved / NETWORK).read_bytes()
    for end in np.linspace(0, len(whole) - 1, 8).astype(int):
        (folder / NETWORK).write_bytes(whole[:end])
        refusal(folder)
    for start in np.linspace(0, len(whole) - 64, 16).astype(int):
        (folder / NETWORK).write_bytes(whole[:start] + bytes([255]) * 64 + whole[start + 64 :])
        refusal(folder)


def test_a_network_of_another_kind_is_told(saved: Path, tmp_path: Path):
    folder = shutil.copytree(saved, tmp_path / "model")
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)]).save_weights(folder / NETWORK)
    assert "does not hold a trained model" in refusal(folder)


@pytest.mark.parametrize(
    "text",
    [
        TINY + "T -> 'c'\n",
        # As many rules, but of other symbols: the network would choose among the wrong ones.
        "S -> S '+' T | S '*' T | T\nT -> 'a' | '(' S ')'",
    ],
)
def test_another_grammar_is_told(text: str, saved: Path, tmp_path: Path):
    folder = shutil.copytree(saved, tmp_path / "model")
    (folder / GRAMMAR).write_text(text)
    assert "of another model" in refusal(folder)


@pytest.mark.parametrize("change", [{"max_length": 10}, {"network": {}}, {"network": None}])
def test_details_of_another_model_are_told(change: dict, saved: Path, tmp_path: Path):
    folder = shutil.copytree(saved, tmp_path / "model")
    details = json.loads((saved / DETAILS).read_text())
    (folder / DETAILS).write_text(json.dumps({**details, **change}))
    assert "does not hold a trained model" in refusal(folder)


def test_codes_that_are_not_finite_are_no_string(model):
    with pytest.raises(UserError, match=r"codes\[0\] is not finite"):
        model.decode(np.full((2, 3), np.nan))
