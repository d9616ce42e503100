"""Train the shipped model of the grammar `scientific`: short random expressions, on one core.

    python -m experiments.space.scientific --out runs/scientific [--strings 300000] [--epochs 20]

The strings are drawn anew by `draw`, so the saved model lists none of them; a tenth is held out.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gmae_tf.utils.cli import console, run_command
from grammar.expressions.programs import MAX_VARIABLES, VARIABLES, random_program, write

LONGEST = 13
SIZES = {"units": 128, "dense": 192, "positions": 8}


@dataclass(frozen=True)
class TrainConfig:
    """Options of `python -m experiments.space.scientific`."""

    out: Path = Path("runs/scientific")
    """Folder of the run; the same command continues what it holds."""
    strings: int = 300_000
    """Random expressions to train on."""
    epochs: int = 20
    """Passes over them."""
    latent: int = 24
    """Dimensions of the latent space."""
    seed: int = 0
    """Of strings, weights and batches."""


def draw(n: int, seed: int) -> list[str]:
    """n different random expressions of 1 to 13 nodes; few variables are more usual than many."""
    rng = np.random.default_rng(seed)
    found: dict[bytes, None] = {}
    while len(found) < n:
        used = min(MAX_VARIABLES, int(rng.geometric(0.3)))
        chosen = rng.permutation(MAX_VARIABLES)[:used] if rng.random() < 0.5 else np.arange(used)
        size = int(np.ceil(LONGEST * np.sqrt(rng.random())))
        found[random_program(size, [VARIABLES[i] for i in chosen], rng)] = None
    return [write(program) for program in found]


def train(config: TrainConfig) -> None:
    """Train, measure and save."""
    strings = draw(config.strings, config.seed)
    from gmae_tf.utils.devices import select_device

    select_device("cpu")
    from grammar.autoencoder.architectures import Architecture
    from grammar.autoencoder.hashed_set import StringSet
    from grammar.autoencoder.model import GrammarAutoencoder
    from grammar.autoencoder.space import evaluate_space

    model = GrammarAutoencoder.fit(
        strings,
        "scientific",
        latent_dim=config.latent,
        epochs=config.epochs,
        seed=config.seed,
        architecture=Architecture("autoregressive", SIZES),
        folder=config.out,
        max_length=LONGEST,
        noise=0.3,
        learning_rate=2e-3,
        batch_size=500,
    )
    tested = draw(3_000, config.seed + 1)
    model.training_strings = StringSet.of(())
    found = evaluate_space(model, tested, samples=1_000, pairs=100, neighbours=100, gp=0, seed=0)
    model.details = {
        "config": {"strings": config.strings, "epochs": config.epochs, "seed": config.seed},
        "results": {"space": found, "exact_match": float(model.reconstructs(tested).mean())},
    }
    model.save(config.out, half_precision=True)
    console().print_json(json.dumps(model.details["results"], default=float))


if __name__ == "__main__":
    run_command(
        train,
        TrainConfig,
        prog="python -m experiments.space.scientific",
        description="Train the shipped model of the grammar scientific.",
    )
