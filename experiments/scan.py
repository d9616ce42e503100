"""Training on JAX with the data on the device and many steps in one call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from gmae_tf.autoencoder import Autoencoder
from gmae_tf.models.auxiliary import AuxiliaryObjectives


class ScannedTraining:
    """Steps of `model.train_step` in one `lax.scan`; the loss is that of `fit`.

    Parameters
    ----------
    model : compiled, with an optimizer whose learning rate is a number.
    make_batch : (data, rows, ...) -> (x, y) on the device, the rows and what else a step is given.
    data : arrays, moved to the device once.
    """

    def __init__(
        self, model: Autoencoder, make_batch: Callable[..., tuple[Any, Any]], data: dict[str, Any]
    ) -> None:
        self.model, self.make_batch = model, make_batch
        self.data = {name: jax.device_put(array) for name, array in data.items()}
        model.optimizer.build(model.trainable_variables)
        self.names = [m.name for m in model.metrics for _ in m.variables[:1]]
        self.state = tuple(
            [jnp.array(v.value) for v in variables]
            for variables in (
                model.trainable_variables,
                model.non_trainable_variables,
                model.optimizer.variables,
                model.metrics_variables,
            )
        )
        self._rate = _place(model.optimizer.variables, model.optimizer._learning_rate)
        method = model.method
        self._progress = (
            _place(model.non_trainable_variables, method.progress)
            if isinstance(method, AuxiliaryObjectives)
            else None
        )
        self._runs: dict[Any, Any] = {}

    def run(self, rates: Any, progress: Any, *given: Any, static: Any = None) -> dict[str, float]:
        """One call: a step for each learning rate [k] and share of the training done [k].

        `given` are arrays [k, ...] of which each step gets its own; `static` goes to `make_batch`
        as it is, and each value of it is compiled.  Returns the means over the steps.
        """
        if static not in self._runs:
            self._runs[static] = jax.jit(self._scan(static), donate_argnums=0)
        state, logs = self._runs[static](
            self.state,
            self.data,
            (jnp.asarray(rates, jnp.float32), jnp.asarray(progress, jnp.float32), *given),
        )
        self.state = state
        return {name: float(np.mean(np.asarray(values))) for name, values in logs.items()}

    def _scan(self, static: Any) -> Any:
        model = self.model

        def step(state: Any, now: Any, data: Any) -> Any:
            trainable, other, optimizer, metrics = (list(part) for part in state)
            rate, progress, *given = now
            optimizer[self._rate] = rate
            if self._progress is not None:
                other[self._progress] = progress
            metrics = [jnp.zeros_like(value) for value in metrics]
            batch = self.make_batch(data, static, *given)
            logs, state = model.train_step((trainable, other, optimizer, metrics), batch)
            return tuple(list(part) for part in state), logs

        return lambda state, data, given: jax.lax.scan(
            lambda carry, now: step(carry, now, data), state, given
        )

    def finish(self) -> None:
        """Give the weights to the model."""
        variables = (
            self.model.trainable_variables,
            self.model.non_trainable_variables,
            self.model.optimizer.variables,
        )
        for group, values in zip(variables, self.state, strict=False):
            for variable, value in zip(group, values, strict=True):
                variable.assign(value)


def _place(variables: Any, wanted: keras.Variable) -> int:
    return next(i for i, variable in enumerate(variables) if variable is wanted)
