"""Bayesian optimisation of a function of strings, in one call."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import TYPE_CHECKING, Any

from bayesopt.dataset import Dataset
from bayesopt.optimizer import Optimizer
from bayesopt.space import SearchSpace
from gmae_tf.errors import UserError
from gmae_tf.utils.arrays import check_int

if TYPE_CHECKING:
    import pandas as pd


def search(
    objective: Callable[..., Any],
    model: Any,
    budget: int = 200,
    *,
    maximize: bool = True,
    vectorized: bool = False,
    dataset: Dataset | None = None,
    target: float | None = None,
    seconds: float | None = None,
    patience: int | None = None,
    seed: int = 0,
    **settings: Any,
) -> pd.DataFrame:
    """Search a model's latent space for the strings with the best values of a function.

    Parameters
    ----------
    objective : a string -> its value, NaN where it has none; with `vectorized` N strings -> values
        [N], as `molecules.Scorer.values`, which computes in processes or on a cluster.
    model : an autoencoder, any `LatentCodec`, or a `SearchSpace` of one.
    budget : evaluations.
    dataset : strings whose values are known already.
    target, seconds, patience : stop earlier, see `Optimizer.run`.
    settings : keywords of `Optimizer`, such as `batch_size` and `storage`.

    Returns
    -------
    All evaluated strings, best first, as `Optimizer.best` has them.

    Raises
    ------
    UserError: a setting that there is not.
    bayesopt.trials.stopping.ObjectiveError: the objective raised an error; its attribute `found`
        has what was evaluated before, and with `storage` the same call goes on from there.

    Examples
    --------
    >>> import numpy as np
    >>> import bayesopt
    >>> class Numbers:  # "12" <-> its code [1.2]
    ...     latent_dim = 1
    ...     def encode(self, strings):
    ...         return np.array([[int(s) / 10] for s in strings])
    ...     def decode(self, codes):
    ...         return [str(round(10 * c)) for c in codes[:, 0]]
    >>> found = bayesopt.search(lambda s: -abs(int(s) - 7), Numbers(), budget=20)
    >>> len(found), found.string[0]
    (20, '7')
    """
    if not callable(objective):
        raise UserError(
            f"the objective is {objective!r}: give a function from a string to a number."
        )
    check_int(budget, "budget")
    known = [name for name in signature(Optimizer).parameters if name != "space"]
    for name in settings:
        if name not in known:
            raise UserError(f"search has no setting {name!r}: choose among {', '.join(known)}.")
    space = model if isinstance(model, SearchSpace) else SearchSpace(model)
    optimizer = Optimizer(space, dataset, maximize=maximize, seed=seed, **settings)
    try:
        optimizer.run(
            objective,
            budget,
            vectorized=vectorized,
            target=target,
            seconds=seconds,
            patience=patience,
        )
        return optimizer.best(budget)
    finally:
        optimizer.close()
