"""Transformer encoder of rule sequences (Vaswani et al. 2017)."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="gmae")
class SequenceEncoder(keras.Model):
    """Transformer encoder: rules [N, <= T] -> codes [N, D].

    Pre-norm blocks of self-attention and a perceptron; padding is masked.  The code is computed
    from two summaries of the steps: attention pooling by learnt queries, and a few numbers of each
    step in their place, so that it can hold the string itself.  Codes are batch-normalised.

    Parameters
    ----------
    width, blocks, heads : width of the blocks, their number, and heads of the attention.
    queries : number of learnt queries of the pooling.
    place : numbers of each step that keep its place; 0 for the pooling alone.
    dense : width of the layers before the code.
    """

    def __init__(
        self,
        max_length: int,
        n_rules: int,
        latent_dim: int,
        width: int = 256,
        blocks: int = 3,
        heads: int = 8,
        queries: int = 4,
        place: int = 12,
        dense: int = 512,
        **kwargs: Any,
    ) -> None:
        super().__init__(**{"name": "encoder", **kwargs})
        self.sizes = {
            "max_length": max_length,
            "n_rules": n_rules,
            "latent_dim": latent_dim,
            "width": width,
            "blocks": blocks,
            "heads": heads,
            "queries": queries,
            "place": place,
            "dense": dense,
        }
        self.padding, self.max_length, self.heads = n_rules - 1, max_length, heads
        self.rules = layers.Embedding(n_rules, width)
        self.places = layers.Embedding(max_length, width)
        self.blocks = [
            {
                "norm": layers.LayerNormalization(),
                "project": layers.Dense(3 * width, use_bias=False),
                "merge": layers.Dense(width, use_bias=False),
                "norm_2": layers.LayerNormalization(),
                "up": layers.Dense(4 * width, activation="gelu"),
                "down": layers.Dense(width),
            }
            for _ in range(blocks)
        ]
        self.layers_of_blocks = [layer for block in self.blocks for layer in block.values()]
        self.last = layers.LayerNormalization()
        self.look = layers.Dense(queries)
        self.gather = layers.Dense(width)
        self.keep = layers.Dense(place, activation="gelu") if place else None
        self.front = layers.Dense(dense, activation="gelu")
        self.front_2 = layers.Dense(dense, activation="gelu")
        self.latent = layers.Dense(latent_dim)
        self.normal = layers.BatchNormalization(momentum=0.9, dtype="float32")
        inputs = keras.Input((max_length,), dtype="uint8", name="rules")
        self(inputs)

    @property
    def inputs(self) -> Any:
        """One array of whole numbers."""
        return [keras.KerasTensor((None, self.max_length), dtype="uint8")]

    @property
    def input_shape(self) -> Any:
        """[N, T]."""
        return (None, self.max_length)

    @property
    def output_shape(self) -> Any:
        """[N, D]."""
        return (None, self.sizes["latent_dim"])

    def call(self, rules: Any, training: bool | None = None) -> Any:
        """Codes."""
        rules = ops.cast(rules, "int32")
        steps = rules.shape[1]
        seen = ops.not_equal(rules, self.padding)
        h = self.rules(rules) + self.places(ops.arange(steps))[None]
        mask = ops.where(seen, 0.0, -1e9)
        for block in self.blocks:
            h = h + self._attend(block, block["norm"](h), mask)
            h = h + block["down"](block["up"](block["norm_2"](h)))
        h = self.last(h)
        shares = ops.softmax(ops.cast(self.look(h), "float32") + mask[:, :, None], axis=1)
        found = ops.einsum("ntq,ntc->nqc", ops.cast(shares, h.dtype), self.gather(h))
        parts = [ops.reshape(found, (-1, found.shape[1] * found.shape[2]))]
        if self.keep is not None:
            kept = self.keep(h) * ops.cast(seen, h.dtype)[:, :, None]
            kept = ops.pad(kept, [[0, 0], [0, self.max_length - steps], [0, 0]])
            parts.append(ops.reshape(kept, (-1, self.max_length * kept.shape[-1])))
        front = self.front(ops.concatenate(parts, axis=-1))
        front = front + self.front_2(front)
        return self.normal(self.latent(front), training=training)

    def _attend(self, block: Any, h: Any, mask: Any) -> Any:
        steps, width = h.shape[1], h.shape[2]
        size = width // self.heads
        q, k, v = (
            ops.reshape(part, (-1, steps, self.heads, size))
            for part in ops.split(block["project"](h), 3, axis=-1)
        )
        scores = ops.cast(ops.einsum("nqhc,nkhc->nhqk", q, k), "float32") * size**-0.5
        shares = ops.softmax(scores + mask[:, None, None, :], axis=-1)
        mixed = ops.einsum("nhqk,nkhc->nqhc", ops.cast(shares, v.dtype), v)
        return block["merge"](ops.reshape(mixed, (-1, steps, width)))

    def get_config(self) -> dict[str, Any]:
        """Sizes."""
        return {"name": self.name, **self.sizes}
