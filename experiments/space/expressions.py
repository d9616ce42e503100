"""Measures of a latent space of expressions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from grammar.autoencoder.model import GrammarAutoencoder
from grammar.expressions.evaluate import TARGET_X, fit_errors, target

LEVELS = (0.3, 0.6, 1.0)
EXAMPLES = ["x+1", "x", "sin(x)", "1/3+x+sin(x*x)"]


def evaluate(
    model: GrammarAutoencoder,
    held_out: NDArray[np.uint8],
    short: NDArray[np.uint8],
    samples: int = 2000,
    seed: int = 0,
) -> dict[str, Any]:
    """Exact reconstruction, prior samples and codes with noise, on rules [N, T] and [M, T].

    Strings are scored by their error for the benchmark's target.
    """
    rng = np.random.default_rng(seed)
    codes = model.network.encode(held_out[:2000])
    texts = model.codec.decode(held_out[:2000])
    data = _errors(texts)
    found: dict[str, Any] = {
        "exact": {"official": model.exact_match(held_out), "short": model.exact_match(short)},
        "data_score": _summary(data),
        "noise": {},
    }
    drawn = {
        "prior": model.network.sample_codes(samples, rng),
        "ex_post": rng.multivariate_normal(codes.mean(0), np.cov(codes.T), samples),
    }
    for name, points in drawn.items():
        strings = model.decode(points)
        found[name] = {
            "complete": float(np.mean([text is not None for text in strings])),
            "distinct": len(set(strings)) / len(strings),
            "score": _summary(_errors([text for text in strings if text])),
        }
    for level in LEVELS:
        moved = model.decode(codes + level * rng.standard_normal(codes.shape))
        change = np.abs(_errors(moved) - data)
        found["noise"][str(level)] = {
            "same": float(np.mean([a == b for a, b in zip(moved, texts, strict=True)])),
            "change": float(np.median(change)),
            "mean_change": float(np.mean(change[np.isfinite(change)])),
        }
    found["spread"] = float(np.median(np.abs(data - data[rng.permutation(len(data))])))
    found["examples"] = dict(zip(EXAMPLES, model.reconstruct(EXAMPLES), strict=True))
    if model.network.penalty is not None:
        from keras import ops

        # As in training: three official strings to two short ones.
        mixed = model.network.encode(np.concatenate([held_out[:360], short[:240]]))
        terms = model.network.penalty(ops.convert_to_tensor(mixed))
        found["terms"] = {name: float(value) for name, value in terms.items()}
    return found


def _errors(strings: list[str | None]) -> NDArray[np.float64]:
    return fit_errors(strings, TARGET_X, target(TARGET_X))


def _summary(values: NDArray[np.float64]) -> dict[str, float]:
    values = values[np.isfinite(values)]
    return {
        "mean": float(values.mean()),
        "median": float(np.median(values)),
        "best": float(values.min()),
    }
