"""What a codec of molecules remembers is bounded, and the newest stays."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gmae_tf.errors import UserError
from molecules import codec
from molecules.codec import MoleculeCodec


class Chains:
    """A model that writes alkanes of up to 8 atoms: code [n] <-> n carbons, never canonically."""

    latent_dim = 1
    network = training_strings = None
    codec = SimpleNamespace(encode=lambda forms: None)

    def normal_form(self, smiles: str) -> str:
        if len(smiles) > 8:
            raise UserError(f"{smiles!r} is too long")
        return smiles

    def decode_spellings(self, codes: Any) -> list[str | None]:
        return ["C(" + "C" * (int(n) - 2) + ")C" for n in np.asarray(codes)[:, 0]]

    def encode_spellings(self, strings: list[str]) -> Any:
        return np.array([[s.count("C")] for s in strings], dtype=np.float64)


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "REMEMBERED", 6)
    chains = MoleculeCodec(Chains())
    for first in range(9, 60, 3):
        smiles = chains.decode(np.arange(first, first + 3)[:, None])
        # Too long as they are usually spelt, but not as they were decoded just now.
        assert chains.encode([str(s) for s in smiles])[:, 0].tolist() == [*range(first, first + 3)]
        assert chains.features([str(s) for s in smiles]).shape[0] == 3
        for memory in (chains._spellings, chains._forms, chains._features):
            assert len(memory) <= 7
    assert not chains.writes("C" * 9)
    assert chains.writes("C" * 59)
