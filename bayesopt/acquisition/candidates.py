"""What a strategy may look at, and what it proposes."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from bayesopt.inputs import CODES
from bayesopt.space import CandidateConfig, SearchSpace
from bayesopt.surrogates.base import Surrogate
from bayesopt.trusted_region import Array, TrustedRegion
from gmae_tf.prior import GaussianMixture

if TYPE_CHECKING:
    from bayesopt.surrogates.counts_gp import CountsGP

Reads = Literal["counts", "features", "codes"]
"""What a surrogate reads of a string: counts of its parts beside its code, the space's features, or
its code alone."""


@dataclass(kw_only=True)
class SearchState:
    """All that a strategy may look at when it proposes a batch; lower scores are better.

    Attributes
    ----------
    space : what may be proposed.
    strings, codes, scores : the N training points of the surrogate, what was evaluated included,
        [N, D] and [N].
    start, start_codes : strings that were known before the search, and their codes.
    excluded : keys of strings that need no evaluation (`SearchSpace.keys`).
    is_training_data : whether model or surrogate has seen a string.
    surrogate : fitted to these points; None for strategies that need none.
    centres : strings, codes and scores around which to search; None: the training points.
    novel : never propose training data.
    reads : what the surrogate reads.
    errors : errors of the predictions of each batch so far, in standard deviations.
    noise : standard deviations [N] of the measurements of the training points, 0 where unknown.
    """

    space: SearchSpace
    strings: Sequence[str]
    codes: Array
    scores: Array
    start: Sequence[str] = ()
    start_codes: Array
    excluded: set[Hashable] = field(default_factory=set)
    is_training_data: Callable[[str], bool] = lambda string: False
    surrogate: Surrogate | CountsGP | None = None
    centres: tuple[Sequence[str], Array, Array] | None = None
    novel: bool = False
    candidates: CandidateConfig = field(default_factory=CandidateConfig)
    reads: Reads = "counts"
    errors: Sequence[Array] = ()
    noise: Array | None = None

    @cached_property
    def prior(self) -> GaussianMixture:
        """The density of codes from which a search draws."""
        return self.space.prior(self.start_codes)

    @property
    def region(self) -> TrustedRegion:
        """Where codes are trusted."""
        return self.space.trusted_region(self.start_codes)

    @property
    def incumbent(self) -> float:
        """The best known score, on the scale on which the surrogate predicts."""
        return float(getattr(self.surrogate, "incumbent", self.scores.min()))

    def inputs(self, strings: Sequence[str], codes: Array | None = None) -> Any:
        """What the surrogate reads of strings [N] and their codes [N, D], encoded where needed."""
        if self.reads == "features" and self.space.features is not None:
            return self.space.features(strings)
        read = getattr(self.surrogate, "reads", None) if self.reads == "counts" else (CODES,)
        if codes is None and (read is None or CODES in read):
            codes = self.space.encode(strings)
        return codes if self.reads == "codes" else self.space.inputs(strings, codes, read)

    def training_inputs(self) -> Any:
        """What the surrogate reads of the training points, and the noise of their measurements."""
        inputs = self.inputs(self.strings, self.codes)
        return replace(inputs, noise=self.noise) if self.reads == "counts" else inputs

    def allowed(
        self, strings: Iterable[str | None], but: Iterable[Hashable] = ()
    ) -> dict[str, Hashable]:
        """The strings among these that are unknown and may cost an evaluation, with their keys.

        In order, one of each key, and none whose key is in `but`.  Constraints come last, for they
        may cost more than everything else here.
        """
        different = [s for s in dict.fromkeys(strings) if s is not None]
        first: dict[Hashable, str] = {}
        for string, key in zip(different, self.space.keys(different), strict=True):
            if key not in self.excluded and key not in but:
                first.setdefault(key, string)
        keys = {string: key for key, string in first.items()}
        new = list(keys)
        if self.novel:
            new = [s for s in new if not self.is_training_data(s)]
        if new:
            new = [s for s, ok in zip(new, self.space.feasible(new), strict=True) if ok]
        return {string: keys[string] for string in new}

    def fitted(self) -> Surrogate | CountsGP:
        """The surrogate, of a strategy that needs one."""
        if self.surrogate is None:
            raise ValueError("this strategy needs a surrogate")
        return self.surrogate

    def best(self) -> tuple[Sequence[str], Array, Array]:
        """Strings, codes and weights of the best known, best first; the weights add up to 1."""
        strings, codes, scores = self.centres or (self.strings, self.codes, self.scores)
        rows = np.argsort(scores, kind="stable")[: self.candidates.centres]
        weights = 1.0 / np.arange(1, len(rows) + 1)
        return [strings[i] for i in rows], codes[rows], weights / weights.sum()


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """N strings, the codes that gave them and their own codes [N, D], and what is predicted.

    `strings` has None where a code decodes to nothing; `mean` and `sd` [N] are predicted scores,
    None where there is no surrogate; `sources` [N] say who proposed a string; `about` has what is
    to be recorded of the batch.
    """

    strings: Sequence[str | None]
    origins: Array
    codes: Array
    mean: Array | None = None
    sd: Array | None = None
    sources: Sequence[str] = ()
    about: Mapping[str, Any] = field(default_factory=dict)

    def rows(self) -> list[dict[str, Any]]:
        """Each candidate as fields of a trial."""
        none = [None] * len(self.strings)
        columns = {
            "string": self.strings,
            "proposed_code": self.origins,
            "code": self.codes,
            "source": self.sources or [""] * len(self.strings),
            "predicted_mean": none if self.mean is None else self.mean.tolist(),
            "predicted_sd": none if self.sd is None else self.sd.tolist(),
        }
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
