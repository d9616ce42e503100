"""Keras serialisation of objects by the arguments of their constructors."""

from __future__ import annotations

from inspect import signature
from typing import Any

import keras

from gmae_tf.prior import GaussianMixture


class Configured:
    """An object whose `get_config` is made of the arguments of its constructor.

    Networks, layers and mixtures among the arguments are serialised with it.  The constructor has
    named parameters only, none of which is `*args` or `**kwargs`.
    """

    def __new__(cls, *arguments: Any, **keywords: Any) -> Any:
        """Remember the arguments, defaults included."""
        above = super().__new__
        plain = above is object.__new__
        made: Any = above(cls) if plain else above(cls, *arguments, **keywords)  # type: ignore[call-arg]
        bound = signature(cls.__init__).bind_partial(made, *arguments, **keywords)
        bound.apply_defaults()
        # Past Keras, which would take a layer among them for a part of this one.
        object.__setattr__(made, "_arguments", dict(list(bound.arguments.items())[1:]))
        return made

    def get_config(self) -> dict[str, Any]:
        """Everything the constructor needs."""
        arguments: dict[str, Any] = self._arguments  # type: ignore[attr-defined]
        return {name: to_config(value) for name, value in arguments.items()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Inverse of `get_config`."""
        return cls(**{name: of_config(name, value) for name, value in config.items()})


def to_config(value: Any) -> Any:
    """An argument as plain data."""
    if isinstance(value, GaussianMixture):
        return value.get_config()
    if isinstance(value, tuple):
        return list(value)
    return keras.saving.serialize_keras_object(value) if hasattr(value, "get_config") else value


def of_config(name: str, value: Any) -> Any:
    """Inverse of `to_config` for the argument of that name."""
    if name == "prior" and value is not None:
        return GaussianMixture.from_config(value)
    nested = isinstance(value, dict) and "class_name" in value
    return keras.saving.deserialize_keras_object(value) if nested else value
