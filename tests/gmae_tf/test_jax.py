"""What JAX computes, trains and saves, TensorFlow agrees with and loads."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tests.oracles import penalties as oracle
from tests.oracles.jax_session import CODES, PRIOR, data

pytestmark = [
    pytest.mark.jax,
    pytest.mark.skipif(find_spec("jax") is None, reason="jax is not installed"),
    pytest.mark.skipif(
        keras.backend.backend() != "tensorflow", reason="TensorFlow reads what JAX has written"
    ),
]


@pytest.fixture(scope="module")
def session(jax_alone: tuple[Path, Any]) -> Path:
    """The folder of what JAX has computed and saved."""
    folder, said = jax_alone
    assert said["library"]["status"] == 0, said["library"]["err"]
    return folder / "library"


def results(session: Path) -> dict[str, Any]:
    return json.loads((session / "results.json").read_text())


@pytest.mark.parametrize(("dtype", "precision"), [("float32", 1e-6), ("float64", 1e-12)])
def test_distances_and_gradients_on_jax(session: Path, dtype: str, precision: float):
    found = results(session)[dtype]
    z = np.array(CODES)
    assert found["ks"]["value"] == pytest.approx(0.06479706794920352, abs=precision)
    assert found["covariance"]["value"] == pytest.approx(0.5054012345679012, abs=precision)
    np.testing.assert_allclose(
        found["ks"]["gradient"], oracle.ks_gradient(z, PRIOR), atol=precision
    )
    np.testing.assert_allclose(
        found["covariance"]["gradient"], oracle.covariance_gradient(z, PRIOR), atol=precision
    )


@pytest.mark.parametrize("name", ["images", "rules"])
def test_training_on_jax_lowers_the_loss(session: Path, name: str):
    history = results(session)[name]
    assert len(history) == 3
    assert all(np.isfinite(value) for row in history for value in row.values())
    assert history[-1]["loss"] < history[0]["loss"]


def test_a_resumed_training_on_jax_equals_an_uninterrupted_one(session: Path):
    found = results(session)
    for row, expected in zip(found["resumed"], found["images"], strict=True):
        assert row == pytest.approx(expected, rel=1e-4)


def test_the_layer_trains_on_jax_and_is_the_same_on_tensorflow(session: Path):
    losses = results(session)["layer"]
    assert losses[-1] < losses[0]
    model = keras.saving.load_model(session / "layer.keras")
    outputs = model.predict(data("images"), verbose=0)
    np.testing.assert_allclose(outputs, np.load(session / "layer.npz")["outputs"], atol=1e-5)


@pytest.mark.parametrize("name", ["images", "rules"])
def test_a_model_saved_on_jax_is_the_same_on_tensorflow(session: Path, name: str):
    model, x = keras.saving.load_model(session / f"{name}.keras"), data(name)
    found = np.load(session / f"{name}.npz")
    np.testing.assert_allclose(model.encode(x), found["codes"], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(model.reconstruct(x), found["outputs"], rtol=1e-4, atol=1e-5)
    measured = model.evaluate(x, batch_size=48, verbose=0, return_dict=True)
    for term in set(measured) - {"loss", "sliced"}:  # JAX draws other directions
        assert measured[term] == pytest.approx(float(found[term]), rel=1e-3)
