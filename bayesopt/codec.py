"""What the search needs to know about an autoencoder: strings to codes and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray


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
