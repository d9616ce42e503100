"""Surrogates that are no longer used leave nothing behind in TensorFlow."""

from __future__ import annotations

import gc

import numpy as np
import pytest
from tensorflow.python.framework.func_graph import FuncGraph

from bayesopt.surrogates import training
from bayesopt.surrogates.engine import gpflow, passing_graphs
from bayesopt.surrogates.training import SparseModel, fit_collapsed


def graphs() -> int:
    """Traced graphs that somebody holds."""
    gc.collect()
    return sum(isinstance(each, FuncGraph) for each in gc.get_objects())


def fitted_noise(x: np.ndarray, y: np.ndarray) -> float:
    """What a fit finds, for which a graph is traced."""
    kernel, likelihood = gpflow.kernels.SquaredExponential(), gpflow.likelihoods.Gaussian(0.1)
    model = SparseModel(kernel, likelihood, x[:4])
    fit_collapsed(model, x, y, iterations=2)
    return model.noise


def test_the_graphs_of_a_fit_are_freed(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = rng.normal(size=(12, 2)), rng.normal(size=12)
    before = graphs()
    first = fitted_noise(x, y)
    assert graphs() == before
    # Without it they stay, which is why it is there.
    monkeypatch.setattr(training, "_lbfgs", training._lbfgs.__wrapped__)  # type: ignore[attr-defined]
    fitted_noise(x, y)
    assert graphs() > before
    with passing_graphs():
        again = fitted_noise(x, y)
    assert first == again
