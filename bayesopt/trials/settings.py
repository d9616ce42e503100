"""Checks of the settings of an optimizer."""

from __future__ import annotations

from os import PathLike
from typing import Any, get_args

import numpy as np

from bayesopt.acquisition.candidates import Reads
from bayesopt.acquisition.strategies import STRATEGIES
from bayesopt.dataset import Dataset
from bayesopt.space import CandidateConfig
from bayesopt.storage import TrialStore
from bayesopt.surrogates.base import SurrogateConfig
from gmae_tf.errors import UserError
from gmae_tf.utils.arrays import check_choice, check_int, check_kind, check_number


def check_settings(given: dict[str, Any]) -> None:
    """Refuse by a `UserError` the first keyword of `Optimizer` that cannot be used."""
    check_kind(given["maximize"], bool | np.bool_, "maximize")
    check_choice(given["strategy"], "strategy", STRATEGIES)
    check_choice(given["reads"] or "counts", "reads", get_args(Reads))
    check_int(given["seed"], "seed")
    check_int(given["batch_size"], "batch_size", 1)
    check_int(given["best"], "best")
    if given["points"] is not None:
        check_int(given["points"], "points", 1)
    for name in ("held_out", "winsorized"):
        if not 0 <= check_number(given[name], name) < 1:
            raise UserError(f"{name} is {given[name]}: give a share, 0 or more and less than 1.")
    if given["failed_value"] is not None:
        check_number(given["failed_value"], "failed_value")
    check_kind(given["candidates"], CandidateConfig | None, "candidates")
    surrogate, dataset, storage = given["surrogate"], given["dataset"], given["storage"]
    if not (isinstance(surrogate, SurrogateConfig | None) or callable(surrogate)):
        raise UserError(f"surrogate is {surrogate!r}: give a SurrogateConfig or a function.")
    if not isinstance(dataset, Dataset | None):
        kind = type(dataset).__name__
        raise UserError(f"dataset is a {kind}: give Dataset(strings, values).")
    if not isinstance(storage, str | PathLike | TrialStore | None):
        raise UserError(f"storage is {storage!r}: give the path of a file, or a TrialStore.")
    if given["revisit"] and given["strategy"] == "joint":
        raise UserError("the strategy joint proposes new strings only: use ei with revisit.")
