"""Bayesian optimisation in the latent space of an autoencoder.

A `SearchSpace` says which strings may be proposed, a `Dataset` what is known, and an `Optimizer`
proposes batches by ask and tell; `search` does it all for a function, and `SymbolicRegressor` finds
formulas of a table.  Public names are imported on
first use, so that `import bayesopt` costs nothing.  Gaussian processes need TensorFlow and GPflow.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from gmae_tf.utils.interrupts import quiet_start

if TYPE_CHECKING:
    from bayesopt.dataset import Dataset
    from bayesopt.one_call import search
    from bayesopt.optimizer import Optimizer
    from bayesopt.regression.estimator import SymbolicRegressor
    from bayesopt.space import SearchSpace
    from bayesopt.surrogates.sparse_gp import SparseGP

_HOME = {
    "Dataset": "bayesopt.dataset",
    "Optimizer": "bayesopt.optimizer",
    "SearchSpace": "bayesopt.space",
    "SparseGP": "bayesopt.surrogates.sparse_gp",
    "SymbolicRegressor": "bayesopt.regression.estimator",
    "search": "bayesopt.one_call",
}

__all__ = ["Dataset", "Optimizer", "SearchSpace", "SparseGP", "SymbolicRegressor", "search"]

quiet_start()


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'bayesopt' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)
