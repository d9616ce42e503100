"""One method on one target: ours, with and without the latent space, gplearn, pyoperon.

Called with a target, a method, a seed and seconds, it prints a line of JSON: R2 on held-out rows
without noise, seconds of the clock and of processors, expressions computed, and the formula.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from typing import Any

import numpy as np

from experiments.regression.targets import NOISE, TARGETS

Array = np.ndarray
CORES = 2
POPULATION = 1_000


def ours(x: Array, y: Array, seed: int, seconds: float, latent: bool = False) -> dict[str, Any]:
    """`bayesopt.SymbolicRegressor` with its defaults, on two processes."""
    from bayesopt import SymbolicRegressor

    model = SymbolicRegressor(seconds, seed=seed, latent=latent, jobs=CORES).fit(x, y)
    return {
        "predict": model.predict,
        "formula": str(model.formula_),
        "expressions": int(model.sources_.sum()),
        "sources": {name: int(count) for name, count in model.sources_.items()},
        "front_sources": model.front_.source.value_counts().to_dict(),
    }


def with_latent(x: Array, y: Array, seed: int, seconds: float) -> dict[str, Any]:
    """The same with the latent space as one more source."""
    return ours(x, y, seed, seconds, latent=True)


def gplearn(x: Array, y: Array, seed: int, seconds: float) -> dict[str, Any]:
    """Genetic programming without fitted constants: generations until the time is over."""
    from gplearn.functions import make_function
    from gplearn.genetic import SymbolicRegressor

    exp = make_function(function=_bounded_exp, name="exp", arity=1)
    functions = ("add", "sub", "mul", "div", "sqrt", "log", "abs", "sin", "cos", exp)
    model = SymbolicRegressor(
        population_size=POPULATION,
        generations=1,
        function_set=functions,
        const_range=(-5.0, 5.0),
        metric="mse",
        warm_start=True,
        random_state=seed,
    )
    end, generations = time.monotonic() + seconds, 0
    with np.errstate(all="ignore"):
        while time.monotonic() < end:
            generations += 1
            model.set_params(generations=generations)
            model.fit(x, y)
    return {
        "predict": model.predict,
        "formula": str(model._program),
        "expressions": generations * POPULATION,
    }


def _bounded_exp(values: Array) -> Array:
    return np.exp(np.minimum(values, 100.0))


def operon(x: Array, y: Array, seed: int, seconds: float) -> dict[str, Any]:
    """Operon as in SRBench: error and length as objectives, constants by Levenberg-Marquardt.

    Its choice from the front (MDL) is told the true deviation of the noise, which nobody else is.
    """
    from pyoperon.sklearn import SymbolicRegressor

    model = SymbolicRegressor(
        allowed_symbols="add,sub,mul,div,constant,variable,sin,cos,exp,log,sqrt,tanh,square,pow",
        objectives=["mse", "length"],
        uncertainty=[NOISE * float(y.std())],
        optimizer_iterations=5,
        population_size=POPULATION,
        generations=1_000_000,
        max_evaluations=2_000_000_000,
        max_time=max(1, round(seconds)),
        n_threads=CORES,
        random_state=seed,
    )
    model.fit(x, y)
    return {
        "predict": model.predict,
        "formula": model.get_model_string(model.model_, 6),
        "expressions": int(model.stats_["residual_evaluations"]),
    }


METHODS = {"ours": ours, "ours_latent": with_latent, "gplearn": gplearn, "pyoperon": operon}


def measure(target: str, method: str, seed: int, seconds: float) -> dict[str, Any]:
    """What a method makes of a target."""
    x, y, x_test, y_test = TARGETS[target].draw(seed)
    begun = time.monotonic()
    found = METHODS[method](x, y, seed, seconds)
    wall = time.monotonic() - begun
    with np.errstate(all="ignore"):
        error = np.mean((np.asarray(found.pop("predict")(x_test), float) - y_test) ** 2)
    r2 = float(1 - error / y_test.var())
    return {
        "target": target,
        "method": method,
        "seed": seed,
        "budget": seconds,
        "r2": r2 if np.isfinite(r2) else None,
        "solved": bool(np.isfinite(r2) and r2 > 0.999),
        "seconds": round(wall, 2),
        "processor_seconds": round(_processor_seconds(), 2),
        **found,
    }


def _processor_seconds() -> float:
    """Of this process and the workers that have ended."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(use.ru_utime + use.ru_stime for use in spent)


def main() -> None:
    """Measure once and print."""
    target, method, seed, seconds = sys.argv[1:]
    result = measure(target, method, int(seed), float(seconds))
    if method.startswith("ours"):
        from joblib.externals.loky import get_reusable_executor

        get_reusable_executor().shutdown(wait=True)  # so that the workers' time is counted
        result["processor_seconds"] = round(_processor_seconds(), 2)
    print(json.dumps(result))
    sys.stdout.flush()
    os._exit(0)  # pyoperon's threads may outlive it


if __name__ == "__main__":
    main()
