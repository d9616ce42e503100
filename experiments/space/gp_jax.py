"""A sparse Gaussian process on codes (collapsed bound, Titsias 2009), in JAX and double precision.

    python -m experiments.space.gp_jax --codes codes-space.npz

Hyperparameters and 500 inducing points by Adam on 10,000 codes, then the posterior of all.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

INDUCING, SUBSET, STEPS = 500, 10_000, 200
AT_ONCE = 10_000
Values = NDArray[np.float64]


def measure(path: Path, small: bool = False) -> dict[str, Any]:
    """RMSE and mean log likelihood of penalised logP and QED on a tenth of the codes."""
    with np.load(path) as file:
        codes, values = file["codes"].astype(np.float64), file["values"].astype(np.float64)
    order = np.random.default_rng(0).permutation(len(codes))
    train, test = np.split(order, [int(0.9 * len(order))])
    if small:
        train, test = order[:SUBSET], order[-1_000:]
    found: dict[str, Any] = {"training": len(train), "test": len(test)}
    for i, name in enumerate(("penalized_logp", "qed")):
        y, y_test = values[train, i], values[test, i]
        rmse, ll = fit_and_score(codes[train], y, codes[test], y_test)
        found[name] = {"rmse": rmse, "ll": ll, "std": float(y_test.std())}
    return found


def fit_and_score(
    x: Values, y: Values, x_test: Values, y_test: Values, seed: int = 0, steps: int = STEPS
) -> tuple[float, float]:
    """RMSE and mean log likelihood of y_test [M], trained on codes x [N, D] and y [N]."""
    import jax

    jax.config.update("jax_enable_x64", True)
    import jax.numpy as jnp
    from jax.scipy.linalg import solve_triangular

    rng = np.random.default_rng(seed)
    centre, spread, y_mean, y_std = x.mean(0), x.std(0) + 1e-9, y.mean(), y.std()
    x, x_test, y = (x - centre) / spread, (x_test - centre) / spread, (y - y_mean) / y_std
    rows = rng.permutation(len(x))[:SUBSET]
    dim = x.shape[1]
    m = min(INDUCING, len(rows))
    start = {
        "scale": jnp.full(dim, np.log(np.sqrt(2 * dim))),
        "variance": jnp.zeros(()),
        "noise": jnp.full((), np.log(0.3)),
        "z": jnp.asarray(x[rows[:m]]),
    }
    p = _adam(lambda p: _loss(p, jnp.asarray(x[rows]), jnp.asarray(y[rows])), start, steps)
    add = jax.jit(lambda a, b: _statistics(p, a, b))
    aa, ay = 0.0, 0.0
    for i in range(0, len(x), AT_ONCE):
        noise, low, one, two = add(jnp.asarray(x[i : i + AT_ONCE]), jnp.asarray(y[i : i + AT_ONCE]))
        aa, ay = aa + one, ay + two
    b = jnp.linalg.cholesky(jnp.eye(m) + aa / noise)
    c = solve_triangular(b, ay, lower=True) / noise
    k = solve_triangular(low, _kernel(p, p["z"], jnp.asarray(x_test)), lower=True)
    bk = solve_triangular(b, k, lower=True)
    mean = np.asarray(bk.T @ c) * y_std + y_mean
    variance = jnp.exp(p["variance"]) - (k * k).sum(0) + (bk * bk).sum(0) + noise
    variance = np.asarray(variance) * y_std**2
    error = y_test - mean
    ll = -0.5 * (np.log(2 * np.pi * variance) + error**2 / variance)
    return float(np.sqrt(np.mean(error**2))), float(np.mean(ll))


def _kernel(p: Any, a: Any, b: Any) -> Any:
    """Matern 5/2 with a length scale for each dimension."""
    import jax.numpy as jnp

    a, b = a / jnp.exp(p["scale"]), b / jnp.exp(p["scale"])
    squares = jnp.sum(a * a, 1)[:, None] + jnp.sum(b * b, 1)[None] - 2 * a @ b.T
    r = jnp.sqrt(5 * jnp.maximum(squares, 1e-12))
    return jnp.exp(p["variance"]) * (1 + r + r * r / 3) * jnp.exp(-r)


def _statistics(p: Any, x: Any, y: Any) -> tuple[Any, Any, Any, Any]:
    """Noise variance, Cholesky factor of Kzz, and A A^T and A y of A = L^-1 Kzx."""
    import jax.numpy as jnp
    from jax.scipy.linalg import solve_triangular

    noise = jnp.exp(p["noise"]) + 1e-4
    low = jnp.linalg.cholesky(_kernel(p, p["z"], p["z"]) + 1e-6 * jnp.eye(len(p["z"])))
    a = solve_triangular(low, _kernel(p, p["z"], x), lower=True)
    return noise, low, a @ a.T, a @ y


def _loss(p: Any, x: Any, y: Any) -> Any:
    """Negative collapsed bound for a point."""
    import jax.numpy as jnp
    from jax.scipy.linalg import solve_triangular

    noise, _, aa, ay = _statistics(p, x, y)
    n = len(x)
    b = jnp.linalg.cholesky(jnp.eye(len(aa)) + aa / noise)
    c = solve_triangular(b, ay, lower=True) / noise
    bound = -0.5 * n * jnp.log(2 * jnp.pi * noise) - jnp.sum(jnp.log(jnp.diag(b)))
    bound += -0.5 * jnp.sum(y * y) / noise + 0.5 * jnp.sum(c * c)
    bound += -0.5 * (n * jnp.exp(p["variance"]) - jnp.trace(aa)) / noise
    return -bound / n


def _adam(loss: Any, p: Any, steps: int) -> Any:
    """Parameters after so many steps, the rate along half a cosine."""
    import jax
    import jax.numpy as jnp

    m, v = (jax.tree.map(jnp.zeros_like, p) for _ in range(2))

    @jax.jit
    def step(i: Any, p: Any, m: Any, v: Any) -> Any:
        g = jax.grad(loss)(p)
        m = jax.tree.map(lambda a, b: 0.9 * a + 0.1 * b, m, g)
        v = jax.tree.map(lambda a, b: 0.99 * a + 0.01 * b * b, v, g)
        rate = 0.05 * 0.5 * (1 + jnp.cos(jnp.pi * i / steps)) + 1e-3

        def move(a: Any, b: Any, c: Any) -> Any:
            root = jnp.sqrt(c / (1 - 0.99 ** (i + 1))) + 1e-10
            return a - rate * (b / (1 - 0.9 ** (i + 1))) / root

        return jax.tree.map(move, p, m, v), m, v

    for i in range(steps):
        p, m, v = step(jnp.float64(i), p, m, v)
    return p


def main() -> None:
    """Print the measures of a file of codes."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--codes", type=Path, required=True, help="an .npz file of codes, values")
    parser.add_argument("--small", action="store_true", help="10,000 codes, 1,000 tested")
    parser.add_argument("--out", type=Path, help="a JSON file for the result")
    options = parser.parse_args()
    found = measure(options.codes, options.small)
    print(json.dumps(found, indent=1), flush=True)
    if options.out:
        options.out.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
