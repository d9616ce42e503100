"""What a search must know: codec, objective, known strings, and where codes are trusted."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from bayesopt.codec import LatentCodec

Array = NDArray[np.float64]
Recombine = Callable[[Sequence[str], np.random.Generator], Sequence[str | None]]


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
    feasible : N strings -> [N], whether a string may cost an evaluation; None: every one may.
    novel : never propose what is `in_training_data`, even if it is not among `strings`.
    centres : rows of `strings` around which to search; None: the best of the training rows.
    recombine : parents, rng -> new strings made of their parts, None for what came to nothing.
    features : N strings -> [N, F], what they are made of or what they do, which is known without an
        evaluation, and which a surrogate may read instead of the codes.
    wholes : so many of the features, the first, say what a string is like as a whole; the others
        count its parts, and scores may have a linear trend in them.  None: they count nothing.
    misfit : scores are log(1 + mean square distance) of the other features, values at points, to
        values that are not known (`bayesopt.surrogates.composite`), instead of linear in counts.
    same : N strings -> N keys; strings of one key have one score, which is not paid for twice.
        None: only equal strings are the same.
    represent : codes [N, D] -> [N, T, P], what the decoder makes of them before it writes; None:
        nothing that a surrogate could read.
    region_codes : codes [M, D] that show where the decoder is at home; None: `codes`.
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
    feasible: Callable[[Sequence[str]], NDArray[np.bool_]] | None = None
    novel: bool = False
    centres: NDArray[np.int64] | None = None
    region_codes: Array | None = None
    represent: Callable[[Array], NDArray[np.floating]] | None = None
    recombine: Recombine | None = None
    features: Callable[[Sequence[str]], Array] | None = None
    wholes: int | None = None
    misfit: bool = False
    same: Callable[[Sequence[str]], Sequence[Hashable]] | None = None

    def keys(self, strings: Sequence[str]) -> Sequence[Hashable]:
        """What tells strings apart that may have different scores."""
        return strings if self.same is None or not strings else self.same(strings)

    def trusted_region(self) -> TrustedRegion:
        """Where the decoder has seen codes."""
        return TrustedRegion(self.codes if self.region_codes is None else self.region_codes)


@dataclass(frozen=True)
class Split:
    """Row numbers of a seed: what the surrogate learns from, and what tests it."""

    train: NDArray[np.int64]
    test: NDArray[np.int64]


def split_rows(
    scores: Array, seed: int, points: int | None, best: int, held_out: float = 0.1
) -> Split:
    """90 % for training and 10 % for the test, at random by seed (Kusner et al. 2017).

    `held_out` is the share of the test, 0 for none.  With `points`, the training rows are thinned
    to the `best` best of them and a random choice of the others: the surrogate must be sharp where
    the search looks and right elsewhere.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(scores))
    test, train = np.split(order, [int(len(order) * held_out)])
    if points is not None and points < len(train):
        ranked = train[np.argsort(scores[train], kind="stable")]
        best = min(best, points)
        others = rng.choice(ranked[best:], points - best, replace=False)
        train = np.concatenate([ranked[:best], others])
    return Split(np.sort(train), np.sort(test))


class TrustedRegion:
    """Where the decoder has seen codes: the ellipsoid of the training codes' Gaussian density.

    Codes far from all training codes decode to something, but neither decoder nor surrogate knows
    anything there (the failure of searches in the bounding box, Kusner et al. 2017).  All but a
    share `outside` of the training codes [N, D] lie inside.
    """

    def __init__(self, codes: Array, outside: float = 0.001) -> None:
        self.mean = codes.mean(axis=0)
        spread = np.cov(codes.T) + 1e-9 * codes.var() * np.eye(codes.shape[1])
        self._root = np.linalg.cholesky(spread)
        self.radius = float(np.quantile(self._distance(codes), 1 - outside))

    def contains(self, codes: Array) -> NDArray[np.bool_]:
        """Codes [N, D] -> [N]."""
        return self._distance(codes) <= self.radius

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """At most n codes of the Gaussian density, those inside, [<= n, D]."""
        codes = self.mean + rng.standard_normal((n, len(self.mean))) @ self._root.T
        return codes[self.contains(codes)]

    def step(self, centres: Array, size: Array, rng: np.random.Generator) -> Array:
        """A random step of size s in (0, 1] [n, 1] from each centre [n, D].

        z = m + sqrt(1 - s^2) (c - m) + s e, e of the codes' covariance: the preconditioned
        Crank-Nicolson step, which leaves the codes' density as it is, however far it goes; s = 1
        forgets the centre.  A plain Gaussian step leaves the region at once in 25 dimensions.
        """
        noise = rng.standard_normal(centres.shape) @ self._root.T
        return self.mean + np.sqrt(1 - size**2) * (centres - self.mean) + size * noise

    def _distance(self, codes: Array) -> Array:
        """Mahalanobis distance to the mean, [N, D] -> [N]."""
        white = solve_triangular(self._root, (codes - self.mean).T, lower=True)
        return np.sqrt(np.square(white).sum(axis=0))
