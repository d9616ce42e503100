"""What every number and picture is made of: the model, its data, their codes, fitted densities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gmae_tf.density import DensityKind, LatentDensity
from gmae_tf.prior import GaussianMixture

if TYPE_CHECKING:
    from gmae_tf.images.datasets import ImageData
    from gmae_tf.images.model import ImageAutoencoder

Images = NDArray[np.uint8]
Codes = NDArray[np.float32]

MAX_CODES = 20_000
"""Images of a part that are encoded, drawn at random where there are more."""
KINDS: tuple[DensityKind, ...] = ("mixture", "gaussian", "kde")


@dataclass(frozen=True)
class Part:
    """Some images of one part of the data, with their codes [N, D] and labels [N]."""

    images: Images
    codes: Codes
    labels: NDArray[np.int64] | None


@dataclass
class Material:
    """A trained model and the data that it is judged on; n images for each set.

    `train`, `validation` and `test` hold at most `MAX_CODES` images each.
    """

    model: ImageAutoencoder
    data: ImageData
    n: int
    seed: int
    train: Part
    validation: Part
    test: Part
    densities: dict[DensityKind, LatentDensity]

    @classmethod
    def collect(
        cls,
        model: ImageAutoencoder,
        data: ImageData,
        n: int,
        seed: int,
        step: Callable[[str], None] = lambda name: None,
    ) -> Material:
        """Encode and fit; `step` hears what is being done."""
        rng = np.random.default_rng(seed)
        step("encoding")
        train, validation, test = (
            _part(model, getattr(data, name), getattr(data, f"{name}_labels"), rng)
            for name in ("train", "validation", "test")
        )
        step("densities")
        densities = {kind: LatentDensity(kind).fit(train.codes, seed) for kind in KINDS}
        return cls(model, data, n, seed, train, validation, test, densities)

    def rng(self, purpose: int) -> np.random.Generator:
        """Random numbers of their own for each purpose, so that none shifts the others."""
        return np.random.default_rng((self.seed, purpose))

    @property
    def prior(self) -> GaussianMixture | None:
        """What the codes were shaped to match."""
        return self.model.prior

    @cached_property
    def clusters(self) -> GaussianMixture:
        """The mixture whose components are taken for clusters.

        The prior if it has components; else one fitted to the training codes, with as many as
        there are classes.
        """
        if self.clusters_are_prior:
            assert self.prior is not None
            return self.prior
        k = len(np.unique(self.train.labels)) if self.train.labels is not None else 10
        mixture = self.densities["mixture"]
        if k != mixture.n_components:
            mixture = LatentDensity("mixture", k).fit(self.train.codes, self.seed)
        return mixture.parameters()

    def groups(self, part: Part) -> NDArray[np.floating]:
        """Probabilities [N, K] of the groups that the model itself sees, else of `clusters`."""
        own = self.model.groups(part.images)
        return own if own is not None else self.clusters.responsibilities(part.codes)

    @cached_property
    def groups_are_learnt(self) -> bool:
        """Whether the model has groups of its own, which no mixture of codes says."""
        return not self.clusters_are_prior and self.model.groups(self.test.images[:1]) is not None

    @property
    def clusters_are_prior(self) -> bool:
        """Whether `clusters` is the prior."""
        return self.prior is not None and self.prior.n_components > 1


def _part(model: ImageAutoencoder, images: Images, labels: Any, rng: np.random.Generator) -> Part:
    if len(images) > MAX_CODES:
        rows = np.sort(rng.choice(len(images), MAX_CODES, replace=False))
        images, labels = images[rows], None if labels is None else labels[rows]
    return Part(images, model.encode(images), labels)
