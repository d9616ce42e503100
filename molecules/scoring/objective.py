"""What is to be optimised: a property by name, or a user's function `package.module:function`."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from gmae_tf.errors import UserError
from molecules.chem.penalized import Normalisation
from molecules.chem.properties import find

_FUNCTION = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)


@dataclass(frozen=True)
class Objective:
    """An objective as plain data, so that a worker process can be told of it.

    Attributes
    ----------
    name : a property of `molecules.chem.properties`, or `package.module:function` of a SMILES,
        which is imported with the current directory on the path.
    to : the molecule that `similarity` compares with.
    normalisation : what `penalized_logp_data` wants.
    """

    name: str
    to: str | None = None
    normalisation: Normalisation | None = None

    @property
    def is_function(self) -> bool:
        """Whether it is the user's; a `UserError` tells of a name that is neither."""
        if _FUNCTION.fullmatch(self.name):
            return True
        if ":" in self.name:
            raise UserError(
                f"the objective {self.name!r} is not understood: "
                "name a property, or a function as package.module:function."
            )
        return False

    @property
    def maximise(self) -> bool:
        """The better direction when nobody says otherwise; a user's function is maximised."""
        return self.is_function or find(self.name, self.to, self.normalisation).maximise

    def resolve(self) -> Callable[[str], Any]:
        """SMILES -> value.

        Raises
        ------
        UserError: no such property, or the function cannot be imported.
        """
        if self.is_function:
            return _imported(self.name)
        return find(self.name, self.to, self.normalisation)

    def to_json(self) -> dict[str, Any]:
        """Plain data for `from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Objective:
        """What `to_json` gave."""
        given = data["normalisation"]
        normalisation = given and Normalisation(tuple(given["means"]), tuple(given["stds"]))
        return cls(data["name"], data["to"], normalisation)


def _imported(name: str) -> Callable[[str], Any]:
    module_name, _, function_name = name.partition(":")
    try:
        function = getattr(importlib.import_module(module_name), function_name)
    except (Exception, SystemExit) as error:  # a user's module may fail in any way
        raise UserError(
            f"the objective {name} cannot be imported ({type(error).__name__}: {error}): "
            "write package.module:function, and start the command where Python finds the module."
        ) from error
    if not callable(function):
        raise UserError(f"the objective {name} is not a function but {type(function).__name__}.")
    return function
