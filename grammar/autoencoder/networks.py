"""Encoders and decoders of sequences of grammar rules."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers, ops


def rule_encoder(
    max_length: int,
    n_rules: int,
    latent_dim: int,
    convolutions: Sequence[tuple[int, int]] = ((2, 2), (3, 3), (4, 4)),
    dense: int = 100,
    normalize: bool = True,
) -> keras.Model:
    """Rule indices [N, T] -> codes [N, D].

    Convolutions (filters, kernel), each with batch normalisation if `normalize`, then one dense
    layer: the networks of Kusner et al. 2017, for expressions by default, without the variance
    head.
    """
    inputs = keras.Input((max_length,), dtype="uint8", name="rules")
    h = ops.one_hot(inputs, n_rules, dtype=keras.config.dtype_policy().compute_dtype)
    for filters, kernel in convolutions:
        kernel = min(kernel, h.shape[1])  # a grammar of short strings
        h = layers.Conv1D(filters, kernel, activation="relu")(h)
        if normalize:
            h = layers.BatchNormalization()(h)
    h = layers.Dense(dense, activation="relu")(layers.Flatten()(h))
    return keras.Model(inputs, layers.Dense(latent_dim, name="latent")(h), name="encoder")


def flat_rule_encoder(
    max_length: int,
    n_rules: int,
    latent_dim: int,
    embedding: int = 16,
    dense: Sequence[int] = (1024, 1024),
) -> keras.Model:
    """Rule indices [N, <= T] -> codes [N, D]: a perceptron over all places at once.

    Shorter sequences are padded with the last rule.  The codes are batch-normalised, so that they
    have the scale of a latent prior from the first step.
    """
    inputs = keras.Input((None,), dtype="uint8", name="rules")
    h = ops.pad(ops.cast(inputs, "int32"), [[0, 0], [0, max_length]], constant_values=n_rules - 1)
    h = ops.reshape(h[:, :max_length], (-1, max_length))
    h = layers.Flatten()(layers.Embedding(n_rules, embedding)(h))
    for width in dense:
        h = layers.Dense(width, activation="relu")(h)
    h = layers.BatchNormalization(momentum=0.9, dtype="float32")(layers.Dense(latent_dim)(h))
    return keras.Model(inputs, layers.Activation("linear", name="latent")(h), name="encoder")


def rule_decoder(
    max_length: int,
    n_rules: int,
    latent_dim: int,
    units: int = 100,
    n_layers: int = 3,
    unroll: bool = False,
    normalize: bool = True,
) -> keras.Model:
    """Codes [N, D] -> logits [N, T, R]: the code repeated T times, then gated recurrent layers.

    Kusner et al. 2017.  The output is linear; which rules are possible is the caller's business.
    """
    inputs = keras.Input((latent_dim,), name="latent")
    h = layers.BatchNormalization()(inputs) if normalize else inputs
    h = layers.Dense(latent_dim, activation="relu")(h)
    h = layers.RepeatVector(max_length)(h)
    for _ in range(n_layers):
        h = layers.GRU(units, return_sequences=True, unroll=unroll)(h)
    return keras.Model(inputs, layers.Dense(n_rules, name="logits")(h), name="decoder")
