"""The search space: a latent codec, constraints, and what else a search needs to know."""

from __future__ import annotations

from collections.abc import Callable, Container, Hashable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from bayesopt.inputs import Inputs, Vocabulary
from bayesopt.trusted_region import Array, TrustedRegion
from gmae_tf.errors import UserError
from gmae_tf.prior import GaussianMixture

Recombine = Callable[[Sequence[str], np.random.Generator], Sequence[str | None]]
"""parents, rng -> new strings made of their parts, None for what came to nothing."""

Count = Callable[[Sequence[str]], Sequence[Mapping[Any, int]]]
"""Strings [N] -> N mappings, each from a part of the string to how often it occurs."""
REMEMBERED = 100_000
"""Strings whose counts are remembered."""

BEST_ROWS, NEAR_ROWS, ANY_ROWS = 2_000, 5_000, 20_000
"""Known strings whose constraints are checked to find centres of a search: of hundreds of
thousands not all can be."""
REGION = 20_000
"""Prior samples that show where the decoder is at home, where nothing else does."""


@runtime_checkable
class LatentCodec(Protocol):
    """A deterministic map between strings and latent codes [N, D].

    `decode` gives None where a code has no complete, valid string.
    """

    @property
    def latent_dim(self) -> int:
        """D, the number of latent dimensions."""
        ...

    def encode(self, strings: Sequence[str]) -> NDArray[np.floating]:
        """Codes [N, D] of N strings."""
        ...

    def decode(self, codes: NDArray[np.floating]) -> list[str | None]:
        """Strings of codes [N, D], None for a code that decodes to nothing valid."""
        ...


LATENT, EVOLUTION = SOURCES = ("latent", "evolution")
"""Who may propose candidates: Markov chains in the latent space, and recombination of strings."""


@dataclass(frozen=True)
class CandidateConfig:
    """How hard to look for candidates.

    `sources` propose them.  Of `chains` Markov chains of `steps` steps, a share `from_prior` starts
    at samples of the prior, the others at codes of the `centres` best known strings, the better the
    more.  Their `temperatures`, in turns, divide the log likelihood.  Evolution makes `children` of
    the best strings known or made, so many in each of at most `generations`, as long as
    predictions hold (`acquisition.pool.trusted_generations`).  A batch is chosen among the
    `joint` best candidates.
    """

    sources: Sequence[str] = SOURCES
    centres: int = 100
    chains: int = 150
    steps: int = 6
    from_prior: float = 0.1
    temperatures: tuple[float, ...] = (1.0, 0.3)
    children: int = 300
    generations: int = 5
    joint: int = 500

    def __post_init__(self) -> None:
        if not isinstance(self.sources, Sequence):
            raise UserError(f"sources are {self.sources!r}: give names among {', '.join(SOURCES)}.")
        each = (self.sources,) if isinstance(self.sources, str) else tuple(self.sources)
        object.__setattr__(self, "sources", each)
        wrong = [str(source) for source in each if source not in SOURCES]
        if wrong or not self.sources:
            raise UserError(
                f"candidates cannot come from {', '.join(wrong) or 'nowhere'}: name sources among "
                f"{', '.join(SOURCES)}."
            )


class SearchSpace:
    """What may be proposed: the strings of a latent-variable model, within constraints.

    Parameters
    ----------
    model : a `MoleculeAutoencoder`, which brings canonical SMILES, features and recombination; a
        `GrammarAutoencoder`, which brings recombination; or any `LatentCodec`.
    constraints : which strings may cost an evaluation: a function of N strings -> [N] booleans, or
        an object with such a method `allows`, as `molecules.Constraints`.
    unconstrained : leave the domain of applicability that the model may bring, as the shipped model
        of molecules does (`molecules.chem.domain`): by default proposals stay inside that of its
        training data and of the data set.
    near : a string around which the search starts too, beside the best known ones.
    candidates : how hard to look for candidates.
    recombine : parents, rng -> new strings made of their parts.
    counts : by name, N strings -> N mappings from a part to how often a string has it: what the
        surrogate compares strings by.  By default the model's: neighbourhoods of atoms, or subtrees
        of derivations.
    features : N strings -> [N, F], what another surrogate may read instead.
    n_global_features : so many of the features, the first, describe a string as a whole; the
        others count its parts, and the surrogate has a linear trend in them.  None: no trend.
    equivalent : N strings -> N keys; strings of one key have one value, which is not paid twice.
    represent : codes [N, D] -> [N, T, P], activations of the decoder that a deep kernel reads.
    region_codes : codes [M, D] where the decoder is at home; by default samples of the model's
        prior, or the data set's where it has none.
    sample_prior : n, rng -> codes [n, D] of the prior; by default the model's.
    training_strings : what the model was trained on; by default the model's own record.
    novel : never propose those.
    pool : strings that the baseline "random" draws from; by default the data set's.

    Examples
    --------
    >>> import numpy as np
    >>> from bayesopt import SearchSpace
    >>> class Letters:  # any object that encodes and decodes
    ...     latent_dim = 1
    ...     def encode(self, strings):
    ...         return np.array([[float(len(s))] for s in strings])
    ...     def decode(self, codes):
    ...         return ["a" * round(c) if c > 0.5 else None for c in codes[:, 0]]
    >>> space = SearchSpace(Letters(), constraints=lambda strings: [len(s) < 4 for s in strings])
    >>> space.feasible(["aaa", "aaaa"]).tolist()
    [True, False]
    """

    def __init__(
        self,
        model: Any,
        *,
        constraints: Any = None,
        unconstrained: bool = False,
        near: str | None = None,
        candidates: CandidateConfig | None = None,
        recombine: Recombine | None = None,
        features: Callable[[Sequence[str]], Array] | None = None,
        n_global_features: int | None = None,
        equivalent: Callable[[Sequence[str]], Sequence[Hashable]] | None = None,
        represent: Callable[[Array], NDArray[np.floating]] | None = None,
        counts: Mapping[str, Count] | None = None,
        region_codes: Array | None = None,
        sample_prior: Callable[[int, np.random.Generator], Array] | None = None,
        training_strings: Container[str] | None = None,
        novel: bool = False,
        pool: Sequence[str] | None = None,
    ) -> None:
        allows = getattr(constraints, "allows", constraints)
        if not (allows is None or callable(allows)):
            raise UserError(
                f"constraints are {constraints!r}: give a function of strings or Constraints"
            )
        if not isinstance(unconstrained, bool) or not isinstance(near, str | None):
            raise UserError("unconstrained is True or False, and near a string or None")
        parts = _parts_of(model, constraints)
        self.codec: LatentCodec = parts.pop("codec")
        given = {
            "counts": counts,
            "recombine": recombine,
            "features": features,
            "represent": represent,
        }
        parts.update({name: part for name, part in given.items() if part is not None})
        if features is not None:
            parts["n_global_features"] = n_global_features
        self.candidates = candidates or CandidateConfig(**parts.get("candidates", {}))
        self.recombine: Recombine | None = parts.get("recombine")
        self.features: Callable[[Sequence[str]], Array] | None = parts.get("features")
        self.n_global_features: int | None = parts.get("n_global_features")
        self.represent: Callable[[Array], NDArray[np.floating]] | None = parts.get("represent")
        self.counts: dict[str, Count] = parts.get("counts", {})
        self._columns: dict[str, tuple[Vocabulary, dict[str, NDArray[np.int64]]]] = {}
        self.near = near
        self.region_codes = region_codes
        inner = getattr(self.codec, "model", self.codec)
        own = getattr(inner, "training_strings", None)
        self.training_strings = own if training_strings is None else training_strings
        self.novel = novel or bool(parts.get("novel", False))
        self.pool = pool
        self.domain: Any = None if unconstrained else parts.get("domain")
        self._constraints = allows
        self._writes: Callable[[str], bool] | None = getattr(self.codec, "writes", None)
        self._equivalent = equivalent
        self._sample_prior = sample_prior
        self._network = getattr(inner, "network", None)
        self._region: TrustedRegion | None = None

    # ------------------------------------------------------------------ strings

    def normalized(self, strings: Sequence[str]) -> list[str]:
        """Strings in the codec's one spelling of each; `UserError` for one that it cannot read."""
        spell = getattr(self.codec, "normalize", None)
        if spell is None:
            return list(strings)
        spelt = [spell(s) for s in strings]
        for given, string in zip(strings, spelt, strict=True):
            if string is None:
                raise UserError(f"{given!r} is not a string that the model reads: leave it out.")
        return spelt

    def encode(self, strings: Sequence[str]) -> Array:
        """Codes [N, D] of strings in the codec's spelling."""
        if not len(strings):
            return np.empty((0, self.codec.latent_dim))
        return np.asarray(self.codec.encode(list(strings)), dtype=np.float64)

    def keys(self, strings: Sequence[str]) -> Sequence[Hashable]:
        """What tells strings apart that may have different values."""
        return strings if self._equivalent is None or not strings else self._equivalent(strings)

    def feasible(self, strings: Sequence[str]) -> NDArray[np.bool_]:
        """Whether each of N strings has a code and satisfies the constraints, [N]."""
        mask = np.ones(len(strings), dtype=bool)
        if self._writes is not None:
            mask = np.array([self._writes(s) for s in strings], dtype=bool)
        if self._constraints is not None:
            rest = [s for s, has_code in zip(strings, mask, strict=True) if has_code]
            mask[mask] = np.asarray(self._constraints(rest), dtype=bool)
        if self.domain is not None:
            rest = [s for s, allowed in zip(strings, mask, strict=True) if allowed]
            mask[mask] = self.domain.contains(rest)
        return mask

    def widened(self, strings: Sequence[str]) -> SearchSpace:
        """The space, or one like it whose domain of applicability holds these strings, too."""
        known = () if self.training_strings is None else self.training_strings
        own = [s for s in strings if s not in known]
        if self.domain is None or not own:
            return self
        other = copy(self)
        other.domain = self.domain.widened(own)
        return other

    def centre_rows(
        self, strings: Sequence[str], codes: Array, scores: Array
    ) -> NDArray[np.int64] | None:
        """Rows [M] of known strings around which a constrained search starts; None: any.

        Those that satisfy the constraints among the best and the nearest to `near`.

        Raises
        ------
        UserError: no known string satisfies the constraints.
        """
        if self._constraints is None or not len(strings):
            return None
        rows = np.argsort(scores, kind="stable")[:BEST_ROWS]
        if self.near is not None:
            far = np.linalg.norm(codes - self.encode([self.near]), axis=1)
            rows = np.union1d(rows, np.argsort(far)[:NEAR_ROWS])
        for tried in (rows, np.random.default_rng(0).permutation(len(scores))[:ANY_ROWS]):
            allowed = np.asarray(self._constraints([strings[i] for i in tried]), dtype=bool)
            if allowed.any():
                return np.sort(tried[allowed]).astype(np.int64)
        raise UserError(
            "no known string satisfies the constraints: a search has nowhere to start, so loosen "
            "them or give data that do."
        )

    def inputs(
        self,
        strings: Sequence[str],
        codes: Array | None = None,
        names: Container[str] | None = None,
    ) -> Inputs:
        """What a surrogate reads of strings [N]: counts of their parts, those of these names.

        And their codes [N, D], where they are given.
        """
        parts = {}
        for name, count in self.counts.items():
            if names is None or name in names:
                vocabulary, columns = self._columns.setdefault(name, (Vocabulary(), {}))
                new = [s for s in dict.fromkeys(strings) if s not in columns]
                columns.update(zip(new, map(vocabulary.columns, count(new)), strict=True))
                parts[name] = vocabulary.matrix([columns[s] for s in strings])
                if len(columns) > REMEMBERED:
                    columns.clear()
        return Inputs(len(strings), parts, codes)

    def prior(self, codes: Array) -> GaussianMixture:
        """The density of codes from which a search draws: the model's prior.

        Of a codec that is no autoencoder, the Gaussian of its samples or of known codes [N, D].
        """
        prior = getattr(self._network, "prior", None)
        if isinstance(prior, GaussianMixture) and self.has_prior and self._sample_prior is None:
            return prior
        region = self.trusted_region(codes)
        return GaussianMixture(region.mean[None], region.covariance[None])

    # ------------------------------------------------------------------ codes

    @property
    def has_prior(self) -> bool:
        """Whether the model's latent prior can be sampled."""
        return self._sample_prior is not None or bool(getattr(self._network, "has_prior", True))

    def sample_prior(self, n: int, rng: np.random.Generator) -> Array:
        """Codes [n, D] of the model's prior; N(0, I) for a codec that is no autoencoder.

        Raises
        ------
        UserError: an autoencoder that was trained without a prior.
        """
        if self._sample_prior is not None:
            return self._sample_prior(n, rng)
        if self._network is None:
            return rng.standard_normal((n, self.codec.latent_dim))
        if not self._network.has_prior:
            raise UserError("this model was trained without a prior: --baselines needs one")
        return np.asarray(self._network.sample_codes(n, rng), dtype=np.float64)

    def trusted_region(self, codes: Array) -> TrustedRegion:
        """Where the decoder is at home, as far as the space or else codes [N, D] show it."""
        if self._region is None:
            home = self.region_codes
            if home is None:
                few = len(codes) <= self.codec.latent_dim
                prior = self.has_prior and (few or self._network is not None)
                home = self.sample_prior(REGION, np.random.default_rng(0)) if prior else codes
            self._region = TrustedRegion(home)
        return self._region


def _parts_of(model: Any, constraints: Any) -> dict[str, Any]:
    """Keywords of `SearchSpace` that a model brings with it, its codec among them."""
    for name in ("latent_dim", "encode", "decode"):
        if not hasattr(model, name):
            raise UserError(
                f"a search space needs a model with latent_dim, encode and decode: "
                f"{type(model).__name__} has no {name}."
            )
    parts: dict[str, Any] = {"codec": model}
    if hasattr(model, "search_parts"):
        parts.update(model.search_parts(constraints))
    return parts
