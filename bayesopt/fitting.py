"""Training of sparse Gaussian processes on standardised data: collapsed (SGPR) and stochastic (SVGP)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gpflow
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from gmae_tf.errors import UserError

Array = NDArray[np.float64]
Progress = Callable[[str, int, int], None]

JITTERS = (1e-6, 1e-5, 1e-4, 1e-3)


def minimise_collapsed(
    model: gpflow.models.SGPR, iterations: int, progress: Progress | None, stage: str
) -> float:
    """Run L-BFGS on the collapsed bound; return the jitter that held.

    A failed Cholesky factorisation goes back to the last accepted step and continues with ten times
    the jitter.  Raises UserError when no jitter helps.
    """
    variables = model.trainable_variables
    accepted = [v.numpy() for v in variables]
    done = 0

    def on_step(_step: int, _variables: Any, values: Any) -> None:
        nonlocal done
        done += 1
        accepted[:] = [np.array(v) for v in values]
        if progress is not None:
            progress(stage, min(done, iterations), iterations)

    for jitter in JITTERS:
        if done >= iterations:
            return jitter
        try:
            with gpflow.config.as_context(_with_jitter(jitter)):
                gpflow.optimizers.Scipy().minimize(
                    model.training_loss,
                    variables,
                    step_callback=on_step,
                    options={"maxiter": iterations - done},
                )
            return jitter
        except tf.errors.InvalidArgumentError:
            for variable, value in zip(variables, accepted, strict=True):
                variable.assign(value)
    raise UserError(
        "The Gaussian process cannot be fitted: its kernel matrix is not positive definite even with "
        "jitter 1e-3; remove duplicate or non-finite codes, or use fewer inducing points."
    )


def _with_jitter(jitter: float) -> gpflow.config.Config:
    return gpflow.config.Config(jitter=jitter, float=np.float64)


def minibatches(size: int, batch: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Endless minibatch indices; the order of epoch e is default_rng([seed, e])'s permutation."""
    epoch = 0
    while True:
        order = np.random.default_rng([seed, epoch]).permutation(size)
        for start in range(0, size - batch + 1, batch):
            yield order[start : start + batch]
        epoch += 1


def minimise_stochastic(
    model: gpflow.models.SVGP,
    x: Array,
    y: Array,
    *,
    steps: int,
    batch: int,
    gamma: float,
    learning_rate: float,
    seed: int,
    progress: Progress | None,
) -> None:
    """Alternate natural-gradient steps on q(u) and Adam steps on everything else over minibatches.

    gamma rises log-linearly from 1e-4 to its final value in the first tenth of the steps (Salimbeni et
    al. 2018).  A failed Cholesky factorisation raises UserError.
    """
    import tf_keras

    gpflow.set_trainable(model.q_mu, False)
    gpflow.set_trainable(model.q_sqrt, False)
    variational = [(model.q_mu, model.q_sqrt)]
    natural = gpflow.optimizers.NaturalGradient(tf.Variable(gamma, dtype=tf.float64))
    adam = tf_keras.optimizers.Adam(learning_rate)
    data_x, data_y = tf.constant(x, tf.float64), tf.constant(y[:, None], tf.float64)

    @tf.function
    def step(rows: tf.Tensor) -> None:
        data = (tf.gather(data_x, rows), tf.gather(data_y, rows))

        def loss() -> tf.Tensor:
            return model.training_loss(data)

        natural.minimize(loss, variational)
        if learning_rate > 0 and model.trainable_variables:
            adam.minimize(loss, model.trainable_variables)

    ramp = np.geomspace(1e-4, gamma, max(steps // 10, 1))
    order = minibatches(len(x), min(batch, len(x)), seed)
    try:
        for i in range(steps):
            natural.gamma.assign(ramp[min(i, len(ramp) - 1)])
            step(tf.constant(next(order)))
            if progress is not None:
                progress("natural gradients", i + 1, steps)
    except tf.errors.InvalidArgumentError as error:
        raise UserError(
            "The stochastic Gaussian process diverged: a matrix lost positive definiteness; lower the "
            "natural-gradient step or the learning rate, or use method sgpr."
        ) from error
