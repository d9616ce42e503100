"""Cross-entropy of production rules under the mask of the grammar."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="gmae")
class MaskedCrossEntropy:
    """Categorical cross-entropy of rule indices where only some rules are possible.

    At each step the true rule tells which left-hand side stands on the stack, and the softmax runs
    over the rules of that left-hand side alone (Kusner et al. 2017, section 3): syntax need not be
    learnt, and padding costs nothing.

    Parameters
    ----------
    alternatives : 0/1 array [R, R]; row r marks the rules that compete with rule r.
    """

    def __init__(self, alternatives: Any) -> None:
        self.alternatives = np.asarray(alternatives, dtype=np.float32)

    def __call__(self, rules: Any, logits: Any) -> Any:
        """Nats per sequence, mean over the batch: [N, T] and [N, T, R] -> scalar."""
        rules = ops.cast(rules, "int32")
        masked = self._masked(rules, logits)
        chosen = ops.one_hot(rules, self.alternatives.shape[0], dtype=masked.dtype)
        step = ops.logsumexp(masked, axis=-1) - ops.sum(chosen * masked, axis=-1)
        return ops.mean(ops.sum(step, axis=-1))

    def exact_match(self, rules: Any, logits: Any) -> Any:
        """Share of sequences whose every masked argmax is the true rule; [N, T], [N, T, R]."""
        rules = ops.cast(rules, "int32")
        best = ops.cast(ops.argmax(self._masked(rules, logits), axis=-1), "int32")
        return ops.mean(ops.cast(ops.all(ops.equal(best, rules), axis=-1), "float32"))

    def _masked(self, rules: Any, logits: Any) -> Any:
        logits = ops.cast(logits, "float32")
        allowed = ops.take(ops.convert_to_tensor(self.alternatives), rules, axis=0)
        return ops.where(allowed > 0, logits, -1e9)  # finite: 0 * -inf is not a number

    def get_config(self) -> dict[str, Any]:
        """For saving with the model."""
        return {"alternatives": self.alternatives.astype(int).tolist()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> MaskedCrossEntropy:
        """Inverse of `get_config`."""
        return cls(**config)
