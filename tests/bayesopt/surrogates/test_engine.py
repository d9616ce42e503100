"""Surrogates that are no longer used leave nothing behind in TensorFlow."""

from __future__ import annotations

import gc

import numpy as np
from tensorflow.python.framework.func_graph import FuncGraph

from bayesopt.inputs import CODES, Inputs
from bayesopt.surrogates.counts_gp import weigh
from bayesopt.surrogates.engine import passing_graphs


def graphs() -> int:
    """Traced graphs that somebody holds."""
    gc.collect()
    return sum(isinstance(each, FuncGraph) for each in gc.get_objects())


def test_the_graphs_of_a_fit_are_freed(rng: np.random.Generator) -> None:
    points, targets = Inputs(12, codes=rng.normal(size=(12, 2))), rng.normal(size=12)
    before = graphs()
    first = weigh([CODES], points, targets)
    assert graphs() == before
    # Without it they stay, which is why it is there.
    weigh.__wrapped__([CODES], points, targets)  # type: ignore[attr-defined]
    assert graphs() > before
    with passing_graphs():
        again = weigh([CODES], points, targets)
    assert np.array_equal(first.residuals, again.residuals)
