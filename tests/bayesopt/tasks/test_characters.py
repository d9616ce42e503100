"""Searches with models that write characters: what cannot be read counts as no string."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from bayesopt.tasks.expressions import ExprTask, Readable, load_known_strings
from bayesopt.trusted_region import Array
from gmae_tf.models.config import Recipe
from grammar.autoencoder.architectures import Architecture
from grammar.autoencoder.model import GrammarAutoencoder, build_from_recipe
from grammar.cfg.characters import character_grammar
from grammar.expressions.data import load_expressions
from grammar.expressions.evaluate import is_expression
from grammar.library import load_grammar
from molecules.codec import MoleculeCodec
from molecules.evaluate import evaluate, report
from molecules.model import MoleculeAutoencoder


class Spoken:
    """A codec that decodes what it was told."""

    latent_dim = 1

    def __init__(self, *strings: str | None) -> None:
        self.strings = list(strings)

    def encode(self, strings: list[str]) -> Array:
        return np.array([[float(len(s))] for s in strings])

    def decode(self, codes: Array) -> list[str | None]:
        return self.strings[: len(codes)]


def test_what_cannot_be_read_is_no_string():
    codec = Readable(Spoken("x+1", "x+", None, "((", "sin(x)"))
    assert codec.decode(np.zeros((5, 1))) == ["x+1", None, None, None, "sin(x)"]
    assert codec.encode(["xx"]).tolist() == [[2.0]]
    assert codec.latent_dim == 1


def test_a_search_with_an_untrained_model_of_characters(tmp_path: Path, rng: np.random.Generator):
    grammar = character_grammar(load_grammar("arithmetic").grammar.terminals)
    words = tmp_path / "strings.txt"
    words.write_text("\n".join(load_expressions("official", n=150)))
    small = Architecture("autoregressive", {"units": 8, "dense": 8, "positions": 4})
    network = build_from_recipe(Recipe("vae", 3), grammar, 19, small)
    GrammarAutoencoder(grammar, 19, network, architecture=small).save(tmp_path / "model")
    task = ExprTask(model=tmp_path / "model", data=str(words), exclude_better_than=-1)
    assert task.dataset.codes.shape == (150, 3)
    decoded = task.space.codec.decode(3 * rng.normal(size=(200, 3)))
    assert None in decoded
    assert all(is_expression(s) for s in decoded if s is not None)
    assert np.isfinite(task.evaluate([s or "" for s in decoded])).all()
    known = load_known_strings(task.model, None, 20, None)  # by default expressions as well
    assert len(known) == 20
    assert all(map(is_expression, known))


def test_molecules_of_characters_may_be_none(
    tmp_path: Path, rng: np.random.Generator, capsys: pytest.CaptureFixture[str]
):
    smiles = ["CCO", "CC(=O)N", "C1CC1", "CCCl"]
    grammar = character_grammar(smiles)
    small = Architecture("autoregressive", {"units": 8, "dense": 8, "positions": 4})
    network = build_from_recipe(Recipe("vae", 3), grammar, 9, small)
    model = MoleculeAutoencoder(
        grammar, 9, network, details={"kekulized": True}, architecture=small
    )
    codec = MoleculeCodec(model)
    decoded = codec.decode(3 * rng.normal(size=(300, 3)))
    assert codec.decoded == 300
    assert codec.valid == sum(s is not None for s in decoded) < 300
    assert codec.encode(["CCO"]).shape == (1, 3)
    assert codec.refuses("CCBr") is not None  # not of the alphabet
    assert codec.writes("CCO")
    assert not codec.writes("CCBr")
    network.compile()
    results = evaluate(model, model.codec.encode(smiles), 40, 0)
    assert list(results["valid_by_mask"]["prior"]) == ["length_aware"]
    results["top"] = []  # as if no sample were a molecule
    report({**results, "history": []}, tmp_path, Console())
    assert not (tmp_path / "top3.png").exists()
    assert "length-aware" in capsys.readouterr().out
