"""Training of sparse Gaussian processes on standardised data.

`fit_collapsed` maximises the collapsed bound (Titsias 2009, SGPR) by L-BFGS; `fit_stochastic` the
bound over minibatches (Hensman et al. 2013, SVGP) by natural gradients and Adam.  Models, bounds
and optimisers are GPflow's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from bayesopt.surrogates.base import Progress
from bayesopt.surrogates.engine import gpflow, passing_graphs
from bayesopt.surrogates.posterior import WhitenedPosterior, collapsed_posterior, inducing_cholesky
from gmae_tf.errors import UserError

Array = NDArray[np.float64]
JITTERS = (1e-6, 1e-5, 1e-4, 1e-3)
NOT_POSITIVE = (
    "The Gaussian process cannot be fitted, for its kernel matrix is not positive definite even "
    "with jitter 1e-3; use fewer inducing points, or codes that differ more."
)


@dataclass
class SparseModel:
    """The trainable parts: kernel and likelihood (changed in place), inducing points [M, D]."""

    kernel: gpflow.kernels.Kernel
    likelihood: gpflow.likelihoods.Gaussian
    inducing: Array

    @property
    def noise(self) -> float:
        """Noise variance, in units of the target's variance."""
        return float(self.likelihood.variance.numpy())


def fit_collapsed(
    model: SparseModel,
    x: Array,
    y: Array,
    iterations: int,
    progress: Progress | None = None,
    stage: str = "L-BFGS",
) -> WhitenedPosterior:
    """Adapt the model to x [N, D], y [N] by `iterations` L-BFGS steps; return its posterior.

    Raises UserError when no jitter makes the kernel matrix positive definite.
    """
    used = _minimise(model, x, y, iterations, progress, stage) if iterations else JITTERS[0]
    return solve_collapsed(model, x, y, used)


def solve_collapsed(
    model: SparseModel, x: Array, y: Array, jitter: float = JITTERS[0]
) -> WhitenedPosterior:
    """The posterior of the model as it is, given x [N, D], y [N]; the jitter rises if it must."""
    for larger in (j for j in JITTERS if j >= jitter):
        try:
            return collapsed_posterior(model.kernel, model.noise, model.inducing, x, y, larger)
        except tf.errors.InvalidArgumentError:
            continue
    raise UserError(NOT_POSITIVE)


def _minimise(
    model: SparseModel,
    x: Array,
    y: Array,
    iterations: int,
    progress: Progress | None,
    stage: str,
) -> float:
    """L-BFGS on the collapsed bound; the jitter that held.

    After a failed factorisation it continues from the last accepted step with ten times the jitter.
    """
    points = gpflow.inducing_variables.InducingPoints(model.inducing)
    bound = gpflow.models.SGPR((x, y[:, None]), model.kernel, points, likelihood=model.likelihood)
    variables = bound.trainable_variables
    accepted = [v.numpy() for v in variables]
    done = 0

    def on_step(_step: int, _variables: Any, values: Any) -> None:
        nonlocal done
        done += 1
        accepted[:] = [np.array(v) for v in values]
        if progress is not None:
            progress(stage, done, iterations)

    for jitter in JITTERS:
        if _lbfgs(bound, variables, on_step, iterations - done, jitter):
            model.inducing = points.Z.numpy()
            return jitter
        for variable, value in zip(variables, accepted, strict=True):
            variable.assign(value)
    raise UserError(NOT_POSITIVE)


@passing_graphs()
def _lbfgs(
    bound: gpflow.models.SGPR, variables: Any, on_step: Any, iterations: int, jitter: float
) -> bool:
    """Whether L-BFGS ran without a failed factorisation (an exception on a CPU, NaN on a GPU)."""
    try:
        with gpflow.config.as_context(gpflow.config.Config(jitter=jitter, float=np.float64)):
            result = gpflow.optimizers.Scipy().minimize(
                bound.training_loss,
                variables,
                step_callback=on_step,
                tf_fun_args={"autograph": False},  # nothing to rewrite, and that takes seconds
                options={"maxiter": max(iterations, 1)},
            )
    except tf.errors.InvalidArgumentError:
        return False
    return bool(np.isfinite(result.fun) and np.isfinite(result.x).all())


def minibatches(size: int, batch: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Endless minibatches of row numbers; epoch e is ordered by default_rng([seed, e])."""
    epoch = 0
    while True:
        order = np.random.default_rng([seed, epoch]).permutation(size)
        for start in range(0, size - batch + 1, batch):
            yield order[start : start + batch]
        epoch += 1


@passing_graphs()
def fit_stochastic(
    model: SparseModel,
    x: Array,
    y: Array,
    *,
    steps: int,
    batch: int,
    gamma: float,
    learning_rate: float,
    seed: int,
    start: WhitenedPosterior | None = None,
    progress: Progress | None = None,
) -> WhitenedPosterior:
    """Adapt the model to x [N, D], y [N] in `steps` minibatch steps from q = `start`.

    Each step is a natural-gradient step of length gamma on q(v), which rises from gamma / 1000 over
    the first tenth (Salimbeni et al. 2018), and an Adam step on the rest unless its learning rate
    is 0.  Raises UserError if a matrix loses positive definiteness.
    """
    batch = min(batch, len(x))
    points = gpflow.inducing_variables.InducingPoints(model.inducing)
    bound = gpflow.models.SVGP(
        model.kernel,
        model.likelihood,
        points,
        q_mu=None if start is None else start.mean.numpy(),
        q_sqrt=None if start is None else _lower_root(start.root.numpy())[None],
        whiten=True,
        num_data=len(x),
    )
    length = tf.Variable(gamma, dtype=tf.float64)
    step = _compiled_step(bound, (x, y[:, None]), length, learning_rate)
    rise = np.append(np.geomspace(gamma / 1000, gamma, steps // 10), gamma)
    order = minibatches(len(x), batch, seed)
    try:
        for i in range(steps):
            length.assign(rise[min(i, len(rise) - 1)])
            step(tf.constant(next(order)))
            if progress is not None:
                progress("natural gradients", i + 1, steps)
        model.inducing = points.Z.numpy()
        fixed = tf.constant(model.inducing)
        chol = inducing_cholesky(model.kernel, fixed, float(gpflow.default_jitter()))
    except tf.errors.InvalidArgumentError as error:
        raise UserError(
            "The stochastic Gaussian process diverged; lower its natural-gradient step "
            "(svgp_gamma) or learning rate (svgp_learning_rate), or use method sgpr."
        ) from error
    mean, root = tf.constant(bound.q_mu.numpy()), tf.constant(bound.q_sqrt.numpy()[0])
    return WhitenedPosterior(model.kernel, fixed, chol, mean, root)


def _compiled_step(
    bound: gpflow.models.SVGP, data: tuple[Array, Array], length: tf.Variable, rate: float
) -> Callable[[tf.Tensor], None]:
    """One minibatch step, as a function of row numbers; traced once."""
    import tf_keras

    gpflow.set_trainable(bound.q_mu, False)
    gpflow.set_trainable(bound.q_sqrt, False)
    natural = gpflow.optimizers.NaturalGradient(length)
    adam = tf_keras.optimizers.Adam(rate)
    x, y = (tf.constant(part, tf.float64) for part in data)

    def step(rows: tf.Tensor) -> None:
        part = (tf.gather(x, rows), tf.gather(y, rows))

        def loss() -> tf.Tensor:
            return bound.training_loss(part)

        natural.minimize(loss, [(bound.q_mu, bound.q_sqrt)])
        if rate > 0:
            adam.minimize(loss, bound.trainable_variables)

    return tf.function(step, autograph=False, input_signature=[tf.TensorSpec([None], tf.int64)])


def _lower_root(root: Array) -> Array:
    """Lower-triangular factor of R R^T with positive diagonal, as natural gradients want it."""
    lower = np.linalg.qr(root.T)[1].T
    return lower * np.where(np.diag(lower) < 0, -1.0, 1.0)
