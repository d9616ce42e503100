"""Evaluation of a trained model: reconstruction, validity under each mask, prior samples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase
from rich.console import Console
from rich.table import Table

from gmae_tf.training.batches import SeededBatches
from grammar.cfg.characters import writes_characters
from grammar.decoding import DerivationMask, StackMask, decode_logits
from molecules.chem.draw import grid
from molecules.chem.metrics import summarise
from molecules.decoding.mask import molecule_walk
from molecules.model import MoleculeAutoencoder
from molecules.scoring.scorer import Scorer

RANKED_BY = "penalized_logp"
MAX_BATCH = 500
"""Of held-out codes in the latent terms, which are relative to prior samples of that size."""


def evaluate(
    model: MoleculeAutoencoder, held_out: NDArray[np.uint8], samples: int, seed: int
) -> dict[str, Any]:
    """Measure on held-out rules [N, T] and on so many prior samples; plain numbers."""
    rng = np.random.default_rng(seed)
    batches = SeededBatches(held_out, MAX_BATCH, seed)
    terms = model.network.evaluate(batches, verbose=0, return_dict=True)
    codes = model.network.sample_codes(samples, rng)
    decoded = model.decode_spellings(codes)
    summary = summarise(decoded, model.training_strings)
    return {
        "held_out_molecules": len(held_out),
        "reconstruction_nats": terms["reconstruction"],
        "exact_match": model.exact_match(held_out),
        **{name: terms[name] for name in ("ks", "covariance", "sliced") if name in terms},
        "prior_samples": summary,
        "valid_by_mask": {
            "prior": valid_by_mask(model, partial(_decoded, model, codes)),
            "random": valid_by_mask(model, partial(_random, model, samples, seed)),
        },
        "top": top(decoded),
    }


def valid_by_mask(
    model: MoleculeAutoencoder, decode: Callable[[Any], list[str | None]]
) -> dict[str, float]:
    """Share of decodes that RDKit accepts, under ever more masks."""
    grammar, aromatic = model.grammar, not model.kekulized
    if writes_characters(grammar):  # nothing to mask by
        return {"length_aware": valid_share(decode(lambda n, steps: StackMask(grammar, n, steps)))}
    walks: dict[str, Callable[[int, int], DerivationMask]] = {
        "official": lambda n, steps: StackMask(grammar, n, steps, length_aware=False),
        "length_aware": molecule_walk(grammar, rings=False, valences=False, aromatic=aromatic),
        "rings": molecule_walk(grammar, rings=True, valences=False, aromatic=aromatic),
        "valences": molecule_walk(grammar, rings=True, valences=True, aromatic=aromatic),
    }
    return {name: valid_share(decode(walk)) for name, walk in walks.items()}


def valid_share(strings: Sequence[str | None]) -> float:
    """Share of strings that RDKit reads as a molecule; None is none."""
    with rdBase.BlockLogs():
        valid = sum(s is not None and Chem.MolFromSmiles(s) is not None for s in strings)
    return valid / max(1, len(strings))


def _decoded(model: MoleculeAutoencoder, codes: Any, walk: Any) -> list[str | None]:
    return model.codec.decode(model.decode_rules(codes, walk=walk))


def _random(model: MoleculeAutoencoder, n: int, seed: int, walk: Any) -> list[str | None]:
    """Decodes of standard normal logits: what the masks do without any model."""
    rng = np.random.default_rng(seed)
    found: list[str | None] = []
    for start in range(0, n, 1000):
        size = (min(1000, n - start), model.max_length, model.grammar.n_rules)
        logits = rng.standard_normal(size, dtype=np.float32)
        found += model.codec.decode(decode_logits(logits, model.grammar, walk=walk))
    return found


def top(smiles: Sequence[str | None], n: int = 3) -> list[dict[str, Any]]:
    """The n best different molecules by penalised logP."""
    with Scorer(RANKED_BY) as scorer:
        scores = scorer.score(list(smiles))
    best = {s.canonical: s.value for s in scores if s.ok and s.canonical}
    ranked = sorted(best.items(), key=lambda pair: -(pair[1] or 0.0))[:n]
    return [{"smiles": text, "score": value} for text, value in ranked]


ROWS = {
    "exact_match": "held-out molecules reconstructed exactly (greedy)",
    "reconstruction_nats": "cross-entropy of held-out molecules, nats a molecule",
    "ks": "KS term of held-out codes (1 = prior samples)",
    "covariance": "covariance term of held-out codes (1 = prior samples)",
    "sliced": "sliced term of held-out codes (1 = prior samples)",
}


def report(results: dict[str, Any], folder: Path, screen: Console) -> None:
    """Print the numbers, and draw the best three prior samples if there are any."""
    table = Table("measured", "value", title=f"after {len(results['history'])} epochs")
    for name, meaning in ROWS.items():
        if name in results:
            table.add_row(meaning, f"{results[name]:.4f}")
    for name, value in results["prior_samples"].items():
        shown = f"{value:.4f}" if isinstance(value, float) else f"{value:,}"
        table.add_row(f"prior samples: {name}", shown)
    screen.print(table)
    masks = Table("valid with masks", "prior samples", "random logits")
    for name, share in results["valid_by_mask"]["prior"].items():
        random = results["valid_by_mask"]["random"][name]
        masks.add_row(name.replace("_", "-"), f"{share:.4f}", f"{random:.4f}")
    screen.print(masks)
    best = Table("best prior samples", "penalised logP")
    for row in results["top"]:
        best.add_row(row["smiles"], f"{row['score']:.3f}")
    screen.print(best)
    if not results["top"]:
        return  # no sample was a molecule
    legends = [f"{row['score']:.2f}" for row in results["top"]]
    picture = grid([row["smiles"] for row in results["top"]], folder / "top3.png", legends, 3)
    screen.print(f"drawn in {picture}")
