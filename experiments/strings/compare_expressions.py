"""python -m experiments.strings.compare_expressions: models of expressions in one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.runner import Row
from experiments.strings.models import (
    CompareOptions,
    Job,
    columns,
    compare_strings,
    train_and_measure,
    training_options,
)
from gmae_tf.utils.cli import run_command

HIDDEN = 0.0363
"""Strings that score this or less are hidden from all models and surrogates, as in bayesopt.run."""
COLUMNS = columns("strings", lower=True, decimals=(3, 4))


@dataclass(frozen=True)
class CompareConfig(CompareOptions):
    """Options of `python -m experiments.strings.compare_expressions`."""

    out: Path = Path("runs/compare-expressions")
    data: str = "official"
    """official (the 100,000 of Grammar VAE), generated, or a text file of expressions."""
    xla: bool | None = None
    """Compile the training step with XLA; by default where there are a thousand steps."""


def compare(config: CompareConfig) -> None:
    """Train, measure and search with what is not done yet, then write compare.json."""
    from grammar.train import TrainConfig

    compare_strings(
        config,
        "experiments.strings.compare_expressions",
        "strings",
        "strings.txt",
        load=load,
        write=write,
        measure=measure,
        columns=COLUMNS,
        trainings=TrainConfig,
        hidden_score=HIDDEN,
    )


def load(config: CompareConfig) -> list[str]:
    """The expressions."""
    from grammar.expressions.data import load_expressions

    return load_expressions(config.data, n=config.n_data, data_dir=config.data_dir)


def write(path: Path, strings: Sequence[str]) -> None:
    """A text file with a string on each line."""
    from gmae_tf.utils.files import write_atomic

    write_atomic(path, "\n".join(strings) + "\n")


def measure(config: CompareConfig, data: Path, job: Job, folder: Path) -> Row:
    """Train one model and measure it."""
    from grammar.autoencoder.model import GrammarAutoencoder
    from grammar.cfg.characters import CHARACTERS
    from grammar.train import TrainConfig, train

    options = TrainConfig(
        **training_options(config, job, folder),
        grammar=CHARACTERS if job.variant.characters else "arithmetic",
        data=str(data),
        exclude_better_than=HIDDEN,
        latent_dim=config.latent_dim,
        xla=config.xla,
    )
    return train_and_measure(
        config,
        job,
        folder,
        train=lambda: train(options),
        kind=GrammarAutoencoder,
        judge=prior_numbers,
        search_for=("--task", "expr", "--data", data, "--exclude-better-than", HIDDEN),
    )


def prior_numbers(model: Any, samples: int, seed: int) -> dict[str, float]:
    """Share of decoded prior samples that are expressions, and their average score.

    Scores are of the benchmark; those that are not finite somewhere are left out, as in a search.
    """
    import numpy as np

    from grammar.expressions.evaluate import (
        TARGET_X,
        WORST_SCORE,
        fit_errors,
        is_expression,
        target,
    )

    codes = model.network.sample_codes(samples, np.random.default_rng(seed))
    valid = [text for text in model.decode(codes) if text is not None and is_expression(text)]
    scores = fit_errors(valid, TARGET_X, target(TARGET_X))
    counted = scores[scores < WORST_SCORE]
    return {
        "prior_valid": len(valid) / samples,
        "prior_score": float(counted.mean()) if len(counted) else float("nan"),
    }


def main() -> None:
    """The command."""
    run_command(
        compare,
        CompareConfig,
        prog="python -m experiments.strings.compare_expressions",
        description="Train several models on the same expressions, search with each, and put them "
        "in one table.",
    )


if __name__ == "__main__":
    main()
