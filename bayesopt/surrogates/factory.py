"""Which surrogate a configuration names."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from bayesopt.space import SearchSpace
from bayesopt.surrogates.base import Represent, Surrogate, SurrogateConfig
from bayesopt.surrogates.require import require_gpflow


def new_surrogate(config: SurrogateConfig, represent: Represent | None = None) -> Surrogate:
    """The surrogate of a configuration, to be fitted; `represent` is for the deep kernel."""
    require_gpflow()
    # One at a time: scikit-learn, Keras and GPflow take seconds to import.
    module, name = {
        "deep": ("deep_kernel", "DeepKernelGP"),
        "nearest": ("nearest", "NearestGP"),
    }.get(config.method, ("sparse_gp", "SparseGP"))
    made: Any = getattr(import_module(f"bayesopt.surrogates.{module}"), name)
    return made(config, represent) if config.method == "deep" else made(config)


def surrogate_of_features(config: SurrogateConfig, space: SearchSpace) -> Surrogate:
    """A surrogate of the features of a space, with a trend where some of them are parts."""
    gp, n_global = new_surrogate(config), space.n_global_features
    if n_global is None:
        return gp
    from bayesopt.surrogates.linear_trend import TrendGP

    return TrendGP(gp, n_global)
