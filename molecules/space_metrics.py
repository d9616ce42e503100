"""Quality of a latent space of molecules: prior samples, midpoints, codes with noise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, DataStructs, rdBase
from rdkit.Chem import QED, Descriptors
from scipy.stats import wasserstein_distance

from gmae_tf.utils.parallel import map_chunks
from molecules.chem.penalized import ZINC, largest_ring, logp, synthetic_accessibility
from molecules.chem.properties import fingerprint
from molecules.model import MoleculeAutoencoder

PROPERTIES = ("penalized_logp", "qed", "sa", "logp", "weight", "largest_ring")
LEVELS = (0.3, 0.6, 1.0)
LATENT_BATCH = 500


def evaluate_space(
    model: MoleculeAutoencoder,
    held_out: NDArray[np.uint8],
    samples: int = 10_000,
    pairs: int = 1_000,
    neighbours: int = 1_000,
    seed: int = 0,
    jobs: int = -1,
) -> dict[str, Any]:
    """Measures of the latent space on held-out rules [N, T] and prior samples; plain numbers.

    - `exact`: share reconstructed exactly by greedy decoding; `terms`: see `latent_terms`
    - `prior`: properties of prior samples, and 1-Wasserstein distances to the held-out molecules
      of logP, SA, QED and weight, as in MOSES (Polykovskiy et al. 2020)
    - `ex_post`: the same of samples of a Gaussian fitted to the codes
    - `midpoints`: properties of decodes half-way between codes of random pairs
    - `noise`: decodes of codes with Gaussian noise of each standard deviation in LEVELS: share of
      equal molecules, Tanimoto similarity, absolute change of penalised logP
    """
    rng = np.random.default_rng(seed)
    codes = model.network.encode(held_out)
    written = model.codec.decode(held_out)
    decoded = model.decode_spellings(codes)
    data = table(written, jobs)
    found: dict[str, Any] = {
        "held_out_molecules": len(held_out),
        "exact": float(np.mean([a == b for a, b in zip(decoded, written, strict=True)])),
        "terms": latent_terms(model, codes, seed),
        "data": summary(data),
    }
    for name, drawn in (
        ("prior", model.network.sample_codes(samples, rng)),
        ("ex_post", rng.multivariate_normal(codes.mean(0), np.cov(codes.T), samples)),
    ):
        strings = model.decode_spellings(drawn)
        values = table(strings, jobs)
        found[name] = summary(values) | {
            "distinct": len(set(strings)) / len(strings),
            "wasserstein": {
                p: _distance(values[:, i], data[:, i])
                for i, p in enumerate(PROPERTIES[1:5], start=1)
            },
        }
    first, second = (rng.integers(len(codes), size=pairs) for _ in range(2))
    middle = (codes[first] + codes[second]) / 2
    found["midpoints"] = summary(table(model.decode_spellings(middle), jobs))
    rows = rng.permutation(len(codes))[:neighbours]
    found["noise"] = {}
    for level in LEVELS:
        moved = codes[rows] + level * rng.standard_normal((len(rows), codes.shape[1]))
        texts = model.decode_spellings(moved)
        change = np.abs(table(texts, jobs)[:, 0] - data[rows, 0])
        found["noise"][str(level)] = {
            "same": float(np.mean([a == written[i] for a, i in zip(texts, rows, strict=True)])),
            "similarity": similarity([written[i] for i in rows], texts),
            "change": float(np.mean(_finite(change))),
            "median_change": float(np.median(_finite(change))),
        }
    return found


def latent_terms(
    model: MoleculeAutoencoder, codes: NDArray[Any], seed: int = 0
) -> dict[str, float]:
    """KS, covariance and sliced terms of codes [N, D] in batches of 500; 1 for prior samples."""
    import keras

    from gmae_tf.penalties import GaussianMixturePenalty
    from gmae_tf.training.batches import SeededBatches

    if model.network.prior is None:
        return {}
    penalty = GaussianMixturePenalty(model.network.prior, 1.0, 1.0, 1.0, n_directions=128)
    batches = SeededBatches(codes.astype(np.float32), LATENT_BATCH, seed)
    rows = []
    for i in range(len(batches)):
        terms = penalty(keras.ops.convert_to_tensor(batches[i][0]))
        rows.append({name: float(value) for name, value in terms.items()})
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def properties(smiles: str | None) -> tuple[float, ...]:
    """PROPERTIES of a SMILES; NaN for what is no molecule."""
    with rdBase.BlockLogs():
        mol = None if smiles is None else Chem.MolFromSmiles(smiles)
    if mol is None:
        return (float("nan"),) * len(PROPERTIES)
    return (
        ZINC.score(mol),
        float(QED.qed(mol)),
        synthetic_accessibility(mol),
        logp(mol),
        float(Descriptors.MolWt(mol)),  # type: ignore[attr-defined]  # missing in RDKit's stubs
        float(largest_ring(mol)),
    )


def table(smiles: Sequence[str | None], jobs: int = -1) -> NDArray[np.float64]:
    """`properties` of each [N, 6]."""
    return np.array(map_chunks(properties, smiles, "properties", jobs=jobs))


def summary(values: NDArray[np.float64]) -> dict[str, float]:
    """Share of valid molecules in a table [N, 6]; their means and the share with large rings."""
    valid = np.isfinite(values[:, 0])
    kept = values[valid]
    if not len(kept):
        return {"valid": 0.0}
    return {
        "valid": float(valid.mean()),
        **{name: float(kept[:, i].mean()) for i, name in enumerate(PROPERTIES)},
        "median_penalized_logp": float(np.median(kept[:, 0])),
        "rings_above_7": float((kept[:, -1] > 7).mean()),
    }


def similarity(some: Sequence[str | None], others: Sequence[str | None]) -> float:
    """Mean Tanimoto similarity of pairs (Morgan, radius 2, 2,048 bits); 0 for no molecule."""
    total = 0.0
    with rdBase.BlockLogs():
        for one, other in zip(some, others, strict=True):
            mols = [None if text is None else Chem.MolFromSmiles(text) for text in (one, other)]
            if None not in mols:
                total += DataStructs.TanimotoSimilarity(*map(fingerprint, mols))
    return total / max(1, len(some))


def _distance(some: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    """1-Wasserstein distance of the finite values; NaN where there are none."""
    some, others = _finite(some), _finite(others)
    return float(wasserstein_distance(some, others)) if len(some) and len(others) else float("nan")


def _finite(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values[np.isfinite(values)]
