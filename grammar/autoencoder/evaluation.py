"""Evaluation of grammar autoencoders: reconstruction, match to the prior, prior samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from grammar.autoencoder.training import TrainingOptions, split

if TYPE_CHECKING:
    from grammar.autoencoder.model import GrammarAutoencoder

PRIOR_SAMPLES = 10_000


def evaluate(
    model: GrammarAutoencoder, rules: NDArray[np.uint8], options: TrainingOptions
) -> dict[str, Any]:
    """Reconstruction and latent terms of the held-out tenth, and what prior samples decode to."""
    from gmae_tf.training.batches import SeededBatches
    from grammar.cfg.characters import writes_characters
    from grammar.expressions.evaluate import is_expression

    kept, held_out = split(rules, options.seed)
    batches = SeededBatches(held_out, options.batch_size, options.seed)
    measured = model.network.evaluate(batches, verbose=0, return_dict=True)
    rng = np.random.default_rng(options.seed)
    decoded = model.decode(model.network.sample_codes(PRIOR_SAMPLES, rng))
    expressions = {}
    if writes_characters(model.grammar):
        readable = sum(is_expression(text or "") for text in decoded)
        expressions["prior_expressions"] = readable / len(decoded)
    return {
        "training_strings": len(kept),
        "held_out_strings": len(held_out),
        "reconstruction_nats": measured["reconstruction"],
        "exact_match": model.exact_match(held_out),
        **{name: measured[name] for name in ("ks", "covariance", "sliced") if name in measured},
        "prior_samples": len(decoded),
        "prior_complete": sum(text is not None for text in decoded) / len(decoded),
        **expressions,
        "prior_distinct": len(set(decoded)) / len(decoded),
        "prior_new": sum(s not in model.training_strings for s in decoded if s) / len(decoded),
    }
