"""A decoder that reads what it has written: rule by rule, with the code at its side."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from grammar.decoding import DerivationMask, choose


@keras.saving.register_keras_serializable(package="gmae")
class AutoregressiveDecoder(keras.Model):
    """Codes [N, D] and rules [N, T] -> logits [N, T, R]; step t sees the rules before t only.

    A gated recurrent layer reads, at each step, the rule before, the open symbol that is to be
    expanded (known from the rules before), the code, and P numbers that a perceptron computes from
    the code for this very step.  These let the code address a place in the sequence directly; with
    the recurrent layer alone it learns to do so more slowly (`experiments/benchmarks/decoders.py`).

    Parameters
    ----------
    max_length : longest T.
    open_symbols : for each rule the number of the symbol that it expands [R].
    """

    autoregressive = True

    def __init__(
        self,
        max_length: int,
        open_symbols: Sequence[int],
        latent_dim: int,
        units: int = 256,
        dense: int = 1024,
        positions: int = 64,
        embedding: int = 32,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.max_length, self.latent_dim = max_length, latent_dim
        self.open_symbols = [int(symbol) for symbol in open_symbols]
        self.units, self.dense = units, dense
        self.positions, self.embedding = positions, embedding
        n_rules = len(self.open_symbols)
        self.front = layers.Dense(dense, activation="relu")
        self.start = layers.Dense(units, activation="tanh")
        self.places = layers.Dense(max_length * positions)
        self.read_rule = layers.Embedding(n_rules, embedding)
        self.read_symbol = layers.Embedding(max(self.open_symbols) + 1, embedding // 2)
        self.recurrent = layers.GRU(units, return_sequences=True)
        self.logits = layers.Dense(n_rules, dtype="float32")
        self([keras.Input((latent_dim,)), keras.Input((max_length,), dtype="int32")])

    @property
    def padding(self) -> int:
        """Index of the padding rule, which stands for the rule before the first."""
        return len(self.open_symbols) - 1

    def call(self, inputs: Any) -> Any:
        """Logits of all steps at once, with the true rules as those before (teacher forcing)."""
        codes, rules = inputs
        rules = ops.cast(rules, "int32")
        places, state = self._plan(codes)
        before = ops.pad(rules[:, :-1], [[0, 0], [1, 0]], constant_values=self.padding)
        opened = ops.take(ops.convert_to_tensor(self.open_symbols, "int32"), rules, axis=0)
        steps = ops.shape(rules)[1]
        repeated = ops.repeat(ops.cast(codes, places.dtype)[:, None, :], steps, axis=1)
        seen = self._seen(before, opened, places[:, :steps], repeated)
        return self.logits(ops.concatenate([self._recur(seen, state), seen], axis=-1))

    def decode(
        self,
        codes: Any,
        mask: DerivationMask,
        *,
        temperature: float = 1.0,
        rng: np.random.Generator | None = None,
    ) -> NDArray[np.uint8]:
        """Rule indices [N, T] of codes [N, D], each rule chosen with those before it known.

        Greedy without `rng`, else drawn from the masked softmax(logits / temperature).  Derivations
        that are complete cost nothing more.
        """
        codes = np.asarray(codes, np.float32)
        places, state = self._planner.predict_on_batch(codes)
        rules = np.full((len(codes), self.max_length), self.padding, dtype=np.uint8)
        before = np.full(len(codes), self.padding)
        for step in range(self.max_length):
            opened, allowed = mask.top, mask.allowed()
            if allowed[:, self.padding].all():  # nothing is open any more
                break
            inputs = [before.astype(np.int32)[:, None], opened.astype(np.int32)[:, None]]
            logits, state = self._stepper.predict_on_batch([codes, places[:, step], *inputs, state])
            before = choose(logits, allowed, temperature, rng)
            rules[:, step] = before
            mask.apply(before)
        return rules

    def _recur(self, seen: Any, state: Any) -> Any:
        """The recurrent layer over all steps [N, T, E] -> [N, T, U]."""
        if keras.backend.backend() != "jax":
            return self.recurrent(seen, initial_state=state)
        import jax

        # One product for what comes in at all steps, so that a step holds one product alone.
        cell, dtype = self.recurrent.cell, seen.dtype
        if not cell.built:  # by a first call without data
            self.recurrent.build(seen.shape)
        kernel, recurrent, bias = (
            ops.cast(ops.convert_to_tensor(v), dtype)
            for v in (cell.kernel, cell.recurrent_kernel, cell.bias)
        )
        incoming = ops.swapaxes(ops.matmul(seen, kernel) + bias[0], 0, 1)

        def step(before: Any, given: Any) -> tuple[Any, Any]:
            z, r, h = ops.split(given, 3, axis=-1)
            own_z, own_r, own_h = ops.split(ops.matmul(before, recurrent) + bias[1], 3, axis=-1)
            share = ops.sigmoid(z + own_z)
            new = ops.tanh(h + ops.sigmoid(r + own_r) * own_h)
            after = share * before + (1 - share) * new
            return after, after

        start = ops.cast(state, dtype)
        _, states = jax.lax.scan(step, start, incoming, unroll=4)
        return ops.swapaxes(states, 0, 1)

    def _plan(self, codes: Any) -> tuple[Any, Any]:
        front = self.front(codes)
        places = ops.reshape(self.places(front), (-1, self.max_length, self.positions))
        return places, self.start(front)

    def _seen(self, before: Any, opened: Any, places: Any, codes: Any) -> Any:
        return ops.concatenate(
            [self.read_rule(before), self.read_symbol(opened), places, codes], axis=-1
        )

    @cached_property
    def _planner(self) -> keras.Model:
        codes = keras.Input((self.latent_dim,))
        return keras.Model(codes, self._plan(codes))

    @cached_property
    def _stepper(self) -> keras.Model:
        codes, place = keras.Input((self.latent_dim,)), keras.Input((self.positions,))
        before, opened = (keras.Input((1,), dtype="int32") for _ in range(2))
        state = keras.Input((self.units,))
        seen = self._seen(before, opened, place[:, None, :], codes[:, None, :])[:, 0]
        after, _ = self.recurrent.cell(seen, [state])
        logits = self.logits(ops.concatenate([after, seen], axis=-1))
        return keras.Model([codes, place, before, opened, state], [logits, after])

    def get_config(self) -> dict[str, Any]:
        """Sizes."""
        sizes = ("max_length", "open_symbols", "latent_dim", "units", "dense", "positions")
        return {name: getattr(self, name) for name in ("name", *sizes, "embedding")}
