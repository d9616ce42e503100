"""python -m experiments.strings.compare_molecules: models of molecules in one table."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from experiments.runner import Row
from experiments.strings.models import (
    CompareOptions,
    Job,
    columns,
    compare_strings,
    train_and_measure,
    training_options,
)
from gmae_tf.utils.cli import console, run_command

OBJECTIVE = "penalized_logp"
COLUMNS = columns("molecules", lower=False, decimals=(2, 3))


@dataclass(frozen=True)
class CompareConfig(CompareOptions):
    """Options of `python -m experiments.strings.compare_molecules`."""

    out: Path = Path("runs/compare-molecules")
    data: str = "zinc"
    """zinc (250k, from --data-dir or downloaded), builtin (made offline), or .smi, .csv, .sdf."""
    preset: Literal["compact", "paper"] = "compact"
    """Network and grammar, as in molecules.train."""
    latent_dim: int = 56
    """Dimensions of the latent space."""
    units: int | None = None
    """Width of the recurrent layers."""
    dense: int | None = None
    """Width of the dense layers."""


def compare(config: CompareConfig) -> None:
    """Train, measure and search with what is not done yet, then write compare.json."""
    from molecules.train import TrainConfig

    compare_strings(
        config,
        "experiments.strings.compare_molecules",
        "molecules",
        "molecules.csv",
        load=load,
        write=write_scored,
        measure=measure,
        columns=COLUMNS,
        trainings=TrainConfig,
        objective=OBJECTIVE,
    )


def load(config: CompareConfig) -> list[str]:
    """Canonical SMILES of the molecules that the grammar of the preset can write."""
    from gmae_tf.utils.parallel import map_chunks
    from grammar.library import load_grammar
    from molecules.chem.properties import canonical
    from molecules.data.cleaning import accepted_by
    from molecules.data.sources import load_molecules
    from molecules.train import PRESETS

    preset = PRESETS[config.preset]
    accepts = accepted_by(load_grammar(preset["grammar"]).grammar, preset.get("max_length"))
    found = load_molecules(
        config.data,
        data_dir=config.data_dir,
        kekulize=preset["kekulize"],
        n=config.n_data,
        accepts=accepts,
    )
    smiles = map_chunks(canonical, [*found.smiles, *found.held_out], "canonical SMILES")
    return list(dict.fromkeys(smiles))


def write_scored(path: Path, smiles: Sequence[str]) -> None:
    """A CSV file of molecules and their values, those without a value left out."""
    from gmae_tf.utils.files import write_atomic
    from molecules.scoring.scorer import Scorer

    console().print(f"scoring {len(smiles):,} molecules", soft_wrap=True)
    with Scorer(OBJECTIVE) as scorer:
        scores = scorer.score(list(smiles))
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["smiles", OBJECTIVE])
    rows.writerows([score.smiles, repr(score.value)] for score in scores if score.ok)
    write_atomic(path, text.getvalue())


def measure(config: CompareConfig, data: Path, job: Job, folder: Path) -> Row:
    """Train one model and measure it."""
    from grammar.cfg.characters import CHARACTERS
    from molecules.model import MoleculeAutoencoder
    from molecules.train import TrainConfig, train

    options = TrainConfig(
        **training_options(config, job, folder),
        preset=config.preset,
        grammar=CHARACTERS if job.variant.characters else None,
        data=str(data),
        latent_dim=config.latent_dim,
        units=config.units,
        dense=config.dense,
        samples=config.samples,
    )
    return train_and_measure(
        config,
        job,
        folder,
        train=lambda: train(options),
        kind=MoleculeAutoencoder,
        judge=prior_numbers,
        search_for=("--task", "molecules", "--data", data, "--value-column", OBJECTIVE),
    )


def prior_numbers(model: Any, samples: int, seed: int) -> dict[str, float]:
    """Share of decoded prior samples that are molecules, and their average score."""
    import numpy as np

    from molecules.scoring.scorer import Scorer

    codes = model.network.sample_codes(samples, np.random.default_rng(seed))
    with Scorer(OBJECTIVE) as scorer:
        scores = scorer.score(model.decode(codes))
    values = [score.value for score in scores if score.ok]
    return {
        "prior_valid": sum(score.canonical is not None for score in scores) / samples,
        "prior_score": float(np.mean(values)) if values else float("nan"),
    }


def main() -> None:
    """The command."""
    run_command(
        compare,
        CompareConfig,
        prog="python -m experiments.strings.compare_molecules",
        description="Train several models on the same molecules, search with each, and put them in "
        "one table.",
    )


if __name__ == "__main__":
    main()
