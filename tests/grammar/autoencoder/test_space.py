"""Measures of a latent space of strings: laws, and what they say of a model that is known."""

from __future__ import annotations

import numpy as np
import pytest

from gmae_tf.errors import UserError
from grammar import Grammar, GrammarAutoencoder, evaluate_space, load_grammar
from grammar.autoencoder.space import ex_post, short_strings, value_distances
from grammar.autoencoder.space_report import code_map, headline, sections, tables
from grammar.autoencoder.training import TrainingOptions
from grammar.sampling.uniform import official_expressions

X = np.linspace(-1, 1, 50)
FEW = {"samples": 40, "pairs": 8, "neighbours": 6}


@pytest.fixture(scope="module")
def expressions() -> GrammarAutoencoder:
    return GrammarAutoencoder.load("expressions")


@pytest.fixture(scope="module")
def untrained() -> tuple[GrammarAutoencoder, list[str]]:
    """A model of lists that has learnt nothing, without prior, and strings."""
    letters = " | ".join(f"'{letter}'" for letter in "abcdefgh")
    parser = load_grammar(Grammar(f"S -> S ',' T | T\nT -> {letters}"))
    strings = [f"{a},{b}" for a in "abcdefgh" for b in "abcdefgh"]
    options = TrainingOptions(latent_dim=3, model="ae", max_length=9)
    return GrammarAutoencoder.prepare(strings, parser, options)[0], strings


def test_distances_of_values_are_those_of_functions():
    some = ["x", "2+x", "x*x", "sin(x)", "1/x", "x"]
    others = ["x", "x+(1+1)", "x*x+3", "x", "1/x", "exp(exp(exp(x*9)))"]
    found = value_distances(some, others, X)
    assert found[:2] == pytest.approx(0, abs=1e-12)
    assert found[2] == pytest.approx(np.log(10))  # 3 apart everywhere
    assert 0 < found[3] < 0.1
    assert found[4] == 0  # undefined at the same points
    assert found[5] <= np.log(1001)
    assert value_distances(others, some, X) == pytest.approx(found)
    assert value_distances(["x", "x"], [None, ")"], X) == pytest.approx(np.log(1001))


def test_the_shipped_model_gives_its_data_back(expressions):
    held_out = official_expressions()[::2500]
    found = evaluate_space(expressions, held_out, gp=30, **FEW)
    assert found["held_out_strings"] == 40
    assert found["exact"]["held_out"] >= 0.95
    assert found["prior"]["complete"] == 1
    assert 0 < found["prior"]["distinct"] <= 1
    assert found["prior"]["wasserstein"]["length"] > 0
    assert set(found["terms"]) == {"ks", "covariance", "sliced"}
    noise = [found["noise"][level] for level in ("0.3", "0.6", "1.0")]
    assert noise[0]["same"] >= noise[2]["same"]
    assert noise[0]["edit_distance"] <= noise[2]["edit_distance"] <= 1
    assert found["gp"]["score"]["training"] == 30
    assert found == evaluate_space(expressions, held_out, gp=30, **FEW)  # by its seed
    assert any("score" in table.columns[-2] for table in tables(found))
    assert dict(headline(found))["Reconstructed exactly"].endswith("%")


def test_other_strings_have_no_values_and_other_models_no_terms(untrained):
    model, strings = untrained
    model.fit_prior(model.codec.encode(strings))
    found = evaluate_space(model, strings, **FEW)
    assert "gp" not in found
    assert "score" not in found["data"]
    assert found["data"]["new"] == 0
    assert found["data"]["length"] == 4
    assert set(found["noise"]["0.3"]) == {"same", "edit_distance"}
    made = sections(model, strings, found)
    assert [picture.name for part in made for picture in part.pictures] == ["lengths", "map"]
    walk = made[1].tables[0].rows
    assert all(len(row) == 2 for row in walk)


def test_codes_of_one_dimension_have_a_map_too(rng):
    codes = rng.standard_normal((20, 1))
    assert ex_post(codes, 500, rng).std() == pytest.approx(codes.std(), rel=0.2)
    first, second, _ = code_map(codes, codes[:, 0], "property").axes
    assert first.get_visible()
    assert not second.get_visible()
    assert "100% of variance" in first.get_title(loc="left")


def test_short_strings_are_new_and_short(untrained, expressions):
    model, strings = untrained
    found = short_strings(model, 10_000)
    assert len(set(found)) == len(found)
    assert not set(found) & set(strings)
    assert len(found) == 8 + 8**3 + 8**4  # all of 1, 3 and 4 letters; those of 2 were trained on
    few = short_strings(expressions, 50)
    assert max((expressions.codec.encode(few) != expressions.grammar.padding).sum(1)) <= 12


@pytest.mark.parametrize(
    ("strings", "options", "message"),
    [
        (["x"], {}, "at least 2"),
        (["x", "x+"], {}, "x+"),
        ("x+1", {}, "list of strings"),
        (["x", "1"], {"samples": 0}, "samples is 0"),
        (["x", "1"], {"pairs": 0}, "pairs is 0"),
    ],
)
def test_what_cannot_be_measured_is_refused(expressions, strings, options, message):
    with pytest.raises(UserError, match=message.replace("+", r"\+")):
        evaluate_space(expressions, strings, **{**FEW, **options})
