"""Arrays for `experiments.space.train`: rules, random spellings, targets of prediction heads.

    python -m experiments.space.prepare --source SOURCE --out PREPARED

SOURCE holds `molecules.npz` (`smiles`: lines of kekulised SMILES as bytes, training first;
`described`: normal scores of the descriptors, 128 + 32 x as bytes; `properties`: penalised logP and
QED [N, 2]; `n_train`) and `targets.npz` (`molecules.chem.descriptors.HeadTargets.save`).
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from experiments.space.settings import GRAMMARS
from gmae_tf.errors import UserError
from gmae_tf.utils.cli import console, run_command

SPELLINGS = 3
AT_ONCE = 500


@dataclass(frozen=True)
class PrepareConfig:
    """Options of `python -m experiments.space.prepare`."""

    source: Path
    """Folder with molecules.npz and targets.npz."""
    out: Path
    """Folder to write."""
    n: int | None = None
    """Use only so many training molecules, and a fifth as many held-out ones."""


def main() -> None:
    """The command."""
    run_command(
        prepare,
        PrepareConfig,
        prog="python -m experiments.space.prepare",
        description="Make the arrays of a training on the device.",
        continues=False,
    )


def prepare(config: PrepareConfig) -> None:
    """Rules, spellings and targets of all molecules, on all cores."""
    from molecules.chem.descriptors import HeadTargets

    for name in ("molecules.npz", "targets.npz"):
        if not (config.source / name).is_file():
            raise UserError(f"{config.source} has no {name}: see the docstring of this command")
    started = time.time()
    with np.load(config.source / "molecules.npz") as file:
        smiles = bytes(file["smiles"]).decode().split("\n")
        described, properties, n_train = file["described"], file["properties"], int(file["n_train"])
    if config.n:
        keep = np.r_[: config.n, n_train : n_train + config.n // 5]
        smiles = [smiles[i] for i in keep]
        described, properties, n_train = described[keep], properties[keep], config.n
    chunks = [(i, smiles[i : i + AT_ONCE]) for i in range(0, len(smiles), AT_ONCE)]
    with ProcessPoolExecutor(min(16, os.cpu_count() or 1)) as pool:
        rows = list(pool.map(_encode, chunks))
    own, other, counts = (np.concatenate(part) for part in zip(*rows, strict=True))
    standardise = HeadTargets.load(config.source / "targets.npz")
    projected = standardise.project(counts)
    scores = (described.astype(np.float32) - 128) / 32
    arrays = {
        "own": own,
        "other": other,
        "targets": np.concatenate([scores, projected], axis=1).astype(np.float16),
        "properties": properties,
        "n_train": np.array(n_train),
    }
    config.out.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        np.save(config.out / f"{name}.npy", array)
    changed = (other != own[:, None]).any(axis=2).mean()
    console().print(
        f"{len(own)} molecules in {time.time() - started:.1f} s, spelled otherwise {changed:.3f}"
    )


def _encode(chunk: tuple[int, list[str]]) -> tuple[Any, Any, Any]:
    """Rules [N, T], random spellings [N, S, T] and Morgan counts [N, BITS] of a chunk."""
    from grammar.codec import RuleCodec
    from grammar.library import load_grammar
    from molecules.chem.descriptors import morgan_counts
    from molecules.data.augmentation import random_spellings

    start, smiles = chunk
    name, length = GRAMMARS["molecules"]
    parser = load_grammar(name)
    own = RuleCodec(parser, length).encode(smiles)
    other = random_spellings(smiles, parser.grammar, length, SPELLINGS, seed=start)
    return own, other, np.stack([morgan_counts(text) for text in smiles])


if __name__ == "__main__":
    main()
