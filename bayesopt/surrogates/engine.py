"""GPflow, imported without the second that it needs to rewrite its own docstrings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from check_shapes import config

config.set_rewrite_docstrings(None)
import gpflow  # noqa: E402  # after its setting
from tensorflow.python.framework.ops import gradient_registry  # noqa: E402  # has no public name
from tensorflow_probability.python.bijectors.bijector import Bijector  # noqa: E402

__all__ = ["gpflow", "passing_graphs"]


@contextmanager
def passing_graphs() -> Iterator[None]:
    """Free the graphs that are traced inside the block, once nobody else holds them.

    TensorFlow registers each custom gradient that a graph has (the positive parameters of GPflow
    have one) for good, and the cache of TensorFlow Probability's bijectors holds their inputs: a
    graph, and the data in it, stayed for each surrogate that was ever fitted.
    """
    registered = gradient_registry._registry
    before = set(registered)
    try:
        yield
    finally:
        for name in registered.keys() - before:
            del registered[name]
        vars(Bijector)["_cache"].clear()  # of all bijectors; as an attribute, of one class only
