"""A molecule model small enough to know everything about: the nearest of a pool of molecules."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import Crippen

from grammar.autoencoder.hashed_set import StringSet
from grammar.codec import RuleCodec
from grammar.errors import ParseError
from grammar.library import load_grammar
from molecules.data.builtin import builtin_molecules
from molecules.data.kekulize import kekulize_smiles

KNOWN = 150


@cache
def pool() -> tuple[str, ...]:
    """Canonical SMILES; the first KNOWN are training molecules, alkanes and others are not."""
    chains = ["C" * n for n in range(6, 45)] + ["C" * n + "Cl" for n in range(4, 30)]
    chains += ["C" * n + "c1ccccc1" for n in range(2, 25)]
    made = builtin_molecules(2 * KNOWN)
    return (*made, *(Chem.CanonSmiles(s) for s in chains))


@cache
def features(smiles: str) -> tuple[float, ...]:
    """The code of a molecule, [5]."""
    mol = Chem.MolFromSmiles(smiles)
    hetero = sum(a.GetAtomicNum() not in (1, 6) for a in mol.GetAtoms())
    rings = mol.GetRingInfo().NumRings()
    odd = sum(ord(c) * (i + 1) for i, c in enumerate(smiles)) % 97 / 97
    return mol.GetNumHeavyAtoms() / 10, Crippen.MolLogP(mol) / 3, hetero / 4, rings, odd


kekulized = cache(kekulize_smiles)


class ToyModel:
    """What the task asks of `MoleculeAutoencoder`; strings are kekulised, silicon is unknown."""

    latent_dim = 5
    kekulized = True

    def __init__(self) -> None:
        self.codes = np.array([features(s) for s in pool()])
        self._rules = rules = RuleCodec(load_grammar("smiles_compact").grammar, 120)
        self.codec = SimpleNamespace(
            encode=self._parse,
            decode=rules.decode,
            grammar=rules.grammar,
            max_length=rules.max_length,
        )
        self.training_strings = StringSet.of(pool()[:KNOWN])
        self.network = SimpleNamespace(
            has_prior=True,
            sample_codes=self._sample,
            decoder=SimpleNamespace(plan=self._plan),
        )

    def normal_form(self, smiles: str) -> str:
        return kekulized(smiles)

    def _parse(self, strings: list[str]) -> None:
        for smiles in strings:
            if smiles.startswith("C[SiH3]"):
                raise ParseError("silicon is not in the grammar")
        self._rules.encode([s for s in strings if "Si" not in s])

    def encode_spellings(self, strings: list[str]) -> np.ndarray:
        self._parse(strings)
        assert all("c" not in s.replace("Sc", "") for s in strings), "not kekulised"
        return np.array([features(Chem.CanonSmiles(s)) for s in strings])

    def decode_spellings(self, codes: np.ndarray) -> list[str | None]:
        gaps = np.square(codes[:, None] - self.codes[None]).sum(axis=2)
        return [kekulized(pool()[i]) for i in gaps.argmin(axis=1)]

    def _plan(self, codes: np.ndarray) -> tuple[np.ndarray, None]:
        return np.repeat(np.asarray(codes, np.float32)[:, None], 4, axis=1), None

    def _sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        rows = rng.integers(len(self.codes), size=n)
        return self.codes[rows] + rng.normal(0, 0.1, (n, 5))


def write_known(folder: Path) -> None:
    """The file that lies beside a trained model."""
    from molecules.chem.properties import find

    smiles = pool()[:KNOWN]
    codes = np.array([features(s) for s in smiles]).astype(np.float16)
    score = find("penalized_logp")
    np.savez(
        folder / "known.npz",
        smiles=np.frombuffer("\n".join(smiles).encode(), dtype=np.uint8),
        codes=codes,
        penalized_logp=np.array([score(s) for s in smiles], dtype=np.float32),
    )


def install(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Put the toy in the place of the trained model, with `folder` as its folder."""
    from bayesopt.tasks import molecules
    from molecules import codec as molecule_codec

    write_known(folder)
    # A pool of some hundred molecules needs no long search.
    small = {"candidates": {"chains": 40, "steps": 3, "children": 60, "generations": 3}}
    parts = molecule_codec.MoleculeCodec.search_parts
    patch.setattr(
        molecule_codec.MoleculeCodec,
        "search_parts",
        lambda codec, constraints=None: parts(codec, constraints) | small,
    )
    patch.setattr(molecules, "PRETRAINED", folder)
    patch.setattr(molecules, "_load_model", lambda folder: ToyModel())
