"""Arrays for `experiments.space.train`: rules, random spellings, targets of prediction heads.

    python -m experiments.space.prepare --out PREPARED

Of ZINC 250k, or of any source that `molecules.train --data` takes: own.npy (rules [N, T], training
molecules first), other.npy (rules of random SMILES [N, S, T]), targets.npy (of the heads [N, H]),
properties.npy (penalised logP and QED [N, 2]) and n_train.npy.
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
from gmae_tf.utils.cli import console, run_command

SPELLINGS = 3
AT_ONCE = 500


@dataclass(frozen=True)
class PrepareConfig:
    """Options of `python -m experiments.space.prepare`."""

    out: Path
    """Folder to write."""
    data: str = "zinc"
    """zinc, builtin, or a file of molecules."""
    data_dir: Path | None = None
    """Folder with downloaded data; GMAE_DATA_DIR by default."""
    n: int | None = None
    """Use only so many molecules, drawn at random."""
    jobs: int | None = None
    """Processes; as many as there are cores by default."""


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
    """Rules, spellings, targets and properties of all molecules, on all cores."""
    from grammar.library import load_grammar
    from molecules.chem.descriptors import HeadTargets
    from molecules.data.cleaning import accepted_by
    from molecules.data.sources import load_molecules
    from molecules.training import FITTED

    started = time.time()
    name, length = GRAMMARS["molecules"]
    data = load_molecules(
        config.data,
        data_dir=config.data_dir,
        kekulize=True,
        n=config.n,
        accepts=accepted_by(load_grammar(name).grammar, length),
    )
    smiles, n_train = [*data.smiles, *data.held_out], len(data.smiles)
    chunks = [(i, smiles[i : i + AT_ONCE]) for i in range(0, len(smiles), AT_ONCE)]
    with ProcessPoolExecutor(config.jobs or os.cpu_count() or 1) as pool:
        rows = list(pool.map(_encode, chunks))
    own, other, counts, described, properties = (
        np.concatenate(part) for part in zip(*rows, strict=True)
    )
    some = np.random.default_rng(0).permutation(n_train)[:FITTED]
    standardise = HeadTargets.fit(np.nan_to_num(described[some]), counts[some])
    config.out.mkdir(parents=True, exist_ok=True)
    standardise.save(config.out / "targets.npz")
    arrays = {
        "own": own,
        "other": other,
        "targets": standardise(described, counts).astype(np.float16),
        "properties": properties,
        "n_train": np.array(n_train),
    }
    for name, array in arrays.items():
        np.save(config.out / f"{name}.npy", array)
    changed = (other != own[:, None]).any(axis=2).mean()
    console().print(
        f"{len(own)} molecules in {time.time() - started:.1f} s, spelled otherwise {changed:.3f}"
    )


def _encode(chunk: tuple[int, list[str]]) -> tuple[Any, ...]:
    """Rules [N, T], random SMILES [N, S, T], counts [N, BITS], descriptors, values of a chunk."""
    from grammar.codec import RuleCodec
    from grammar.library import load_grammar
    from molecules.chem.descriptors import describe, morgan_counts
    from molecules.chem.properties import find
    from molecules.data.augmentation import random_spellings

    start, smiles = chunk
    name, length = GRAMMARS["molecules"]
    parser = load_grammar(name)
    own = RuleCodec(parser, length).encode(smiles)
    other = random_spellings(smiles, parser.grammar, length, SPELLINGS, seed=start)
    values = [[find(wanted)(text) for wanted in ("penalized_logp", "qed")] for text in smiles]
    counts = np.stack([morgan_counts(text) for text in smiles])
    return own, other, counts, np.stack([describe(text) for text in smiles]), np.array(values)


if __name__ == "__main__":
    main()
