"""Many steps in one call on JAX are those of single calls."""

from __future__ import annotations

import json
from importlib.util import find_spec

import pytest

pytestmark = [
    pytest.mark.jax,
    pytest.mark.skipif(find_spec("jax") is None, reason="jax is not installed"),
]


def test_scanned_steps_are_those_of_train_on_batch(jax_alone):
    folder, said = jax_alone
    assert said["scan"]["status"] == 0, said["scan"]["err"]
    results = json.loads((folder / "scan" / "results.json").read_text())
    assert results["moved"] > 1e-2
    assert results["scan"] < 1e-4
    assert results["recurrent"] < 1e-5
    assert results["progress"] == pytest.approx(1.0)
    assert {"heads", "ks", "covariance", "reconstruction", "loss"} <= set(results["terms"])
