"""Symbolic regression as a scikit-learn estimator."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from bayesopt.regression.checks import by_name, checked, columns_of, positive, seed_of
from bayesopt.regression.fitting import Budget, Found, find_formulas
from bayesopt.regression.formula import Formula
from bayesopt.regression.latent import latent_source
from bayesopt.regression.population import Settings
from gmae_tf.errors import UserError
from grammar.expressions.programs import RULES, UNARY

FUNCTIONS = {
    text.removesuffix("()").strip("()").removeprefix("**"): rule
    for text, rule in RULES.items()
    if rule in UNARY
}
FUNCTIONS = {{"2": "square", "3": "cube", "c": "power"}.get(k, k): v for k, v in FUNCTIONS.items()}
"""Rules of functions by the names that `functions` takes."""
POOR = 0.5
"""Below this R2 of the chosen formula a user is told that nothing fits."""


class SymbolicRegressor(RegressorMixin, BaseEstimator):
    """Symbolic regression: a formula of the columns of a table, by a search with a time budget.

    Expressions of the grammar `scientific` are enumerated, recombined, and composed by semantic
    backpropagation in batches of thousands; their constants are fitted by least squares, jointly
    with an affine scaling of the output.  `formula_` has the shortest description of formula and
    residuals together (MDL); `front_` are all trade-offs of complexity and error.

    Parameters
    ----------
    seconds : how long to search; it ends earlier when a formula is exact.
    evaluations : how many expressions to fit at most; with it alone (`seconds=None`) and one job
        the same seed gives the same formulas.
    seed : of all chances.
    max_size : most operators, functions, variables and constants of a formula, scaling apart.
    functions : names among square, cube, power, exp, log, sqrt, abs, sin, cos, tanh; all by
        default.
    latent : also take neighbours in the latent space of the shipped model `scientific`.
    jobs : processes, each with a search of its own.

    Attributes
    ----------
    formula_ : the chosen `Formula`; `str` of it is Python, `sympy()` and `latex()` other forms.
    front_ : table of complexity, rmse, r2, whether exact, formula and source, simplest first.
    formulas_ : the formulas of `front_`.
    sources_ : how many expressions each source gave.

    Raises
    ------
    UserError: more than nine columns, a name that is no function, a limit that is not above 0,
        values that are no finite numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from bayesopt import SymbolicRegressor
    >>> x = np.linspace(0, 20, 50)[:, None]
    >>> model = SymbolicRegressor(seconds=20, seed=0, jobs=1)
    >>> print(model.fit(x, 850 * np.exp(-x[:, 0] / 7.3)).formula_)
    850*exp(-x1/7.3)
    >>> model.predict([[7.3]]).round(3)
    array([312.698])
    """

    def __init__(
        self,
        seconds: float | None = 60.0,
        *,
        evaluations: int | None = None,
        seed: int = 0,
        max_size: int = 30,
        functions: Sequence[str] | None = None,
        latent: bool = False,
        jobs: int = 1,
    ) -> None:
        self.seconds = seconds
        self.evaluations = evaluations
        self.seed = seed
        self.max_size = max_size
        self.functions = functions
        self.latent = latent
        self.jobs = jobs

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> SymbolicRegressor:
        """Search for formulas of X [n, d] (array or data frame) for y [n], weighted [n]."""
        settings = Settings(
            int(positive("max_size", self.max_size, whole=True)), rules_of(self.functions)
        )
        budget, jobs = self._budget(), int(positive("jobs", self.jobs, whole=True))
        names, x = columns_of(X)
        target, weights = checked(x, y, sample_weight)
        found = find_formulas(
            x,
            target,
            names,
            weights,
            budget=budget,
            seed=seed_of(self.seed),
            settings=settings,
            make_latent=latent_source if self.latent else None,
            jobs=jobs,
        )
        return self._keep(found, names)

    def _budget(self) -> Budget:
        if self.seconds is None and self.evaluations is None:
            raise UserError("seconds and evaluations are both None: give a limit of the search")
        limits = {"seconds": self.seconds, "evaluations": self.evaluations}
        return Budget(**{k: math.inf if v is None else positive(k, v) for k, v in limits.items()})

    def _keep(self, found: Found, names: Sequence[str]) -> SymbolicRegressor:
        self.n_features_in_ = len(names)
        self.feature_names_in_ = np.array(names, dtype=object)
        self.formulas_, self.formula_ = list(found.front), found.best
        self.front_ = front_table(found.front)
        self.sources_ = pd.Series(found.evaluations, name="expressions", dtype=int)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Values [n] of the chosen formula at rows X [n, d].

        Columns of a data frame are taken by name where it has all those of the fit, in any order.
        """
        check_is_fitted(self, "formula_")
        _, x = columns_of(by_name(X, self.feature_names_in_.tolist()))
        if x.shape[1] != self.n_features_in_:
            raise UserError(
                f"X has {x.shape[1]} columns, but the formula was fitted to {self.n_features_in_}"
            )
        return self.formula_.predict(x)

    def sympy(self) -> Any:
        """The chosen formula in SymPy."""
        check_is_fitted(self, "formula_")
        return self.formula_.sympy()

    def latex(self) -> str:
        """The chosen formula in LaTeX."""
        check_is_fitted(self, "formula_")
        return self.formula_.latex()


def front_table(front: Sequence[Formula]) -> pd.DataFrame:
    """Complexity, rmse, r2, exactness, formula and source of formulas."""
    return pd.DataFrame(
        {
            "complexity": [one.complexity for one in front],
            "rmse": [one.rmse for one in front],
            "r2": [one.r2 for one in front],
            "exact": [one.exact for one in front],
            "formula": [str(one) for one in front],
            "source": [one.source for one in front],
        }
    )


def verdict(formula: Formula) -> str:
    """One sentence on how well the chosen formula fits."""
    if formula.exact:
        return "The formula fits exactly."
    if formula.r2 < POOR:
        return (
            f"No formula fits: the best explains {max(0.0, formula.r2):.0%} of the variance of y "
            f"(R2 {formula.r2:.3f}); there may be noise alone, or a column is missing."
        )
    return f"The formula explains {formula.r2:.4%} of the variance of y."


def rules_of(functions: Sequence[str] | None) -> tuple[int, ...]:
    """Rules of functions by name, all by default; `UserError` for another name."""
    if functions is None:
        return UNARY
    if isinstance(functions, str):
        raise UserError(f"functions is the text {functions!r}: give a list of names")
    for name in functions:
        if name not in FUNCTIONS:
            raise UserError(f"{name!r} is no function: choose among {', '.join(FUNCTIONS)}")
    return tuple(FUNCTIONS[name] for name in functions)
