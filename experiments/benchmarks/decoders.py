"""What numbers of its own at each step bring the autoregressive decoder, at equal steps.

python -m experiments.benchmarks.decoders [--steps 300] [--out FILE]
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from experiments.benchmarks.record import parser_of, record

if TYPE_CHECKING:
    from grammar.cfg.grammar import Grammar

SEED = 0
PLACES = (1, 40)
"""Numbers a step; 1 leaves the recurrent layer nearly alone."""


def nats(rules: Any, grammar: Grammar, places: int, steps: int) -> dict[str, float]:
    """Cross-entropy of held-out molecules after so many steps of training."""
    import keras

    from gmae_tf.models.config import Recipe
    from gmae_tf.training.batches import LengthBatches
    from grammar.autoencoder.architectures import Architecture, build_from_recipe

    keras.utils.set_random_seed(SEED)
    size = {"units": 128, "dense": 512, "positions": places}
    network = build_from_recipe(
        Recipe("ae", 56), grammar, rules.shape[1], Architecture("autoregressive", size)
    )
    network.compile(keras.optimizers.Adam(2e-3), jit_compile=False)
    held_out, train = rules[:500], rules[500:]
    batches = LengthBatches(train, 125, SEED, grammar.padding, 2)
    started, done, epoch = time.perf_counter(), 0, 0
    while done < steps:
        batches.start_epoch(epoch)
        for i in range(min(len(batches), steps - done)):
            network.train_on_batch(batches[i][0])
            done += 1
        epoch += 1
    seconds = time.perf_counter() - started
    measured = network.evaluate(held_out, batch_size=250, verbose=0, return_dict=True)
    return {"nats": measured["reconstruction"], "seconds": round(seconds, 1)}


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--steps", type=int, default=300)
    arguments = parser.parse_args()
    from grammar.codec import RuleCodec
    from grammar.library import load_grammar
    from molecules.data.builtin import builtin_molecules
    from molecules.data.kekulize import kekulize_smiles

    grammar = load_grammar("smiles_compact").grammar
    rules = RuleCodec(grammar).encode(list(map(kekulize_smiles, builtin_molecules(5000, SEED))))
    found = {str(n): nats(rules, grammar, n, arguments.steps) for n in PLACES}
    for places, row in found.items():
        print(f"{places:>3} numbers a step: {row['nats']:.2f} nats, {row['seconds']} s")
    record(
        "decoders",
        arguments,
        ("keras", "tensorflow", "numpy"),
        data="5,000 built-in molecules, 500 held out",
        steps=arguments.steps,
        batch_size=125,
        seed=SEED,
        by_numbers_a_step=found,
    )


if __name__ == "__main__":
    main()
