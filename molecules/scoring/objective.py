"""Objectives by name: a property, a formula of properties, or a `package.module:function`."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from gmae_tf.errors import UserError
from molecules.chem.formula import formula, terms
from molecules.chem.penalized import Normalisation
from molecules.chem.properties import Property, find

_FUNCTION = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)


@dataclass(frozen=True)
class Objective:
    """An objective function of molecules, as plain data that can be sent to a worker process.

    Attributes
    ----------
    name : a property of `molecules.chem.properties`; a scalarisation of several, such as
        `0.5*qed + similarity` (`molecules.chem.formula`); or `package.module:function` of a SMILES,
        which is imported with the current directory on the path.
    to : the molecule that `similarity` compares with.
    normalisation : what `penalized_logp_data` wants.

    Examples
    --------
    >>> import molecules
    >>> objective = molecules.Objective("similarity", to="CCO")
    >>> objective.resolve()("OCC")
    1.0
    >>> objective.maximise
    True
    >>> molecules.Objective("0.5*qed + gauss(heavy_atoms, 20, 5)").resolve()("CCO") > 0.2
    True
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
        return self.is_function or self._property().maximise

    def resolve(self) -> Callable[[str], Any]:
        """SMILES -> value.

        Raises
        ------
        UserError: no such property, or the function cannot be imported.
        """
        if self.is_function:
            return _imported(self.name)
        return self._property()

    def terms(self) -> list[Objective]:
        """The summands or factors of a scalarisation (`formula.terms`); none of anything else.

        Examples
        --------
        >>> import molecules
        >>> [part.name for part in molecules.Objective("0.5*qed + similarity", to="CCO").terms()]
        ['0.5 * qed', 'similarity']
        """
        if self.is_function or self.name.isidentifier():
            return []
        parts = terms(self.name)
        return [replace(self, name=part) for part in parts] if len(parts) > 1 else []

    def _property(self) -> Property:
        """By its name, or by arithmetic on names."""
        look_up = find if self.name.isidentifier() else formula
        return look_up(self.name, self.to, self.normalisation)

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
