"""What `tests/gmae_tf/training/test_scan.py` runs in a process of its own, with Keras on JAX.

    KERAS_BACKEND=jax python -m tests.oracles.scan_session FOLDER

Writes `results.json` into FOLDER: differences that should be 0.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import jax.numpy as jnp
import keras
import numpy as np

from experiments.scan import ScannedTraining
from gmae_tf.models.auxiliary import AuxiliaryObjectives
from gmae_tf.models.config import Recipe
from grammar.autoencoder.architectures import Architecture, build_from_recipe
from grammar.library import load_grammar
from grammar.sampling.uniform import sample_derivations

LENGTH, STEPS, BATCH, RATE = 10, 3, 8, 1e-2
GRAMMAR = load_grammar("arithmetic").grammar


def network():
    keras.utils.set_random_seed(0)
    recipe = Recipe("gmae", 6, 3, auxiliary={"noise": 0.5, "heads": 2}, steps=STEPS)
    sizes = {"units": 8, "dense": 8, "positions": 2}
    made = build_from_recipe(recipe, GRAMMAR, LENGTH, Architecture("autoregressive", sizes))
    made.compile("adam")
    made.optimizer.learning_rate = RATE
    return made


def main() -> None:
    rng = np.random.default_rng(0)
    rules = sample_derivations(GRAMMAR, STEPS * BATCH, LENGTH, rng)
    targets = rng.normal(size=(len(rules), 2)).astype("float32")
    by_steps, by_scan = network(), network()
    start = by_steps.get_weights()
    for i in range(0, len(rules), BATCH):
        by_steps.train_on_batch(rules[i : i + BATCH], targets[i : i + BATCH])
    training = ScannedTraining(
        by_scan,
        lambda data, static, rows: (data["rules"][rows], data["targets"][rows]),
        {"rules": rules, "targets": targets},
    )
    rows = jnp.arange(len(rules)).reshape(STEPS, BATCH)
    logs = training.run([RATE] * STEPS, np.arange(STEPS) / STEPS, rows)
    training.finish()
    pairs = list(zip(by_steps.get_weights(), by_scan.get_weights(), strict=True))

    decoder = by_steps.decoder
    seen = rng.normal(size=(4, LENGTH, decoder.recurrent.cell.kernel.shape[0])).astype("float32")
    state = rng.normal(size=(4, 8)).astype("float32")
    layer = decoder.recurrent(seen, initial_state=state)
    results = {
        "moved": max(float(np.abs(a - b).max()) for a, (b, _) in zip(start, pairs, strict=True)),
        "scan": max(float(np.abs(a - b).max()) for a, b in pairs),
        "recurrent": float(jnp.abs(decoder._recur(seen, state) - layer).max()),
        "progress": float(by_scan.method.progress),
        "terms": sorted(logs),
        "is_auxiliary": isinstance(by_scan.method, AuxiliaryObjectives),
    }
    Path(sys.argv[1], "results.json").write_text(json.dumps(results))


if __name__ == "__main__":
    main()
