"""The comparison of searches on the objectives of GuacaMol, with a toy for the model."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace

import pytest

from bayesopt.space import SearchSpace
from experiments.search import oracle_search
from experiments.search.oracle_search import Calls, OracleSearchConfig, compare
from gmae_tf.errors import UserError
from molecules.codec import MoleculeCodec
from molecules.data import sources
from tests.bayesopt.toy_molecules import ToyModel, pool


@pytest.fixture
def toy(monkeypatch):
    """ZINC is the toy's pool, and the model the toy."""
    space = SearchSpace(MoleculeCodec(ToyModel()))
    monkeypatch.setattr(oracle_search, "_load_space", lambda model: space)
    zinc = SimpleNamespace(smiles=pool())
    monkeypatch.setattr(sources, "load_molecules", lambda *_, **__: zinc)


def test_a_call_is_a_different_string():
    calls = Calls(len)
    assert calls(["aa", "a", "aa"]) == [2, 1, 2]
    calls(["aaa", "a"])
    assert list(calls.values) == ["aa", "a", "aaa"]
    assert calls.best_mean(2) == 1.5


def test_every_method_gets_the_same_start_and_as_many_calls(toy, tmp_path, capsys):
    config = OracleSearchConfig(
        oracles=("median1",),
        methods=("latent", "both", "random"),
        start=40,
        calls=60,
        batch_size=10,
        out=tmp_path,
    )
    compare(config)
    results = {p.name.split(".")[1]: json.loads(p.read_text()) for p in tmp_path.iterdir()}
    assert len(results) == 3
    assert {r["best_ten"]["40"] for r in results.values()} == {results["random"]["best_ten"]["40"]}
    for method, result in results.items():
        assert result["calls"] == 60
        assert result["best_ten"]["60"] >= result["best_ten"]["40"]
        assert result["cpu_seconds"] > 0
        if method == "latent":
            assert set(result["shares"]) == {method}
    assert 0 <= results["both"]["coverage"] <= 1
    assert len(results["both"]["batches"]) == 2
    printed = capsys.readouterr().out
    assert printed.count("median1") == 3
    before = {p: p.stat().st_mtime_ns for p in tmp_path.iterdir()}
    compare(config)  # what is there is not run again
    assert {p: p.stat().st_mtime_ns for p in tmp_path.iterdir()} == before


def test_mistakes_are_one_sentence(toy, tmp_path, monkeypatch):
    with pytest.raises(UserError, match="no objective 'median9'"):
        compare(OracleSearchConfig(oracles=("median9",), out=tmp_path))
    monkeypatch.setitem(sys.modules, "mol_ga", None)
    with pytest.raises(UserError, match="pip install mol_ga"):
        compare(OracleSearchConfig(methods=("mol_ga",), start=20, calls=30, out=tmp_path))
