"""What a search must know: codec, objective, known strings, and where codes are trusted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayesopt.codec import LatentCodec
from gmae_tf.density import LatentDensity

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Problem:
    """A search task as arrays and strings; lower scores are better.

    Attributes
    ----------
    score : N strings -> N finite scores; `worst_score` is what a string that fails gets.
    strings, codes, scores : what is known before the search: N strings, [N, D], [N].
    sample_prior : n, rng -> codes [n, D] of the prior of the latent space.
    sample_strings : n, rng -> n strings drawn at random from the data, for the random baseline.
    in_training_data : whether autoencoder or surrogate has seen a string.
    """

    codec: LatentCodec
    score: Callable[[Sequence[str]], Array]
    worst_score: float
    strings: tuple[str, ...]
    codes: Array
    scores: Array
    sample_prior: Callable[[int, np.random.Generator], Array]
    sample_strings: Callable[[int, np.random.Generator], list[str]]
    in_training_data: Callable[[str], bool]


@dataclass(frozen=True)
class Split:
    """Row numbers of a seed: what the surrogate learns from, and what tests it."""

    train: NDArray[np.int64]
    test: NDArray[np.int64]


def split_rows(scores: Array, seed: int, points: int | None, best: int) -> Split:
    """90 % for training and 10 % for the test, at random by seed (Kusner et al. 2017).

    With `points`, the training rows are thinned to the `best` best of them and a random choice of
    the others: the surrogate must be sharp where the search looks and right elsewhere.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(scores))
    test, train = np.split(order, [len(order) // 10])
    if points is not None and points < len(train):
        ranked = train[np.argsort(scores[train], kind="stable")]
        best = min(best, points)
        others = rng.choice(ranked[best:], points - best, replace=False)
        train = np.concatenate([ranked[:best], others])
    return Split(np.sort(train), np.sort(test))


class TrustedRegion:
    """Where the decoder has seen codes: not less dense than nearly all training codes.

    Codes far from the training codes decode to something, but the surrogate and the decoder know
    nothing there (the failure of searches in the box of all codes, Kusner et al. 2017).
    """

    def __init__(self, codes: Array, seed: int = 0, outside: float = 0.001) -> None:
        self._density = LatentDensity("gaussian").fit(codes, seed)
        rows = np.random.default_rng(seed).choice(len(codes), min(len(codes), 20_000), False)
        self.threshold = float(np.quantile(self._density.log_prob(codes[rows]), outside))

    def contains(self, codes: Array) -> NDArray[np.bool_]:
        """Codes [N, D] -> [N]."""
        return self._density.log_prob(codes) >= self.threshold
