"""A network that learns from codes the few numbers on which their scores depend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from bayesopt.surrogates.base import Progress, Represent
from bayesopt.surrogates.inducing import Scaler
from bayesopt.surrogates.training import minibatches

Array = NDArray[np.float64]

FEATURES = 16
BATCH = 512
EPOCHS = 3
LEAST_STEPS = 600
"""Of training, where the points are few: a few epochs of them would teach nothing."""
LEARNING_RATE, WEIGHT_DECAY = 2e-3, 1e-2
MEASURED_ON = 4096
"""Points whose representation is standardised; all of them might not fit into memory."""
AT_ONCE = 2048
MOMENTS = ("mean", "variance")


class FeatureNetwork:
    """codes [N, D] -> features [N, 16], trained to predict scores; `fit` or `set_state` it first.

    Without a representation it is a perceptron on the code; with one, two convolutions along its
    T steps come before.  Each of the T x P numbers is standardised by itself: the first steps of
    a sequence differ less than later ones and would be drowned otherwise.
    """

    def __init__(self, represent: Represent | None = None) -> None:
        self._represent = represent

    def fit(
        self, codes: Array, scores: Array, *, seed: int, progress: Progress | None = None
    ) -> FeatureNetwork:
        """Train on codes [N, D] and scores [N] by AdamW and the squared error of scaled scores."""
        keras.utils.set_random_seed(seed)
        self._moments = self._measured(codes, seed)
        network, self._network = self._built()
        target = Scaler.of(scores).forward(scores).astype(np.float32)
        batch = min(BATCH, len(codes))
        steps = max(EPOCHS * (len(codes) // batch), LEAST_STEPS)
        rate = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps, alpha=1e-2)
        network.compile(keras.optimizers.AdamW(rate, weight_decay=WEIGHT_DECAY), loss="mse")
        network.optimizer.build(network.trainable_variables)  # else each step is traced twice
        order = minibatches(len(codes), batch, seed)
        for step in range(steps):
            rows = next(order)
            network.train_on_batch(self._inputs(codes[rows]), target[rows])
            if progress is not None:
                progress("features", step + 1, steps)
        return self

    def __call__(self, codes: Array) -> Array:
        """Features [N, 16] of codes [N, D]."""
        parts = [
            self._network.predict_on_batch(self._inputs(codes[i : i + AT_ONCE]))
            for i in range(0, len(codes), AT_ONCE)
        ]
        return np.concatenate(parts or [np.empty((0, FEATURES))]).astype(np.float64)

    def _inputs(self, codes: Array) -> list[NDArray[Any]]:
        codes = np.asarray(codes, np.float32)
        return [codes] if self._represent is None else [codes, self._represent(codes)]

    def _measured(self, codes: Array, seed: int) -> dict[str, Array]:
        """Means and variances of what the network reads, the variances held above nothing."""
        rows = np.random.default_rng(seed).permutation(len(codes))[:MEASURED_ON]
        inputs = zip(("codes", "plan"), self._inputs(codes[rows]), strict=False)
        moments = {}
        for name, values in inputs:
            variance = values.var(axis=0, dtype=np.float64)
            moments[f"{name}.mean"] = values.mean(axis=0, dtype=np.float64)
            moments[f"{name}.variance"] = variance + 1e-6 * max(float(variance.mean()), 1e-12)
        return moments

    def _scaled(self, name: str) -> tuple[Any, Any]:
        mean, variance = (self._moments[f"{name}.{part}"] for part in MOMENTS)
        values = keras.Input(mean.shape)
        axes = tuple(range(1, mean.ndim + 1))
        return values, layers.Normalization(axes, mean=mean, variance=variance)(values)

    def _built(self) -> tuple[keras.Model, keras.Model]:
        """The network to train, which ends in a score, and the part of it that makes features."""
        code, hidden = self._scaled("codes")
        inputs = [code]
        if "plan.mean" in self._moments:
            plan, steps = self._scaled("plan")
            inputs.append(plan)
            hidden = layers.Concatenate()([*_convolved(steps), hidden])
        else:
            hidden = layers.Dense(256, activation="gelu")(hidden)
        hidden = layers.Dense(256, activation="gelu")(hidden)
        features = layers.Dense(FEATURES, name="features")(hidden)
        score = layers.Dense(1)(features)
        return keras.Model(inputs, score), keras.Model(inputs, features)

    # State

    def get_state(self) -> dict[str, Array]:
        """Float64 arrays that `set_state` restores; the representation is not among them."""
        weights = {f"weight.{i:02d}": w for i, w in enumerate(self._network.get_weights())}
        return {name: np.asarray(v, np.float64) for name, v in (weights | self._moments).items()}

    def set_state(self, state: Mapping[str, Array]) -> FeatureNetwork:
        """Restore what `get_state` gave; ValueError or KeyError if it is of another network."""
        read = ("codes",) if self._represent is None else ("codes", "plan")
        self._moments = {f"{name}.{m}": state[f"{name}.{m}"] for name in read for m in MOMENTS}
        _, self._network = self._built()
        self._network.set_weights([state[name] for name in sorted(state) if name[:7] == "weight."])
        return self


def _convolved(steps: Any) -> list[Any]:
    """Summaries of steps [N, T, P]: the mean and the largest of each channel, and a coarse copy."""
    for _ in range(2):
        steps = layers.Conv1D(64, 5, strides=2, padding="same", activation="gelu")(steps)
    return [
        layers.GlobalAveragePooling1D()(steps),
        layers.GlobalMaxPooling1D()(steps),
        layers.Flatten()(layers.Conv1D(8, 1)(steps)),
    ]
