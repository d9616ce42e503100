"""What the regulariser costs in a training step of the paper's image network, side by side.

    python -m experiments.benchmarks.penalty [--repeats 9] [--latent-dim 10] [--out FILE]

Two equal autoencoders (Saseendran et al. 2021, appendix Table 1: 32 x 32 x 1, filters 128, 256,
512, 1024), one with the KS and covariance terms and one without, take steps on one batch in turn;
beside them, value and gradient of the two terms alone, compiled.  Medians over the repeats.  The
bar is 5 % of a step.  With KERAS_BACKEND=jax the same on JAX.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from experiments.benchmarks.record import parser_of, record

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

BAR = 0.05


def main() -> None:
    """Measure, print one table, write it with --out."""
    options = _options()
    times = measure(options)
    with_penalty, without, alone = (times[name] for name in ("with", "without", "alone"))
    paired = [a / b - 1 for a, b in zip(with_penalty, without, strict=True)]
    results = record(
        "penalty",
        options,
        ("keras", "tensorflow", "jax", "numpy"),
        batch_size=options.batch_size,
        latent_dim=options.latent_dim,
        components=options.components,
        repeats=options.repeats,
        step_with_penalty_ms=_median_ms(with_penalty),
        step_without_penalty_ms=_median_ms(without),
        penalty_alone_ms=_median_ms(alone),
        share_by_difference=statistics.median(paired),
        share_by_penalty_alone=statistics.median(alone) / statistics.median(with_penalty),
        bar=BAR,
        backend=os.environ.get("KERAS_BACKEND", "tensorflow"),
    )
    print(f"step with penalty       {results['step_with_penalty_ms']:10.1f} ms")
    print(f"step without penalty    {results['step_without_penalty_ms']:10.1f} ms")
    print(f"penalty and gradient    {results['penalty_alone_ms']:10.3f} ms")
    print(f"share, by difference    {results['share_by_difference']:10.2%}   (noise of the steps)")
    print(f"share, by penalty alone {results['share_by_penalty_alone']:10.2%}   (bar {BAR:.0%})")


def measure(options: argparse.Namespace) -> dict[str, list[float]]:
    """Seconds of every repeat: a step "with" the penalty, one "without", the penalty "alone"."""
    from gmae_tf.penalties import GaussianMixturePenalty
    from gmae_tf.prior import GaussianMixture

    rng = np.random.default_rng(options.seed)
    prior = GaussianMixture.one_hot(options.components, options.latent_dim)
    penalty = GaussianMixturePenalty(prior)
    x = rng.uniform(size=(options.batch_size, 32, 32, 1)).astype(np.float32)
    z = prior.sample(options.batch_size, rng).astype(np.float32)
    jobs = {
        "with": _step(options, penalty, x),
        "without": _step(options, None, x),
        "alone": _alone(penalty, z),
    }
    for job in jobs.values():  # compile, and touch all memory
        job()
        job()
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for repeat in range(options.repeats):
        # Every other time in the opposite order, so that a drifting machine favours neither.
        for name in list(jobs) if repeat % 2 else reversed(jobs):
            calls = 20 if name == "alone" else 1
            start = time.perf_counter()
            for _ in range(calls):
                jobs[name]()
            times[name].append((time.perf_counter() - start) / calls)
    return times


def _step(options: argparse.Namespace, penalty: Any, x: np.ndarray) -> Callable[[], object]:
    import keras

    from gmae_tf.autoencoder import Autoencoder
    from gmae_tf.images import networks
    from gmae_tf.losses import MeanSquaredError

    keras.utils.set_random_seed(options.seed)
    model = Autoencoder(
        networks.image_encoder(32, 1, options.latent_dim),
        networks.image_decoder(32, 1, options.latent_dim),
        MeanSquaredError(),
        2000.0,
        penalty,
    )
    model.compile(keras.optimizers.Adam(2e-4))
    return lambda: model.train_on_batch(x)


def _alone(penalty: Any, z: np.ndarray) -> Callable[[], object]:
    import keras

    from gmae_tf.penalties import weighted_sum

    def loss(codes: Any) -> Any:
        return weighted_sum(penalty, penalty(codes))

    if keras.backend.backend() == "jax":
        import jax

        compiled = jax.jit(jax.value_and_grad(loss))
        return lambda: jax.block_until_ready(compiled(z))
    import tensorflow as tf

    @tf.function
    def value_and_gradient(codes: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(codes)
            value = loss(codes)
        return value, tape.gradient(value, codes)

    codes = tf.constant(z)
    return lambda: value_and_gradient(codes)[1].numpy()


def _median_ms(seconds: list[float]) -> float:
    return 1e3 * statistics.median(seconds)


def _options() -> argparse.Namespace:
    parser = parser_of(__doc__)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--batch-size", type=int, default=100)
    parser.add_argument("--latent-dim", type=int, default=10)
    parser.add_argument("--components", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
