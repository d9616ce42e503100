"""Quality of a latent space of strings: exactness, prior samples, midpoints, noise on codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gmae_tf.errors import UserError
from gmae_tf.metrics.latent import prior_terms
from gmae_tf.metrics.regression import gaussian_process_score
from grammar.cfg.characters import writes_characters
from grammar.codec import check_strings
from grammar.expressions.evaluate import (
    CLIP,
    TARGET_X,
    fit_errors,
    is_expression,
    target,
    values_of,
)
from grammar.sampling.counting import Derivations
from grammar.sampling.uniform import sample_strings

if TYPE_CHECKING:
    from grammar.autoencoder.model import GrammarAutoencoder

Array = NDArray[np.float64]
Codes = NDArray[Any]
LEVELS = (0.3, 0.6, 1.0)
"""Standard deviations of the noise on codes."""
LATENT_BATCH, DIRECTIONS = 500, 128
"""Codes and random directions of the latent terms, which are relative to prior samples."""
SHORT, SHORT_STRINGS, SHORT_SEED = 12, 2_000, 2
"""Productions, largest number, and seed of the random short strings."""


def evaluate_space(
    model: GrammarAutoencoder,
    held_out: Sequence[str],
    *,
    samples: int = 10_000,
    pairs: int = 1_000,
    neighbours: int = 1_000,
    gp: int = 2_000,
    seed: int = 0,
) -> dict[str, Any]:
    """Measures of a latent space of strings: is it smooth, does it match its prior, as a dict.

    - `exact`: shares that greedy decoding reconstructs, of the held-out strings (`held_out`) and of
      uniformly random strings of at most 12 productions that were not trained on (`short`; none
      of a grammar of characters)
    - `terms`: KS, covariance and sliced term of held-out codes, 1 for samples of the prior
    - `prior`: samples that are complete, distinct among these, and new, where the model knows its
      training strings; their mean length in productions, and the 1-Wasserstein distance of lengths
      to the held-out strings
    - `ex_post`: the same of samples of a Gaussian fitted to the codes; `midpoints`: of decodes
      half-way between the codes of random pairs; `data`: lengths of the held-out strings
    - `noise`: decodes of codes with Gaussian noise of standard deviation 0.3, 0.6 and 1.0: share
      of the same string, and edit distance relative to the longer string

    Of expressions in x, which are told by being readable as such, also

    - `score` in all sets of strings: log(1 + mean squared error) to the benchmark's target
    - `change` and `median_change` under noise: log(1 + mean squared difference) of the values at
      the benchmark's 1,000 points, squares held at 1,000
    - `gp`: `gmae_tf.metrics.regression.gaussian_process_score` from codes to scores

    Parameters
    ----------
    held_out : strings of the grammar that the model was not trained on, at least 2.
    samples, pairs, neighbours : prior samples, midpoints, and codes with noise.
    gp : training codes of the Gaussian process, 0 for none.

    Raises
    ------
    GrammarError: a string outside the grammar, or too long for the model.
    UserError: fewer than 2 strings.

    Examples
    --------
    >>> import grammar
    >>> model = grammar.GrammarAutoencoder.load("expressions")
    >>> held_out = ["1/3+x+sin(x*x)", "x/1+3+(1*1)", "x*2+sin(3)+x"]
    >>> found = grammar.evaluate_space(model, held_out, samples=50, pairs=5, neighbours=3)
    >>> found["exact"]["held_out"], found["prior"]["complete"]
    (1.0, 1.0)
    >>> sorted(found["noise"])
    ['0.3', '0.6', '1.0']
    """
    check_counts(samples, pairs, neighbours)
    rules = model.codec.encode(check_strings(held_out))
    if len(rules) < 2:
        raise UserError("a latent space is measured on at least 2 held-out strings: give more")
    rng = np.random.default_rng(seed)
    texts = [str(text) for text in model.codec.decode(rules)]
    codes = np.asarray(model.network.encode(rules), np.float64)
    values = all(map(is_expression, texts))
    data = _Decoded(model, rules, values)
    found: dict[str, Any] = {
        "held_out_strings": len(rules),
        "exact": {"held_out": model.exact_match(rules), **_short(model, samples)},
        "terms": latent_terms(model, codes, seed),
        "data": data.summary(),
    }
    drawn = {
        "prior": model.network.sample_codes(samples, rng),
        "ex_post": ex_post(codes, samples, rng),
    }
    for name, points in {**drawn, "midpoints": midpoints(codes, pairs, rng)}.items():
        decoded = _Decoded(model, model.decode_rules(points), values)
        found[name] = decoded.summary() | {"wasserstein": decoded.distances(data)}
    rows = rng.permutation(len(codes))[:neighbours]
    kept = [texts[i] for i in rows]
    found["noise"] = {
        str(level): _moved(kept, model.decode(noisy(codes[rows], level, rng)), values)
        for level in LEVELS
    }
    if values and gp:
        found["gp"] = {"score": gaussian_process_score(codes, data.scores, train=gp, seed=seed)}
    return found


def check_counts(samples: int, pairs: int, neighbours: int) -> None:
    """`UserError` for nothing to measure on."""
    for name, value in (("samples", samples), ("pairs", pairs), ("neighbours", neighbours)):
        if value < 1:
            raise UserError(f"{name} is {value}: give at least 1")


def latent_terms(model: GrammarAutoencoder, codes: Codes, seed: int = 0) -> dict[str, float]:
    """KS, covariance and sliced terms of codes [N, D] in batches of 500; none without a prior."""
    prior = model.network.prior
    if prior is None:
        return {}
    return prior_terms(codes, prior, LATENT_BATCH, seed, n_directions=DIRECTIONS)


def ex_post(codes: Codes, n: int, rng: np.random.Generator) -> Array:
    """n samples of the Gaussian with mean and covariance of codes [N, D]."""
    return rng.multivariate_normal(codes.mean(0), np.atleast_2d(np.cov(codes.T)), n)


def midpoints(codes: Codes, n: int, rng: np.random.Generator) -> Array:
    """Means [n, D] of the codes of n random pairs."""
    first, second = (rng.integers(len(codes), size=n) for _ in range(2))
    return (codes[first] + codes[second]) / 2


def noisy(codes: Codes, level: float, rng: np.random.Generator) -> Array:
    """Codes [N, D] with Gaussian noise of a standard deviation."""
    return codes + level * rng.standard_normal(codes.shape)


def short_strings(model: GrammarAutoencoder, n: int) -> list[str]:
    """At most n different strings of at most 12 productions, uniform, none of the training's.

    None at all of a grammar of characters, in which any text is a string.
    """
    if writes_characters(model.grammar):
        return []
    length = min(SHORT, model.max_length)
    n = min(n, Derivations(model.grammar, length).total)
    drawn = sample_strings(model.grammar, n, length, seed=SHORT_SEED)
    return [text for text in drawn if text not in model.training_strings]


def _short(model: GrammarAutoencoder, samples: int) -> dict[str, float]:
    strings = short_strings(model, min(samples, SHORT_STRINGS))
    if not strings:
        return {}
    exact = model.exact_match(model.codec.encode(strings))
    return {"short": exact, "short_strings": len(strings)}


class _Decoded:
    """Derivations [N, T], their strings, lengths, and scores where they are expressions."""

    def __init__(self, model: GrammarAutoencoder, rules: NDArray[np.uint8], values: bool) -> None:
        strings = model.codec.decode(rules)
        whole = [i for i, text in enumerate(strings) if text is not None]
        self.asked = len(strings)
        self.strings = [str(strings[i]) for i in whole]
        self.lengths = (rules[whole] != model.grammar.padding).sum(axis=1).astype(np.float64)
        self.known = model.training_strings
        self.scores = np.empty(0)
        if values:
            self.scores = fit_errors(self.strings, TARGET_X, target(TARGET_X))

    def summary(self) -> dict[str, float]:
        """Shares and means; of nothing complete, the share alone."""
        n = len(self.strings)
        if not n:
            return {"complete": 0.0}
        found = {
            "complete": n / self.asked,
            "distinct": len(set(self.strings)) / n,
            "length": float(self.lengths.mean()),
        }
        if len(self.known.hashes):
            found["new"] = sum(text not in self.known for text in self.strings) / n
        if len(self.scores):
            found |= {
                "score": float(self.scores.mean()),
                "median_score": float(np.median(self.scores)),
                "best_score": float(self.scores.min()),
            }
        return found

    def distances(self, data: _Decoded) -> dict[str, float]:
        """1-Wasserstein distances of lengths, and of scores, to those of the data."""
        from scipy.stats import wasserstein_distance

        pairs = {"length": (self.lengths, data.lengths), "score": (self.scores, data.scores)}
        return {
            name: float(wasserstein_distance(some, others))
            for name, (some, others) in pairs.items()
            if len(some) and len(others)
        }


def _moved(texts: Sequence[str], moved: Sequence[str | None], values: bool) -> dict[str, float]:
    """What became of strings; one that is not complete is as far as can be."""
    from nltk.metrics.distance import edit_distance  # imports the whole of nltk

    apart = [
        edit_distance(a, b) / max(len(a), len(b)) if b is not None else 1.0
        for a, b in zip(texts, moved, strict=True)
    ]
    found = {
        "same": float(np.mean([a == b for a, b in zip(texts, moved, strict=True)])),
        "edit_distance": float(np.mean(apart)),
    }
    if values:
        change = value_distances(texts, moved, TARGET_X)
        found |= {"change": float(change.mean()), "median_change": float(np.median(change))}
    return found


def value_distances(some: Sequence[str], others: Sequence[str | None], x: Array) -> Array:
    """Distances [N] of expressions as functions, pair by pair, at points x [n].

    log(1 + mean_i min((f(x_i) - g(x_i))^2, 1000)): the benchmark's score with g for the target.  A
    point where only one of the two is defined counts 1,000; so do all where one cannot be read.
    """
    first, second = (values_of([text or "" for text in texts], x) for texts in (some, others))
    with np.errstate(over="ignore", invalid="ignore"):
        squared = np.minimum((first - second) ** 2, CLIP)
    alike = (first == second) | (np.isnan(first) & np.isnan(second))
    squared = np.where(alike, 0.0, np.where(np.isnan(squared), CLIP, squared))
    return np.asarray(np.log1p(squared.mean(axis=1)))
