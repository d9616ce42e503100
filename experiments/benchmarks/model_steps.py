"""Cost of a training step of every model beside one of the plain autoencoder, in one run.

    python -m experiments.benchmarks.model_steps [--models ae,vae,gmae] [--out FILE]

Each model is built as `experiments.images.compare` builds it (small network, 32 x 32 x 1, 10
dimensions), and takes steps on one batch of noise.  Processor time of the whole process, threads
included, so that other work on the machine counts little; after each model the plain autoencoder
steps again, and ratios are to it.  Medians over the repeats.  Epochs in which a model does
something once (VaDE fits its mixture, CascadeVAE opens its groups) are not in it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable

import numpy as np

from experiments.benchmarks.record import parser_of, record

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
BASE = "ae"


def main() -> None:
    """Measure, print one table, write it with --out."""
    options = _options()
    import keras

    from gmae_tf.models import MODELS

    names = list(MODELS) if options.models == "all" else options.models.split(",")
    print(f"{'model':15} {'ms a step':>10} {'of ' + BASE:>8}")
    rows = []
    for name in names:
        keras.backend.clear_session()
        steps = {each: stepper(each, options) for each in dict.fromkeys((BASE, name))}
        times: dict[str, list[float]] = {each: [] for each in steps}
        for _ in range(options.repeats):
            for each, step in steps.items():
                times[each].append(_seconds(step, options.steps))
        ratio = statistics.median(a / b for a, b in zip(times[name], times[BASE], strict=True))
        rows.append({"model": name, "ms": 1e3 * statistics.median(times[name]), "ratio": ratio})
        print(f"{name:15} {rows[-1]['ms']:10.1f} {ratio:8.2f}", flush=True)
    record(
        "model_steps",
        options,
        ("keras", "tensorflow", "jax", "numpy"),
        batch_size=options.batch_size,
        repeats=options.repeats,
        steps=options.steps,
        backend=os.environ.get("KERAS_BACKEND", "tensorflow"),
        results=rows,
    )


def stepper(name: str, options: argparse.Namespace) -> Callable[[], object]:
    """A compiled model, after its first steps, as a function that takes one step more."""
    from gmae_tf.images.model import ImageAutoencoder
    from gmae_tf.models.config import Recipe
    from gmae_tf.training.fit import RatedAdam

    # Few planned steps: schedules that open parts of a model have done so after the first ones.
    recipe = Recipe(name, 10, reconstruction_weight=2000.0, steps=10, seed=options.seed)
    network = ImageAutoencoder.from_recipe(recipe, 32, 1).network
    rates = network.method.lr_multipliers if network.method else {}
    network.compile(optimizer=RatedAdam(rates, learning_rate=1e-4, beta_1=0.5))
    rng = np.random.default_rng(options.seed)
    batch = rng.random((options.batch_size, 32, 32, 1), dtype=np.float32)

    def step() -> object:
        return network.train_on_batch(batch)

    for _ in range(12):
        step()
    return step


def _seconds(step: Callable[[], object], steps: int) -> float:
    start = time.process_time()
    for _ in range(steps):
        step()
    return (time.process_time() - start) / steps


def _options() -> argparse.Namespace:
    parser = parser_of(__doc__)
    parser.add_argument("--models", default="all")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--batch-size", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
